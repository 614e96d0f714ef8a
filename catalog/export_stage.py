"""What follows each download stage: folders of playlists that have new files, then the export hook.

It is a stage of its own, so that it is planned also when nothing had to be downloaded, shown, and repeated after a
kill. The keys of its items carry the time at which the download stage ended: a stage that is retried ends again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.models import Group
from mediasync.jobs.models import Stage as StageRow
from mediasync.jobs.registry import (
    JSON,
    Context,
    Done,
    ItemInfo,
    JobInfo,
    JobKind,
    NewItem,
    Outcome,
    Planned,
    Skipped,
    Stage,
    Text,
)

from . import exporting, hooks, scopes
from .models import Playlist, PlaylistSong
from .selectors import DOWNLOAD, group_of, playlist_of
from .songs import local_files

BLOCK = 500
SCOPED = ("playlists", "pools", "wanted")


class Export(Stage):
    """Refresh folders, one item a playlist, and run the hook last (there is one thread)."""

    name = hooks.EXPORT
    label: Text = _("Export")
    effect = Effect.IDEMPOTENT
    workers = 1

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield the playlists of the scope and those that hold a song which came since the download began."""
        download = _download_of(job)
        mark = f"@{download.finished:%Y%m%dT%H%M%S.%f}" if download and download.finished else ""
        rows = _touched(job.scope, download).filter(pk__gt=cursor or 0)
        block: list[NewItem] = []
        for pk, name in rows.order_by("pk").values_list("pk", "name").iterator(chunk_size=BLOCK):
            block.append(NewItem(f"{group_of(pk)}{mark}", {"playlist": pk}, group_of(pk), name))
            if len(block) == BLOCK:
                yield Planned(block, pk)
                block = []
        hook = [NewItem(f"hook{mark}", {"stage": download.pk})] if download else []
        yield Planned([*block, *hook], None)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        if stage := item.payload.get("stage"):
            ctx.progress(str(_("Export hook")))
            return Done({"hooks": 1}) if hooks.run(ctx, stage) else Done()
        playlist = Playlist.objects.filter(pk=item.payload["playlist"]).first()
        if playlist is None:
            return Skipped("playlist_gone")
        folder = exporting.refresh(playlist)
        return Done({"folders": 1, "links_changed": folder.changed})


def _download_of(job: JobInfo) -> StageRow | None:
    """Return the download stage that this follows: that of its own job, or the one that its scope names."""
    if after := job.scope.get("after"):
        return StageRow.objects.filter(pk=after).first()
    return StageRow.objects.filter(job_id=job.id, name=DOWNLOAD).first()


def _touched(scope: Mapping[str, Any], download: StageRow | None) -> Any:
    """Return the playlists whose folders may be out of date; only music that is here makes a folder."""
    named = Playlist.objects.none()
    if any(scope.get(name) for name in SCOPED):
        named = scopes.playlists_in(scope)
    wanted = Q(pk__in=named.order_by().values("pk"))
    if download is not None and download.started is not None:
        since = local_files().filter(created__gte=download.started, file_asset__song=OuterRef("song"))
        links = PlaylistSong.objects.filter(Exists(since)).order_by()
        groups = Group.objects.filter(stage=download, done__gt=0).values_list("key", flat=True)
        wanted |= Q(pk__in=links.values("playlist")) | Q(pk__in=[playlist_of(key) for key in groups])
    return Playlist.objects.filter(wanted)


def check_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of a job that only exports: ``playlists`` (ids), or ``after`` (the id of a download stage)."""
    if after := scope.get("after"):
        return {"after": int(after)}
    found = scopes.check_scope(scope)
    if not any(found.get(name) for name in SCOPED):
        raise UsageError("Choose at least one playlist.", code="no_playlists")
    return found


KIND = JobKind(
    name=hooks.KIND,
    label=_("Refresh folders of playlists"),
    stages=(Export(),),
    lanes=scopes.general_lanes,
    check_scope=check_scope,
    permission="catalog.change_playlist",
)

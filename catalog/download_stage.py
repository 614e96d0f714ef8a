"""The stage that downloads: one item a song, in groups by playlist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from mediasync.core.clock import system
from mediasync.core.errors import NeedsOperator, Permanent, UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import exporting, fetching, keeping, rooms
from .hunting import Hunt
from .models import DownloadSource, FileLocation, Playlist, PlaylistSong, Song
from .scopes import playlists_in, songs_in
from .selectors import DOWNLOAD, group_of
from .songs import is_downloaded

BLOCK = 5_000  # items that are planned at once


class Download(Stage):
    """Find each song in the sources for files, fetch the best, and write down where it lies."""

    name = DOWNLOAD
    label = _("Download")
    effect = Effect.IDEMPOTENT

    def workers_for(self, job: JobInfo) -> int:
        return int(job.scope.get("workers") or settings.DOWNLOAD_WORKERS)

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield the songs that are not here, each in the first of its playlists; none of them is looked for yet.

        UsageError when there are some, but no source to ask or no folder for them.
        """
        items: list[NewItem] = []
        checked = False
        for item in _items(job.scope):
            if not checked:
                sources_for(job.scope)
                fetching.sweep(rooms.room(job.scope.get("root")).container_name, system.now().timestamp())
                checked = True
            items.append(item)
            if len(items) == BLOCK:
                yield Planned(items)
                items = []
        yield Planned(items)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        """Download one song; the last one of a playlist, also one that cannot be had, refreshes its folder."""
        try:
            outcome = self._download(item, ctx)
        except (Permanent, UsageError):
            exporting.after_song(item.id)
            raise
        exporting.after_song(item.id)
        return outcome

    def _download(self, item: ItemInfo, ctx: Context) -> Outcome:
        song = Song.objects.filter(pk=int(item.key)).first()
        if song is None:
            return Skipped("song_gone")
        if song.kind == Song.Kind.OTHER:
            return Skipped("non_music")
        location = keeping.recover(ctx, song, item.cursor)
        if location is None:
            if not item.force and Song.objects.filter(is_downloaded(), pk=song.pk).exists():
                return Skipped("already_local")
            location = Hunt(ctx, song, _sources_now(ctx.job.scope)).run()
        return _done(location)


def sources_for(scope: Mapping[str, Any]) -> Sequence[DownloadSource]:
    """Return the sources for files that a job may ask, in its order: its own list, that of the settings, or all.

    UsageError if none of them is switched on.
    """
    names = list(scope.get("download_sources") or settings.DOWNLOAD_SOURCES)
    rows = list(DownloadSource.objects.filter(enabled=True))
    if names:
        known = {row.name: row for row in rows}
        rows = [known[name] for name in dict.fromkeys(names) if name in known]
    if not rows:
        raise UsageError("No download source is switched on.", code="no_download_source")
    return rows


def _sources_now(scope: Mapping[str, Any]) -> Sequence[DownloadSource]:
    """Return the sources for an item; where somebody switched them off meanwhile, the job rests once."""
    try:
        return sources_for(scope)
    except UsageError as error:
        raise NeedsOperator(str(error), code=error.code) from None


def _items(scope: Mapping[str, Any]) -> Iterator[NewItem]:
    """Yield an item for each song that is missing, in the order of playlists and their positions."""
    rows = songs_in(scope).exclude(is_downloaded()).order_by("pk")
    missing = {pk: (name, singers) for pk, name, singers in rows.values_list("pk", "name", "singers")}
    limit = scope.get("limit") or len(missing)
    for pk, playlist, label in _placed(scope):
        if limit > 0 and pk in missing:
            limit -= 1
            yield _item(pk, missing.pop(pk), group_of(playlist), label)
    for pk, names in list(missing.items())[: max(0, limit)]:  # songs that are in no list any more
        yield _item(pk, names, "", "")


def _placed(scope: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Yield (song, playlist, its name) for the playlists of a scope."""
    names: dict[int, str] = dict(playlists_in(scope).values_list("pk", "name"))
    links = PlaylistSong.objects.filter(playlist__in=Playlist.objects.filter(pk__in=playlists_in(scope).values("pk")))
    if songs := scope.get("songs"):
        links = links.filter(song__in=songs)
    for song, playlist in links.order_by("playlist", "position", "pk").values_list("song", "playlist").iterator():
        yield song, playlist, names.get(playlist, "")


def _item(pk: int, names: tuple[str, str], group: str, label: str) -> NewItem:
    return NewItem(str(pk), {"name": names[0], "singers": names[1]}, group, label)


def _done(location: FileLocation) -> Done:
    return Done({"files": 1, "bytes": location.file_asset.file_size_bytes, "source": location.file_asset.source})


STAGE = Download()

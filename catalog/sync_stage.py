"""The stage that synchronises: one item a playlist, so that each can be tried again alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from django.db.models import Case, F, When
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import AccessDenied, NotFound, UsageError, WorkError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import leaving
from .asking import forget_failure, note_failure, occasion, refusals, sources_for
from .errors import ParseError
from .models import Playlist, Source
from .scopes import playlists_in
from .syncing import Result, sync
from .syncing import note_failure as note_at_playlist

BLOCK = 2_000  # items that are planned at once


class Sync(Stage):
    """Ask for the songs of each playlist."""

    name = "sync"
    label = _("Synchronise")
    effect = Effect.IDEMPOTENT

    def workers_for(self, job: JobInfo) -> int:
        return int(job.scope.get("workers") or 4)

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield the playlists of sources that are switched on, those that waited longest first.

        What could not be read goes last: it waits for ever, and a limit would leave nothing for the others.
        """
        names = [source.name for source in sources_for(job.scope)]
        if not names:
            raise UsageError("No source is switched on.", code="no_source")
        rows = playlists_in(job.scope).filter(platform__in=names)
        unread = Case(When(sync_result__in=(Result.PRIVATE, Result.PARSE_ERROR), then=1), default=0)
        rows = rows.order_by(unread, F("synced_at").asc(nulls_first=True), "pk")[: job.scope.get("limit")]
        items: list[NewItem] = []
        first = True
        for pk, platform, name in rows.values_list("pk", "platform", "name"):
            payload = {"name": name, "platform": platform, "first": first}
            items.append(NewItem(str(pk), payload, platform, platform))
            first = False
            if len(items) == BLOCK:
                yield Planned(items)
                items = []
        yield Planned(items)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        playlist = Playlist.objects.filter(pk=int(item.key)).first()
        if playlist is None:
            return Skipped("playlist_gone")
        source = Source.objects.filter(name=playlist.platform, enabled=True).first()
        if source is None:
            return Skipped("source_off", {"name": playlist.platform})
        ctx.progress(playlist.name)
        when = occasion(ctx.job.id)
        try:
            refusals.check(when, source.name)
            found = sync(playlist, source, ctx)
        except NotFound:  # somebody deleted it while we asked
            return Skipped("playlist_gone")
        except WorkError as error:
            if isinstance(error, AccessDenied):
                refusals.note(when, source.name, error)
                note_failure(source, self.name, error, ctx)
            note_at_playlist(playlist, error, ctx)
            raise
        if found.leaving or item.attempt > 1 or item.payload["first"]:  # what a kill or an error left is done too
            leaving.put_away(ctx)
        if item.payload["first"]:
            leaving.empty(ctx)
        forget_failure(source, self.name, ctx)
        if found.result == Result.PRIVATE:
            return Skipped("playlist_private", {"name": playlist.name})
        if found.result == Result.PARSE_ERROR:
            note = Playlist.objects.filter(pk=playlist.pk).values_list("last_error", flat=True).first()
            raise ParseError(f"The list was not understood: {note}")
        return Done(asdict(found) | {"partial": int(found.result == Result.PARTIAL)})

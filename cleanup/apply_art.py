"""Art on probation: Plex may crash when it renders a category whose art is a web address, so it is watched doing so.

Plex_mate's finding: the server goes down once for each such category. Each category of the libraries concerned is asked
for once, through Plex; if Plex stops answering, all art of this run gets its old value back, and the run ends there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import closing

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Snooze, Unreachable, WorkError
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage
from mediasync.servers.clients.plex_butler import PlexButler
from mediasync.servers.services import access_of

from . import apply_rows
from .apply_open import STOPPED, Scene, scene
from .apply_rows import UPDATES, Row, Verdict
from .apply_values import ART, waiter, write
from .choices import Outcome as Became
from .models import PlanRow, Run

LATER = dt.timedelta(minutes=2)
TRIES = 4  # looks whether Plex answers, before it counts as gone
PAUSE = 5.0  # seconds between them
BACK = "art_crashed"


def written(run: int) -> list[Row]:
    """Return the rows of art whose web address was written in this run."""
    found = PlanRow.objects.filter(run=run, phase=UPDATES, column=ART, outcome=Became.UPDATED, new__startswith="http")
    return apply_rows.read(found)


class Probation(Stage):
    """Have Plex render the categories with the new art; roll the art back if it falls over that."""

    name = "art"
    label = _("Watch Plex show the new art")

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        if written(job.scope["run"]):
            yield Planned([NewItem("art")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = written(found.run.pk)
        if not rows or found.folder.server is None:
            return Skipped("cleanup_nothing_left")
        with closing(PlexButler(access_of(found.folder.server), clock=self.clock)) as butler:
            if not butler.running():
                raise Snooze(
                    "Start Plex: its new art is to be watched.", until=ctx.now() + LATER, code="cleanup_art_waits"
                )
            shown = self._show(butler, self._sections(rows), ctx)
        if shown is None:
            return self._roll_back(found, rows, ctx)
        return Done({"categories": shown})

    @staticmethod
    def _sections(rows: Sequence[Row]) -> list[int]:
        found = PlanRow.objects.filter(id__in=[row.id for row in rows[:20_000]]).exclude(section=None)
        return sorted({section for section in found.values_list("section", flat=True) if section is not None})

    def _show(self, butler: PlexButler, sections: Sequence[int], ctx: Context) -> int | None:
        """Return how many categories were rendered, None once Plex does not survive it."""
        shown = 0
        for section in sections:
            try:
                pictures = butler.categories(str(section))
            except WorkError:
                if not self._lives(butler, ctx):
                    return None
                continue  # a library without categories
            for picture in pictures:
                ctx.checkpoint()
                ctx.progress(picture)
                if not self._renders(butler, picture, ctx):
                    return None
                shown += 1
        return shown if self._lives(butler, ctx) else None

    def _renders(self, butler: PlexButler, picture: str, ctx: Context) -> bool:
        """Ask for one picture; False if Plex goes down over it, or drops the connection twice."""
        for _attempt in range(2):
            try:
                butler.picture(picture)
            except Unreachable:
                if not self._lives(butler, ctx):
                    return False
                continue  # a supervisor may have started it again
            except WorkError:
                pass  # no such picture: Plex answered, which is all we ask
            return True
        return False

    def _lives(self, butler: PlexButler, ctx: Context) -> bool:
        for attempt in range(TRIES):
            if attempt:
                self.clock.sleep(PAUSE)
            ctx.checkpoint()
            try:
                if butler.running():
                    return True
            except WorkError:
                return True  # something answers
        return False

    def _roll_back(self, found: Scene, rows: Sequence[Row], ctx: Context) -> Outcome:
        """Give all art its old value again. Plex is down, or will be: the policy for writing does not matter now."""
        back = write(found, rows, True, waiter(ctx, self.clock), back=True)
        verdicts = {pk: Verdict(Became.RESTORED, BACK) for pk, each in back.items() if each.outcome == Became.UPDATED}
        report = found.run.report | {STOPPED: BACK}
        apply_rows.write(ctx, verdicts, [lambda: Run.objects.filter(pk=found.run.pk).update(report=report)])
        ctx.log("cleanup_art_rolled_back", Level.ERROR, count=len(verdicts))
        return Done({"rolled_back": len(verdicts)})

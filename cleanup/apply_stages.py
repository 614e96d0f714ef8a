"""The steps of an apply that put away what the plan names: files, then whole bundles, then empty folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise as Text

from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import apply_files, apply_rows, hours, libraries
from .apply_checks import children
from .apply_gate import Gate
from .apply_open import Scene, hands, scene
from .apply_rows import Row, Verdict
from .choices import PHASES, Action, Klass
from .choices import Outcome as Became
from .models import PlanRow
from .plexdata import layout

FILES = 10_000  # of one item: one sync of the manifest, two looks at the references


class PutAway(Stage):
    """Put the rows of one phase into the quarantine, block by block."""

    def __init__(self, name: str, label: Text, action: Action, rows: int = FILES) -> None:
        self.name, self.label, self.action, self.rows = name, label, action, rows
        self.phase = PHASES[action]

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        found = PlanRow.objects.filter(run=job.scope["run"], phase=self.phase, outcome=Became.PLANNED)
        yield from apply_rows.items(self.name, found, cursor, self.rows)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        ctx.checkpoint()
        found = scene(ctx.job.scope["run"])
        rows = apply_rows.rows(found.run.pk, self.phase, item.payload["first"], item.payload["last"], Became.PLANNED)
        if not rows or not found.goes_on:
            return Skipped("cleanup_nothing_left")
        hours.keep(found, ctx.now())
        if any(row.klass != Klass.CACHE for row in rows):
            Gate(found, ctx.now()).files()
        verdicts = _of_missing_libraries(found, rows)
        rows = [row for row in rows if row.id not in verdicts]
        own = children((row.klass, row.path) for row in rows)
        with hands(found, lambda: ctx.stopping, own) as open_hands:
            while True:
                verdicts |= apply_files.carry_out(rows, open_hands)
                apply_rows.write(ctx, verdicts)
                apply_files.check_room(open_hands)
                rows = [row for row in rows if row.id not in verdicts]
                if not rows:
                    return Done(apply_rows.counts(verdicts))
                ctx.checkpoint()


class Folders(Stage):
    """Remove folders in which nothing is left, the deepest first."""

    name = "folders"
    label = _("Remove empty folders")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rows = PlanRow.objects.filter(run=job.scope["run"], phase=PHASES[Action.FOLDER], outcome=Became.PLANNED)
        ids = list(rows.order_by(Length("path").desc(), "id").values_list("id", flat=True))
        items = [
            NewItem(f"folders {start}", {"ids": ids[start : start + apply_rows.BLOCK]})
            for start in range(0, len(ids), apply_rows.BLOCK)
        ]
        yield Planned(items)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        ctx.checkpoint()
        found = scene(ctx.job.scope["run"])
        if not found.goes_on:
            return Skipped("cleanup_nothing_left")
        hours.keep(found, ctx.now())
        Gate(found, ctx.now()).files()
        rows = apply_rows.chosen(found.run.pk, item.payload["ids"], Became.PLANNED)
        rows.sort(key=lambda row: -len(row.path))
        with hands(found, lambda: False) as open_hands:
            verdicts = apply_files.remove_folders(rows, open_hands)
            apply_rows.write(ctx, verdicts)
            apply_files.check_room(open_hands)
        return Done(apply_rows.counts(verdicts))


def _of_missing_libraries(found: Scene, rows: Sequence[Row]) -> dict[int, Verdict]:
    """Leave orphans alone while a library's folder is not there: they may be that library's."""
    orphans = [row for row in rows if row.klass == Klass.ORPHAN]
    if not orphans:
        return {}
    lacking = libraries.missing(libraries.of(found.data.database), found.policy.elsewhere)
    spared = libraries.spared(lacking)
    if not spared:
        return {}
    return {row.id: Verdict(Became.SKIPPED, "library_missing") for row in orphans if _part(row.path) in spared}


def _part(path: str) -> str:
    place = layout.place_of(path)
    return (place.folder or "Media") if place else ""

"""The steps that undo a run: folders, bundles and files first, then the values that name them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Transient, UsageError
from mediasync.jobs.choices import OnError
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import apply_rows, restore_files, scopes, services
from .apply_after import settle
from .apply_checks import identity_of
from .apply_gate import Gate
from .apply_open import open_root, open_roots, scene
from .apply_ready import back_up, keep
from .apply_rows import AWAY, UPDATES, Row, Verdict
from .apply_values import BEGUN, ROWS, unsure, waiter, write
from .choices import PHASES, Action, RunState
from .choices import Outcome as Became
from .models import PlanRow
from .quarantine import Quarantine

MOST_ROWS = 10_000  # that a person chooses one by one
OUT = (Became.QUARANTINED, Became.PLANNED)  # the latter: a crash may have come before that was written down
WRITTEN = Q(outcome=Became.UPDATED) | Q(
    outcome__in=(Became.PLANNED, Became.LOCKED, Became.ERROR), reason__startswith=BEGUN
)


def check_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"run": id}``, perhaps with ``rows``: ids of rows of that run; UsageError for others."""
    checked = scopes.check_run({name: value for name, value in scope.items() if name != "rows"})
    if scope.get("rows") is None:
        return checked
    ids = sorted({int(each) for each in scope["rows"]})
    if not 0 < len(ids) <= MOST_ROWS:
        raise UsageError(f"Choose 1 to {MOST_ROWS:,} rows.", code="cleanup_rows", most=MOST_ROWS)
    if PlanRow.objects.filter(run=checked["run"], id__in=ids).count() != len(ids):
        raise UsageError("Some of these rows are not of this run.", code="cleanup_rows_of_others")
    return checked | {"rows": ids}


def asked(scope: Mapping[str, Any]) -> QuerySet[PlanRow]:
    """Return the rows that a job is to put back."""
    rows = PlanRow.objects.filter(run=scope["run"])
    return rows.filter(id__in=scope["rows"]) if "rows" in scope else rows


class Begin(Stage):
    """See that the folder is there, copy the database before values go back, and add what chosen values need."""

    name = "begin"
    label = _("Look what can be put back")
    on_error = OnError.FAIL_FAST

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("begin")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        with ctx.transaction():
            services.move(found.run, RunState.RESTORING, services.TO_RESTORE)
            keep(found.run, {"identity": identity_of(found.data.database)})
        if asked(ctx.job.scope).filter(WRITTEN, phase=UPDATES).exists():
            Gate(found, ctx.now()).values()
            copy = back_up(found, "-restore")
            with ctx.transaction():
                keep(found.run, {"backup_before_restore": copy})
        return Done({})


class Folders(Stage):
    """Make the folders again that were removed."""

    name = "folders"
    label = _("Make folders again")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rows = asked(job.scope).filter(phase=PHASES[Action.FOLDER], outcome=Became.DELETED)
        yield from apply_rows.items("folders", rows, cursor)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = _block(ctx.job.scope, item, (PHASES[Action.FOLDER],), Q(outcome=Became.DELETED))
        with open_root(found.data.root) as root, open_root(found.run.quarantine) as away:
            verdicts = restore_files.make_folders(rows, root, Quarantine(away))
        apply_rows.write(ctx, verdicts)
        return Done(apply_rows.counts(verdicts))


class Files(Stage):
    """Put bundles and files back."""

    name = "files"
    label = _("Put files back")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rows = PlanRow.objects.filter(run=job.scope["run"], phase__in=AWAY, outcome__in=OUT)
        if "rows" in job.scope:
            bundles = {row.bundle for row in _values(job.scope)}
            rows = rows.filter(Q(id__in=job.scope["rows"]) | Q(bundle__in=bundles))
        yield from apply_rows.items("files", rows, cursor)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        ctx.checkpoint()
        found = scene(ctx.job.scope["run"])
        rows = _block({"run": found.run.pk}, item, AWAY, Q(outcome__in=OUT))
        if "rows" in ctx.job.scope:
            wanted = set(ctx.job.scope["rows"])
            needed = restore_files.named(_values(ctx.job.scope))
            rows = [row for row in rows if row.id in wanted or restore_files.name_of(row) in needed]
        if not rows:
            return Skipped("cleanup_nothing_left")
        if not found.run.quarantine:  # it never came to make one
            apply_rows.write(ctx, {row.id: Verdict(Became.SKIPPED, "not_begun") for row in rows})
            return Skipped("cleanup_nothing_left")
        with ExitStack() as stack:
            roots = open_roots(found, stack)
            away = Quarantine(stack.enter_context(open_root(found.run.quarantine)))
            verdicts = restore_files.bring_back(rows, roots, away)
        apply_rows.write(ctx, verdicts)
        return Done(apply_rows.counts(verdicts))


class Values(Stage):
    """Give items their old values again, where the new one still stands and the old one's file is there."""

    name = "values"
    label = _("Put values back")
    attempts = 4

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rows = asked(job.scope).filter(WRITTEN, phase=UPDATES)
        yield from apply_rows.items("values", rows, cursor, ROWS)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = _block(ctx.job.scope, item, (UPDATES,), WRITTEN)
        if not rows:
            return Skipped("cleanup_nothing_left")
        running = Gate(found, ctx.now()).values()
        with open_root(found.data.root) as root:
            lacking = {row.id for row in rows if not restore_files.is_there(row, root)}
        ready = [row for row in rows if row.id not in lacking]
        verdicts = {row.id: Verdict(Became(row.outcome), "no_file") for row in rows if row.id in lacking}
        for pk, each in write(found, ready, running, waiter(ctx, self.clock), back=True).items():
            if each.outcome == Became.LOCKED and item.attempt < self.attempts:
                apply_rows.write(ctx, verdicts)
                raise Transient("Plex's database is locked.", code="plex_database_locked")
            verdicts[pk] = Verdict(Became.RESTORED) if each.outcome == Became.UPDATED else unsure(each)
        apply_rows.write(ctx, verdicts)
        return Done(apply_rows.counts(verdicts))


class End(Stage):
    """Count, tidy the quarantine, and report."""

    name = "end"
    label = _("Count and report")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("end")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        left = PlanRow.objects.filter(run=found.run).filter(
            Q(phase__in=AWAY, outcome=Became.QUARANTINED)
            | Q(phase=UPDATES, outcome=Became.UPDATED)
            | Q(phase=PHASES[Action.FOLDER], outcome=Became.DELETED)
        )
        count = left.count()
        clean = restore_files.remove_quarantine(found.run.quarantine) if found.run.quarantine else True
        gone: dict[str, Any] = {"quarantine": "", "expires_at": None} if clean else {}
        if not clean and found.run.expires_at is None:  # its apply never came to its end
            gone = {"expires_at": ctx.now() + dt.timedelta(days=found.folder.quarantine_days)}
        to = RunState.APPLIED if count and "rows" in ctx.job.scope else RunState.RESTORED
        settle(found, ctx, "restored", to, [RunState.RESTORING, to], {"left": count}, **gone)
        return Done({})


def _block(scope: Mapping[str, Any], item: ItemInfo, phases: Sequence[int], which: Q) -> list[Row]:
    block = (item.payload["first"], item.payload["last"])
    return apply_rows.read(asked(scope).filter(which, phase__in=phases, id__range=block))


def _values(scope: Mapping[str, Any]) -> list[Row]:
    """Return the chosen values."""
    return apply_rows.read(asked(scope).filter(WRITTEN, phase=UPDATES))

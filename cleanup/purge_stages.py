"""The steps that delete for good what lies in a quarantine; what came into use again meanwhile is put back instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Conflict
from mediasync.jobs.choices import OnError
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import apply_rows, restore_files, services
from .apply_after import settle
from .apply_checks import children, identity_of
from .apply_files import DATA, Hands, in_use
from .apply_open import hands, scene
from .apply_ready import compare, keep
from .apply_rows import AWAY, Row, Verdict
from .choices import Action, Klass, RunState
from .choices import Outcome as Became
from .models import PlanRow, Run
from .plexdata.safe import Root
from .quarantine import place
from .quarantine_copy import clear


class Check(Stage):
    """Look whether the database still knows what the plan knew: the last chance for what it names again."""

    name = "check"
    label = _("Look again at the database")
    on_error = OnError.FAIL_FAST

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        if due(job).exists() or job.kind != services.APPLY:
            yield Planned([NewItem("check")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        _may(found.run)
        if due(ctx.job).exclude(klass=Klass.CACHE).exists():
            compare(found)
        with ctx.transaction():
            keep(found.run, {"identity": identity_of(found.data.database)})
        return Done({})


class Delete(Stage):
    """Delete block by block."""

    name = "delete"
    label = _("Delete for good")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield from apply_rows.items("rows", due(job), cursor)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        ctx.checkpoint()
        found = scene(ctx.job.scope["run"])
        _may(found.run)
        rows = apply_rows.read(due(ctx.job).filter(id__range=(item.payload["first"], item.payload["last"])))
        if not rows:
            return Skipped("cleanup_nothing_left")
        own = children((row.klass, row.path) for row in rows)
        with hands(found, lambda: ctx.stopping, own) as open_hands:
            verdicts = _delete(rows, open_hands)
        apply_rows.write(ctx, verdicts)
        return Done(apply_rows.counts(verdicts))


class End(Stage):
    """Remove the empty quarantine, count and report."""

    name = "end"
    label = _("Count and report")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rows = PlanRow.objects.filter(run=job.scope["run"], outcome=Became.DELETED, phase__in=AWAY)
        if job.kind != services.APPLY or rows.exists():
            yield Planned([NewItem("end")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        some = PlanRow.objects.filter(run=found.run, phase__in=AWAY, outcome=Became.QUARANTINED).exists()
        clean = False
        if found.run.quarantine and not some:
            clean = restore_files.remove_quarantine(found.run.quarantine)
        to = RunState.APPLIED if some else RunState.PURGED
        settle(found, ctx, "purged", to, [*services.TO_PURGE, to], {"clean": clean})
        return Done({})


def due(job: JobInfo) -> QuerySet[PlanRow]:
    """Return the rows whose things a job is to delete: all of the run, or what its policy keeps in no quarantine."""
    rows = PlanRow.objects.filter(run=job.scope["run"], phase__in=AWAY, outcome=Became.QUARANTINED)
    if job.kind != services.APPLY:  # that one ends with these steps where the policy wants no quarantine
        return rows
    policy = Run.objects.values_list("policy", flat=True).get(pk=job.scope["run"])
    if policy.get("delete_at_once"):
        return rows
    return rows.filter(klass=Klass.CACHE) if policy.get("cache_at_once") else rows.none()


def _may(run: Run) -> None:
    if run.state not in services.TO_PURGE:
        raise Conflict(f"Run {run.pk} is {run.state}.", code="cleanup_wrong_state", run=run.pk, state=run.state)


def _delete(rows: Sequence[Row], open_hands: Hands) -> dict[int, Verdict]:
    """Delete what nothing names; what something names again goes back to its place, if that is free."""
    used = in_use(rows, open_hands)
    back = [row for row in rows if row.base == DATA and row.path in used]
    verdicts = restore_files.bring_back(back, open_hands.roots, open_hands.quarantine)
    root = open_hands.quarantine.root
    for row in rows:
        kept = verdicts.get(row.id)
        if kept is not None and (kept.reason != "place_taken" or _lacks(row, open_hands)):
            continue
        if open_hands.stop():
            break
        verdicts[row.id] = _delete_one(root, row)
    return verdicts


def _lacks(row: Row, open_hands: Hands) -> bool:
    """Tell whether a bundle that Plex has made again lacks a file in use that lies in the quarantine."""
    if row.action != Action.TREE:
        return False
    used = open_hands.references.in_use(open_hands.quarantine.inside(row.base, row.path))
    return any(open_hands.roots[row.base].lstat(path) is None for path in used)


def _delete_one(root: Root, row: Row) -> Verdict:
    """Delete what lies for a row; nothing there is an earlier try."""
    try:
        clear(root, place(row.base, row.path))
    except OSError as error:
        return Verdict(Became.QUARANTINED, f"errno {error.errno}")
    return Verdict(Became.DELETED)

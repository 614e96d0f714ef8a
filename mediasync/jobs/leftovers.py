"""What a slice finds when it begins: items that a dead worker left behind."""

from __future__ import annotations

from django.db.models import F

from . import items
from .choices import Effect, ItemState, Level
from .leases import Lease, Tally, fence, patiently
from .models import Event, Group, Item
from .models import Stage as StageRow
from .notes import Notes
from .outcomes import Result, dumps
from .registry import Stage

MOST_CRASHES = 2  # an item that was running at more deaths than this is the killer
CHUNK = 500


def recover(row: StageRow, stage: Stage, lease: Lease, notes: Notes) -> None:
    """Mark running items as interrupted; fail those that kill their worker and those that must not be repeated."""
    patiently(lease, lambda: _interrupt(row, lease))
    while failed := patiently(lease, lambda: _fail_some(row, stage, lease, notes)):
        row.failed += failed


def _interrupt(row: StageRow, lease: Lease) -> None:
    rev = fence(lease).rev
    running = Item.objects.filter(stage=row, state=ItemState.RUNNING)
    found = running.update(state=ItemState.INTERRUPTED, crashes=F("crashes") + 1, rev=rev)
    Group.objects.filter(stage=row, running__gt=0).update(running=0, rev=rev)
    if found:
        Event.objects.create(
            job_id=row.job_id,
            stage=row,
            at=lease.clock.now(),
            level=Level.WARNING,
            code="items_interrupted",
            params={"count": found},
        )


def _fail_some(row: StageRow, stage: Stage, lease: Lease, notes: Notes) -> int:
    """Fail up to a chunk of them and return how many."""
    rev = fence(lease).rev
    rows = Item.objects.filter(stage=row, state=ItemState.INTERRUPTED)
    if stage.effect is not Effect.ONCE:
        rows = rows.filter(crashes__gt=MOST_CRASHES)
    code = "not_repeated" if stage.effect is Effect.ONCE else "worker_died_on_item"
    doomed = items.claimed_of(rows.order_by("pk")[:CHUNK])
    results = [
        Result(each, ItemState.FAILED, each.info.attempt, code=code, params=dumps({"crashes": each.info.crashes}))
        for each in doomed
    ]
    if results:
        moved = Tally(failed=len(results))
        fence(lease, moved)
        items.record(results, lease.clock.now(), rev)
        items.move_stage(row.pk, moved, row.result, rev)
        items.move_groups(((pk, 0, number, 0, 0) for pk, number in items.groups_of(doomed).items()), rev)
        Event.objects.bulk_create(notes.of_results(results))
    return len(results)

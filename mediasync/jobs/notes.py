"""What threads leave for the main thread to write beside the items: events, places, cursors, the current line."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import items, logs
from .choices import ItemState, Level
from .leases import Lease
from .models import Event, Job, SliceSlot, Stage
from .outcomes import Result, dumps, storable

if TYPE_CHECKING:
    from .context import ItemContext

LISTED_SKIPS = 200  # Events a stage; after that only the counter moves


class Notes:
    """Gathered in memory; ``write`` belongs into a fenced transaction, ``written`` after it."""

    def __init__(self, row: Stage, lease: Lease, worker_id: int | None) -> None:
        self.events: deque[Event] = deque()  # its operations are atomic
        self.rate = 0.0
        self._row = row
        self._lease = lease
        self._worker_id = worker_id
        self._taken = 0
        self._slots = 0

    def of_results(self, results: Sequence[Result]) -> list[Event]:
        """Return an Event for each failure and retry, and for the first skips."""
        told = [each for each in results if each.state in (ItemState.FAILED, ItemState.RETRY_WAIT)]
        left = LISTED_SKIPS - self._row.skipped
        if left > 0:
            told += [each for each in results if each.state == ItemState.SKIPPED][:left]
        return [self._event(each) for each in told]

    def write_events(self, results: Sequence[Result]) -> None:
        waiting = list(self.events)
        self._taken = len(waiting)
        rows = waiting + self.of_results(results)
        if rows:
            Event.objects.bulk_create(rows, batch_size=100)

    def written(self) -> None:
        """The transaction is through: forget what it wrote."""
        for _ in range(self._taken):
            self.events.popleft()
        self._taken = 0

    def write_slots(self, busy: Sequence[ItemContext | None], finished: int, seconds: float) -> None:
        """Say what each thread is busy with, and how fast the job goes; keep the cursors of checkpoints."""
        places = [(number, ctx) for number, ctx in enumerate(busy) if ctx is not None]
        cursors = []
        for _, ctx in places:
            if (cursor := ctx.unsaved) is not None:
                text = dumps(cursor)
                cursors += [(each.info.id, text) for each in ctx.claimed]
        items.save_cursors(cursors)
        pace = finished / seconds if seconds else 0.0
        self.rate = pace if not self.rate else self.rate * 0.7 + pace * 0.3
        current = storable(next((ctx.text or ctx.claimed[0].info.key for _, ctx in places), ""))
        Job.objects.filter(pk=self._row.job_id).update(current=current[:300], rate=round(self.rate, 3))
        logs.save(self._row.job_id, self._lease.clock)
        self._write_places(places)

    def _write_places(self, places: Sequence[tuple[int, ItemContext]]) -> None:
        if self._worker_id is None:
            return
        now = self._lease.clock.now()
        rows = [
            SliceSlot(
                worker_id=self._worker_id,
                job_id=self._row.job_id,
                slot=number,
                item_key=ctx.claimed[0].info.key,
                text=storable(ctx.text)[:300],
                bytes_per_second=ctx.bytes_per_second,
                updated=now,
            )
            for number, ctx in places
        ]
        mine = SliceSlot.objects.filter(worker_id=self._worker_id, job_id=self._row.job_id)
        if self._slots > len(rows):
            mine.exclude(slot__in=[number for number, _ in places]).delete()
        if rows:
            SliceSlot.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["worker", "job", "slot"],
                update_fields=["item_key", "text", "bytes_per_second", "updated"],
            )
        self._slots = max(self._slots, len(rows))

    def _event(self, each: Result) -> Event:
        level = {ItemState.FAILED: Level.ERROR, ItemState.RETRY_WAIT: Level.WARNING}.get(each.state, Level.INFO)
        params = json.loads(each.params) if each.params else {}
        if each.state != ItemState.SKIPPED:
            params["attempt"] = each.attempt
        return Event(
            job_id=self._row.job_id,
            stage=self._row,
            item_key=each.item.info.key,
            at=self._lease.clock.now(),
            level=level,
            code=each.code,
            params=params,
        )

"""The main thread's desk: it claims items, gathers what became of them, and writes both in fenced transactions.

One transaction carries the job's, stage's and groups' counters together with the item rows that they count, so a
kill at any point leaves them equal. It is retried while the database is busy, with everything kept in memory.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from mediasync.core.errors import LostLease, MediasyncError

from . import items
from .appetite import Appetite
from .choices import Effect, ItemState
from .leases import Lease, Tally, fence, patiently
from .models import Stage as StageRow
from .notes import Notes
from .outcomes import Claimed, Result, untouched
from .pools import Finished, Pool, Unit
from .registry import Stage

FLUSH_SECONDS = 0.5
SLOT_SECONDS = 1.0
WINDOW, TOO_MANY = 50, 10  # more than 20 % of the last 50 items failed transiently: let the job rest


@dataclass(slots=True)
class Written:
    """What a transaction did; the desk's memory follows only once it is through."""

    units: list[Unit] = field(default_factory=list)
    moved: Tally = field(default_factory=Tally)
    sums: dict[str, int | float] | None = None
    slots: bool = False


class Desk:
    """Between the rows of one stage and the pool that runs them."""

    def __init__(self, row: StageRow, stage: Stage, lease: Lease, pool: Pool, notes: Notes) -> None:
        self.row = row
        self.stage = stage
        self.lease = lease
        self.pool = pool
        self.notes = notes
        self._time = lease.clock.monotonic
        per_unit = stage.effect in (Effect.VERIFY, Effect.ONCE)
        self.appetite = Appetite(len(pool.busy), per_unit=per_unit, unit_size=stage.batch)
        self.running = 0  # units in the pool
        self.exhausted = False  # nothing is pending any more
        self.ending: MediasyncError | None = None  # Snooze or NeedsOperator
        self.worn_out = False  # the retry budget is used up
        self._results: list[Result] = []
        self._alone = False
        self._interrupted = True  # there may be some, until looked
        self._retries = True
        self._transients: deque[bool] = deque(maxlen=WINDOW)
        self._flushed = self._slotted = self._time()
        self._woken = float("-inf")
        self._finished = 0
        self._failed = 0

    @property
    def failed(self) -> int:
        """Failed items of the stage, with those that are not written yet."""
        return self.row.failed + self._failed

    @property
    def idle(self) -> bool:
        """Nothing is in the pool, and everything is written."""
        return not self.running and not self._results

    @property
    def hungry(self) -> bool:
        """More could be claimed."""
        return not self.exhausted and not self._alone and self.appetite.hungry(self.running)

    def due(self) -> bool:
        """Tell whether it is time to write."""
        waited = self._time() - self._flushed
        if not self._results:
            return waited >= SLOT_SECONDS or (self.hungry and not self.running)
        return waited >= FLUSH_SECONDS or self.appetite.per_unit or not self.running or self.hungry

    def patience(self) -> tuple[float, int]:
        """Return for how many seconds, and for how many units, to wait for the pool."""
        enough = 1 if self.appetite.target <= self.appetite.threads else max(1, self.running // 2)
        return FLUSH_SECONDS, enough

    def gather(self, finished: Iterable[Finished]) -> None:
        """Take over what the pool has run."""
        for unit in finished:
            self.running -= 1
            self.appetite.learn(unit.seconds)
            self._results.extend(unit.results)
            for each in unit.results:
                if each.state != ItemState.SUCCEEDED or self._transients:
                    self._notice(each)
        self._alone = self._alone and self.running > 0

    def take_back(self) -> None:
        """Un-mark the units that no thread has begun."""
        for unit in self.pool.take_back():
            self.running -= 1
            self._results.extend(untouched(each) for each in unit)
            self.exhausted = False
        self._alone = self._alone and self.running > 0

    def take_back_if_slow(self) -> None:
        """Un-mark what waits behind items that turned out to be slow: a kill now would blame all of them."""
        if self.pool.waiting() and self._time() - self.appetite.fed > 2 * FLUSH_SECONDS:
            self.appetite.starve()
            self.take_back()

    def flush(self, *, claim: bool) -> None:
        """Write everything gathered, and claim the next items if asked to."""
        self._remember(patiently(self.lease, lambda: self._write(claim=claim), undo=self._forget_claim))

    def _forget_claim(self) -> None:
        self._alone, self.exhausted, self._woken = self._alone and self.running > 0, False, float("-inf")

    def _remember(self, written: Written) -> None:
        self.notes.written()
        self._finished += len(self._results)
        self._results, self._failed = [], 0
        self._flushed = self._time()
        self.row.done += written.moved.done
        self.row.failed += written.moved.failed
        self.row.skipped += written.moved.skipped
        if written.sums is not None:
            self.row.result = written.sums
        if written.slots:
            self._slotted, self._finished = self._flushed, 0
        if written.units:
            self.running += len(written.units)
            self.appetite.fed = self._flushed
            self.pool.put(written.units)

    def _write(self, *, claim: bool) -> Written:
        results = self._results
        written = Written(moved=_tally(results))
        rev = fence(self.lease, written.moved).rev
        now = self.lease.clock.now()
        if results:
            items.record(results, now, rev)
            written.sums = _sums(self.row.result, results)
            items.move_stage(self.row.pk, written.moved, written.sums, rev)
        self.notes.write_events(results)
        waited = self._time() - self._slotted
        if waited >= SLOT_SECONDS:
            self.notes.write_slots(self.pool.busy, self._finished + len(results), waited)
            written.slots = True
        if claim:
            if self._retries and self._time() - self._woken >= SLOT_SECONDS:
                self._woken = self._time()
                if items.wake(self.row.pk, now + self.lease.skew, rev):
                    self.exhausted = False
            written.units = self._claim(rev)
        self._move_groups(results, written.units, rev)
        return written

    def _claim(self, rev: int) -> list[Unit]:
        """Mark the next items as running; one that was interrupted runs alone, so that it takes nobody with it."""
        if self._alone or self.exhausted:
            return []
        if self._interrupted:
            if self.running:
                return []
            first = items.select(self.row.pk, ItemState.INTERRUPTED, 1)
            if first:
                return self._mark(ItemState.INTERRUPTED, first, rev, alone=True)
            self._interrupted = False
        room = self.appetite.room(self.running) * self.stage.batch
        if not room:
            return []
        found = items.select(self.row.pk, ItemState.PENDING, room)
        bad = next((number for number, each in enumerate(found) if each.info.crashes), None)
        if bad == 0:
            return [] if self.running else self._mark(ItemState.PENDING, found[:1], rev, alone=True)
        self.exhausted = bad is None and len(found) < room
        return self._mark(ItemState.PENDING, found[:bad], rev)

    def _mark(self, state: ItemState, found: list[Claimed], rev: int, *, alone: bool = False) -> list[Unit]:
        if not found:
            return []
        self._alone = alone
        items.mark_running(self.row.pk, state, found, self.lease.clock.now(), rev)
        size = self.stage.batch
        return [found[start : start + size] for start in range(0, len(found), size)]

    def _notice(self, each: Result) -> None:
        if isinstance(each.ending, LostLease):
            raise each.ending
        self.ending = self.ending or each.ending
        self._failed += each.state == ItemState.FAILED
        self.exhausted = self.exhausted and each.state != ItemState.PENDING
        self._retries = self._retries or each.state == ItemState.RETRY_WAIT
        if self._transients or each.transient:
            self._transients.append(each.transient)
            self.worn_out = self.worn_out or (sum(self._transients) > TOO_MANY and len(self._transients) == WINDOW)

    def _move_groups(self, results: list[Result], units: list[Unit], rev: int) -> None:
        deltas: defaultdict[int, Tally] = defaultdict(Tally)  # total stands for running here
        for each in results:
            if each.item.group_id is not None:
                _add(deltas[each.item.group_id], each)
                deltas[each.item.group_id].total -= 1
        for unit in units:
            for item in unit:
                if item.group_id is not None:
                    deltas[item.group_id].total += 1
        items.move_groups(((pk, d.done, d.failed, d.skipped, d.total) for pk, d in deltas.items()), rev)


def _tally(results: Iterable[Result]) -> Tally:
    tally = Tally()
    for each in results:
        _add(tally, each)
    return tally


def _add(tally: Tally, each: Result) -> None:
    if each.state == ItemState.SUCCEEDED:
        tally.done += 1
    elif each.state == ItemState.SKIPPED:
        tally.skipped += 1
    elif each.state == ItemState.FAILED:
        tally.failed += 1


def _sums(before: dict[str, int | float], results: Iterable[Result]) -> dict[str, int | float]:
    """Return the sums of the numbers that items returned."""
    sums = dict(before)
    for each in results:
        for key, value in (each.numbers or {}).items():
            sums[key] = sums.get(key, 0) + value
    return sums

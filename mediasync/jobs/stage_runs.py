"""One stage within one slice: recover what a dead worker left, plan, run, finish."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection
from django.db.models import Max, QuerySet

from mediasync.core.errors import LostLease, MediasyncError, NeedsOperator, Snooze, Transient

from . import items
from .choices import ItemState, Level, OnError, StageState
from .context import ItemContext
from .desk import Desk
from .endings import Ending
from .leases import DatabaseGone, fence, patiently
from .leftovers import recover
from .models import Event, Item
from .models import Stage as StageRow
from .notes import LISTED_SKIPS, Notes
from .outcomes import UNEXPECTED, back_off, storable
from .planning import Planner
from .pools import Inline, Pool, Runner, Threads, Unit
from .registry import Stage

if TYPE_CHECKING:
    from .slices import Slice

logger = logging.getLogger(__name__)

REST_SECONDS = 60.0  # after too many transient failures


class StageRun:
    """One stage within one slice: recover, plan, run, finish."""

    def __init__(self, work: Slice, row: StageRow, stage: Stage) -> None:
        self.work = work
        self.lease = work.lease
        self.signals = work.signals
        self.row = row
        self.stage = stage
        self.notes = Notes(row, work.lease, work.worker_id)
        self.pool: Pool | None = None
        self.desk: Desk | None = None

    def run(self) -> Ending | None:
        """Return why the slice has to end, or None when the stage is finished."""
        self._open()
        recover(self.row, self.stage, self.lease, self.notes)
        if not self.row.planned and (ending := self._plan()) is not None:
            return ending
        if self._failed_enough():
            return self._too_many()
        ending = self._work()
        if ending is None:
            self._close()
        return ending

    def _open(self) -> None:
        self.row.workers = max(1, self.stage.workers_for(self.work.info))
        self.row.started = self.row.started or self.lease.clock.now()
        self.row.state = StageState.RUNNING if self.row.planned else StageState.PLANNING
        patiently(self.lease, lambda: self._save("workers", "started", "state"))

    def _save(self, *fields: str) -> None:
        self.row.rev = fence(self.lease).rev
        self.row.save(update_fields=["rev", *fields])

    def _plan(self) -> Ending | None:
        planner = Planner(self.row, self.lease)
        try:
            blocks = self.stage.plan(self.work.info, self.row.plan_cursor)
            if not planner.run(blocks, self._planned_enough):
                return self.work.asked() or Ending("handed_over")
        except (LostLease, DatabaseGone, OperationalError):
            raise
        except Exception as error:
            return self._cannot_plan(error)
        planner.close(last=self.row.seq == self._last_seq())
        return None

    def _planned_enough(self, resumable: bool) -> bool:
        if self.work.reporter.due():
            self._tell()
        return self.work.enough(resumable=resumable)

    def _cannot_plan(self, error: Exception) -> Ending:
        """Planning that failed transiently is tried again as often as an item would be; each try is an Event."""
        ending = _rest(error)
        if ending is not None:
            return ending
        code = error.code if isinstance(error, MediasyncError) else UNEXPECTED
        params = {"message": str(error), **getattr(error, "params", {})}
        if not isinstance(error, MediasyncError):
            logger.error("job %s: planning of %s", self.work.info.id, self.row.name, exc_info=error)
        tries = 1 + self._retries().count()
        if isinstance(error, Transient) and tries < self.stage.attempts:
            patiently(self.lease, lambda: self._write_retry(code, str(error)))
            wait = back_off(tries) if error.retry_after is None else error.retry_after
            return Ending("snoozed", code, params, self._in(wait))
        return Ending("failed", code, params)

    def _write_retry(self, code: str, message: str) -> None:
        fence(self.lease)
        self._event("plan_retry", Level.WARNING, error=code, message=storable(message), attempt=self.work.attempt)

    def _retries(self) -> QuerySet[Event]:
        """Return the retries of planning since the job was last started by somebody."""
        return Event.objects.filter(stage=self.row, code="plan_retry", params__attempt=self.work.attempt)

    def _work(self) -> Ending | None:
        """Feed the pool and write what comes back, until there is nothing left or something ends the slice."""
        runner = Runner(self.stage, self._context)
        self.pool = Threads(runner, self.row.workers) if self.work.threads else Inline(runner)
        self.desk = desk = Desk(self.row, self.stage, self.lease, self.pool, self.notes)
        wait = True
        try:
            return self._feed(desk, self.pool)
        except (SystemExit, KeyboardInterrupt):
            wait = False  # the process is to end now
            raise
        except BaseException:
            self.signals.lost = True  # whatever it was, nobody writes any more: threads stop at their checkpoints
            raise
        finally:
            self.pool.close(wait=wait)

    def _feed(self, desk: Desk, pool: Pool) -> Ending | None:
        while True:
            closing = self._closing(desk)
            if closing:
                desk.take_back()
            else:
                desk.take_back_if_slow()
            if desk.due() or (closing and not desk.running):
                desk.flush(claim=not closing)
            if desk.idle and (closing or desk.exhausted):
                return self._why(desk)
            seconds, enough = desk.patience()
            desk.gather(pool.collect(self.work.reporter.patience(seconds), enough))
            if self.work.reporter.due():
                self._tell()

    def _closing(self, desk: Desk) -> bool:
        if desk.ending or desk.worn_out or self._failed_enough():
            self.work.enough()
            self.signals.over = True
            return True
        return self.work.enough()

    def _why(self, desk: Desk) -> Ending | None:
        """Return why the work stopped; None when every item is finished."""
        if self._failed_enough():
            return self._too_many()
        if desk.ending is not None:
            return _rest(desk.ending)
        if desk.worn_out:
            return Ending("snoozed", "too_many_retries", {}, self._in(REST_SECONDS))
        if items.any_left(self.row.pk):
            return self.work.asked() or Ending("handed_over")
        later = items.next_retry(self.row.pk)
        return None if later is None else Ending("snoozed", "waiting_to_retry", {}, later)

    @property
    def _failed(self) -> int:
        return self.desk.failed if self.desk else self.row.failed

    def _failed_enough(self) -> bool:
        most = {OnError.FAIL_FAST: 1, OnError.STOP_AFTER: max(1, self.row.stop_after)}.get(OnError(self.row.on_error))
        return most is not None and self._failed >= most

    def _too_many(self) -> Ending:
        """Return the ending for too many failures; where one is enough, it is the reason."""
        params = {"stage": self.row.name, "failed": self._failed}
        if self.row.on_error == OnError.FAIL_FAST:
            failed = Item.objects.filter(stage=self.row, state=ItemState.FAILED).order_by("finished", "pk")
            for code, facts in failed.values_list("error_code", "error_params")[:1]:
                return Ending("failed", code, params | (facts or {}))
        return Ending("failed", "too_many_failures", params)

    def _close(self) -> None:
        self.row.finished = self.lease.clock.now()
        self.row.state = StageState.COMPLETED_WITH_ERRORS if self.row.failed else StageState.SUCCEEDED
        patiently(self.lease, self._write_close)
        self._tell()

    def _write_close(self) -> None:
        self._save("finished", "state")
        if self.row.skipped > LISTED_SKIPS:
            self._event("skips_not_listed", count=self.row.skipped - LISTED_SKIPS)

    def _event(self, code: str, level: Level = Level.INFO, **params: Any) -> None:
        Event.objects.create(
            job_id=self.work.info.id, stage=self.row, at=self.lease.clock.now(), level=level, code=code, params=params
        )

    def _context(self, unit: Unit) -> ItemContext:
        tick = None if self.work.threads else self._tick
        return ItemContext(self.work.info, self.row.pk, unit, self.signals, self.notes, tick)

    def _tick(self, safe: bool) -> None:
        """Look, report and (at a checkpoint) write from within an item that runs in this thread."""
        if safe and self.desk is not None and self.desk.due():
            self.desk.flush(claim=False)
        self.work.enough()
        if connection.in_atomic_block:
            self.signals.renew_if_due()
        if self.work.reporter.due():
            self._tell()

    def _tell(self) -> None:
        self.work.reporter.tell(self.row, self.stage.label, self.pool, self.notes.rate)

    def _in(self, seconds: float) -> dt.datetime:
        return self.lease.clock.now() + self.lease.skew + dt.timedelta(seconds=seconds)

    def _last_seq(self) -> int:
        return int(StageRow.objects.filter(job_id=self.work.info.id).aggregate(last=Max("seq"))["last"])


def _rest(error: Exception) -> Ending | None:
    """Return the ending of an error that puts the whole job to rest."""
    if isinstance(error, Snooze):
        return Ending("snoozed", error.code, error.params, error.until)
    if isinstance(error, NeedsOperator):
        return Ending("needs_operator", error.code, {"message": str(error), **error.params})
    return None

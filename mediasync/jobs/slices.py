"""One slice: about 15 seconds of work on a job, by whoever holds its lease.

``run_slice`` claims the job, plans and runs its stages in order, and ends by settling the job or handing it over.
Threads run items; only the thread that called ``run_slice`` writes (but for ``ctx.transaction()``).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import LostLease, MediasyncError, NeedsOperator, Snooze, Transient

from . import items, leases, registry
from .choices import Level, OnError, StageState
from .context import ItemContext
from .desk import DatabaseGone, Desk
from .endings import Ending, Send, end
from .leases import Lease, fence
from .leftovers import recover
from .models import Event, Job, Worker
from .models import Stage as StageRow
from .notes import LISTED_SKIPS, Notes
from .outcomes import UNEXPECTED, back_off
from .planning import Planner
from .pools import Inline, Pool, Runner, Threads, Unit
from .pulse import Heartbeat, Signals
from .registry import JobInfo, Stage
from .snapshots import OnProgress, Reporter

logger = logging.getLogger(__name__)

REST_SECONDS = 60.0  # after too many transient failures
GO_ON = None


def run_slice(
    job_id: int,
    epoch: int,
    *,
    owner: str,
    send: Send,
    budget: float | None = None,
    clock: Clock = clocks.system,
    threads: bool = True,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] | None = None,
) -> str:
    """Work on a job until it ends, something is asked of it, or ``budget`` seconds are over.

    Returns stale, lost, database, done, failed, snoozed, needs_operator, paused, canceled, engine_paused or
    handed_over; only for the last ``send(job_id, epoch)`` was called, in the transaction that let go of the lease.
    ``threads=False`` runs the items in this thread. ``stop()`` true means: hand over soon.
    """
    try:
        lease = leases.claim(job_id, epoch, owner, clock=clock)
    except OperationalError:
        return "database"
    if lease is None:
        return "stale"
    worker_id = _worker_id(owner)
    signals = Signals(lease, worker_id, stop)
    try:
        with _beating(signals):
            work = Slice(lease, signals, worker_id, threads=threads, reporter=Reporter(on_progress, clock))
            ending = work.run(settings.SLICE_SECONDS if budget is None else budget)
            return end(lease, ending, send, worker_id)
    except LostLease:
        return "lost"
    except (DatabaseGone, OperationalError) as error:
        logger.error("job %s: the database does not answer, leaving it to its next owner: %s", job_id, error)
        return "database"


class Slice:
    """The stages of a job, from the first that is not finished."""

    def __init__(
        self, lease: Lease, signals: Signals, worker_id: int | None, *, threads: bool, reporter: Reporter
    ) -> None:
        self.lease = lease
        self.signals = signals
        self.worker_id = worker_id
        self.threads = threads
        self.reporter = reporter
        job = Job.objects.get(pk=lease.job_id)
        self.info = JobInfo(job.pk, job.kind, job.scope, job.config, job.trigger, job.actor)
        self._until = 0.0

    def run(self, budget: float) -> Ending:
        """Work through the stages; return why it stopped."""
        self._until = self.lease.clock.monotonic() + budget
        self.signals.look()
        try:
            kind = registry.kind(self.info.kind)
        except KeyError:
            return Ending("failed", "unknown_kind", {"kind": self.info.kind})
        for row in StageRow.objects.filter(job_id=self.info.id, state__in=_UNFINISHED).order_by("seq"):
            if (ending := self._asked()) is not GO_ON:
                return ending
            try:
                stage = kind.stage(row.name)
            except StopIteration:
                return Ending("failed", "unknown_stage", {"stage": row.name})
            ending = StageRun(self, row, stage).run()
            if ending is not GO_ON:
                return ending
        return Ending("done")

    def enough(self, *, resumable: bool = True) -> bool:
        """Tell whether to stop feeding; what cannot go on from where it is, goes on."""
        self.signals.look_if_due()
        self.signals.check_lost()
        self.signals.over = self.lease.clock.monotonic() >= self._until
        return self.signals.stopping or (self.signals.over and resumable)

    def _asked(self) -> Ending | None:
        """Return the ending for a request or the end of the time, None to go on."""
        if not self.enough():
            return GO_ON
        if self.signals.asked == "engine_paused":
            return Ending("engine_paused")
        return Ending("handed_over")  # paused and canceled follow from the job's state


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
        if not self.row.planned and (ending := self._plan()) is not GO_ON:
            return ending
        if (ending := self._failed_enough()) is not GO_ON:
            return ending
        ending = self._work()
        if ending is GO_ON:
            self._close()
        return ending

    def _open(self) -> None:
        with transaction.atomic():
            rev = fence(self.lease).rev
            self.row.workers = max(1, self.stage.workers_for(self.work.info))
            self.row.started = self.row.started or self.lease.clock.now()
            self.row.state = StageState.RUNNING if self.row.planned else StageState.PLANNING
            self.row.rev = rev
            self.row.save(update_fields=["workers", "started", "state", "rev"])

    def _plan(self) -> Ending | None:
        planner = Planner(self.row, self.lease)
        try:
            blocks = self.stage.plan(self.work.info, self.row.plan_cursor)
            if not planner.run(blocks, self._planned_enough):
                return self.work._asked() or Ending("handed_over")
        except (LostLease, DatabaseGone, OperationalError):
            raise
        except Exception as error:
            return self._cannot_plan(error)
        planner.close(last=self.row.seq == self._last_seq())
        return GO_ON

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
        tries = 1 + Event.objects.filter(stage=self.row, code="plan_retry").count()
        if isinstance(error, Transient) and tries < self.stage.attempts:
            with transaction.atomic():
                fence(self.lease)
                Event.objects.create(
                    job_id=self.work.info.id,
                    stage=self.row,
                    at=self.lease.clock.now(),
                    level=Level.WARNING,
                    code="plan_retry",
                    params={"error": code, **params},
                )
            wait = back_off(tries) if error.retry_after is None else error.retry_after
            return Ending("snoozed", code, params, self._in(wait))
        return Ending("failed", code, params)

    def _work(self) -> Ending | None:
        """Feed the pool and write what comes back, until there is nothing left or something ends the slice."""
        runner = Runner(self.stage, self._context)
        self.pool = Threads(runner, self.row.workers) if self.work.threads else Inline(runner)
        self.desk = desk = Desk(self.row, self.stage, self.lease, self.pool, self.notes)
        ended = False
        try:
            while True:
                closing = self._closing(desk)
                if closing:
                    desk.take_back()
                else:
                    desk.take_back_if_slow()
                if desk.due() or (closing and not desk.running):
                    desk.flush(claim=not closing)
                if desk.idle and (closing or desk.exhausted):
                    ended = True
                    return self._why(desk)
                desk.gather(self.pool.collect(*desk.patience()))
                if self.work.reporter.due():
                    self._tell()
        finally:
            self.pool.close(wait=ended or self.signals.lost)

    def _closing(self, desk: Desk) -> bool:
        if desk.ending or desk.worn_out or self._failed_enough() is not GO_ON:
            self.work.enough()
            self.signals.over = True
            return True
        return self.work.enough()

    def _why(self, desk: Desk) -> Ending | None:
        """Return why the work stopped; None when every item is finished."""
        failed = self._failed_enough()
        if failed is not GO_ON:
            return failed
        if desk.ending is not None:
            return _rest(desk.ending)
        if desk.worn_out:
            return Ending("snoozed", "too_many_retries", {}, self._in(REST_SECONDS))
        if not desk.exhausted:
            return self.work._asked() or Ending("handed_over")
        later = items.next_retry(self.row.pk)
        return GO_ON if later is None else Ending("snoozed", "waiting_to_retry", {}, later)

    def _failed_enough(self) -> Ending | None:
        most = {OnError.FAIL_FAST: 1, OnError.STOP_AFTER: max(1, self.row.stop_after)}.get(OnError(self.row.on_error))
        failed = self.desk.failed if self.desk else self.row.failed
        if most is None or failed < most:
            return GO_ON
        return Ending("failed", "too_many_failures", {"stage": self.row.name, "failed": failed})

    def _close(self) -> None:
        """Settle the stage in a transaction of its own; what comes next is another stage's."""
        with transaction.atomic():
            self.row.rev = fence(self.lease).rev
            self.row.finished = self.lease.clock.now()
            self.row.state = StageState.COMPLETED_WITH_ERRORS if self.row.failed else StageState.SUCCEEDED
            self.row.save(update_fields=["rev", "finished", "state"])
            if self.row.skipped > LISTED_SKIPS:
                Event.objects.create(
                    job_id=self.work.info.id,
                    stage=self.row,
                    at=self.lease.clock.now(),
                    code="skips_not_listed",
                    params={"count": self.row.skipped - LISTED_SKIPS},
                )
        self._tell()

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


_UNFINISHED = (StageState.PENDING, StageState.PLANNING, StageState.RUNNING)


def _rest(error: Exception) -> Ending | None:
    """Return the ending of an error that puts the whole job to rest."""
    if isinstance(error, Snooze):
        return Ending("snoozed", error.code, error.params, error.until)
    if isinstance(error, NeedsOperator):
        return Ending("needs_operator", error.code, {"message": str(error), **error.params})
    return None


@contextmanager
def _beating(signals: Signals) -> Iterator[None]:
    """Keep the heart beating; inside a test's transaction no other connection would see anything."""
    if connection.in_atomic_block:
        yield
        return
    heartbeat = Heartbeat(signals)
    heartbeat.start()
    try:
        yield
    finally:
        heartbeat.end()


def _worker_id(owner: str) -> int | None:
    """Return the Worker row that ``owner`` names (host/boot/pid)."""
    host, _, rest = owner.partition("/")
    boot, _, pid = rest.rpartition("/")
    if not pid.isdigit():
        return None
    return Worker.objects.filter(host=host, boot=boot, pid=int(pid)).values_list("pk", flat=True).first()

"""One slice: about 15 seconds of work on a job, by whoever holds its lease.

``run_slice`` claims the job, plans and runs its stages in order, and ends by settling the job or handing it over.
Threads run items; only the thread that called ``run_slice`` writes (but for ``ctx.transaction()``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import LostLease

from . import boot, leases, logs, registry
from .choices import StageState
from .endings import Ending, Send, end
from .leases import DatabaseGone, Lease
from .models import Job, Worker
from .models import Stage as StageRow
from .outcomes import UNEXPECTED
from .pulse import Heartbeat, Signals
from .registry import JobInfo
from .snapshots import OnProgress, Reporter
from .stage_runs import StageRun

logger = logging.getLogger(__name__)

UNFINISHED = (StageState.PENDING, StageState.PLANNING, StageState.RUNNING)


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
        with _beating(signals), logs.ring_of(job_id):
            work = Slice(lease, signals, worker_id, threads=threads, reporter=Reporter(on_progress, clock))
            ending = _run(work, settings.SLICE_SECONDS if budget is None else budget)
            return end(lease, ending, send, worker_id)
    except LostLease:
        return "lost"
    except (DatabaseGone, OperationalError) as error:
        logger.error("job %s: the database does not answer, leaving it to its next owner: %s", job_id, error)
        return "database"


def _run(work: Slice, budget: float) -> Ending:
    """Run it; a mistake in the engine or in a kind fails the job at once, with its message, and is not met again."""
    try:
        return work.run(budget)
    except (LostLease, DatabaseGone, OperationalError):
        raise
    except Exception as error:
        logger.exception("job %s: the slice failed", work.info.id)
        return Ending("failed", UNEXPECTED, {"message": str(error) or type(error).__name__})


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
        self.attempt = job.attempt
        self._until = 0.0

    def run(self, budget: float) -> Ending:
        """Work through the stages; return why it stopped."""
        self._until = self.lease.clock.monotonic() + budget
        self.signals.look()
        try:
            kind = registry.kind(self.info.kind)
        except KeyError:
            return Ending("failed", "unknown_kind", {"kind": self.info.kind})
        for row in StageRow.objects.filter(job_id=self.info.id, state__in=UNFINISHED).order_by("seq"):
            if (ending := self.asked()) is not None:
                return ending
            try:
                stage = kind.stage(row.name)
            except StopIteration:
                return Ending("failed", "unknown_stage", {"stage": row.name})
            ending = StageRun(self, row, stage).run()
            if ending is not None:
                return ending
        return Ending("done")

    def enough(self, *, resumable: bool = True) -> bool:
        """Tell whether to stop feeding; what cannot go on from where it is, goes on."""
        self.signals.look_if_due()
        self.signals.check_lost()
        self.signals.over = self.lease.clock.monotonic() >= self._until
        return self.signals.stopping or (self.signals.over and resumable)

    def asked(self) -> Ending | None:
        """Return the ending for a request or the end of the time, None to go on."""
        if not self.enough():
            return None
        if self.signals.asked == "engine_paused":
            return Ending("engine_paused")
        return Ending("handed_over")  # paused and canceled follow from the job's state


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
    host, boot_id, pid = boot.split(owner)
    if not pid:
        return None
    return Worker.objects.filter(host=host, boot=boot_id, pid=int(pid)).values_list("pk", flat=True).first()

"""Run one job in this process, with no worker and no queue: for commands (``crawl`` and the like) and for tests.

It does what the conductor and a worker would: applies commands, waits for the lanes, takes the lease, runs slices and
hands over to itself. Where a worker runs too, whoever claims first works and the other one looks on.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import suppress

from django.db import connection

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock

from . import asking, boot, conductor, promotion, registry, rescue
from .choices import ACTIVE, RESTING, TERMINAL, JobState, WorkerState
from .leases import database_now
from .models import Job, Stage, Worker
from .slices import run_slice
from .snapshots import OnProgress, Reporter
from .transitions import transition

POLL_SECONDS = 0.5
LONGEST_SLEEP = 1.0  # so that commands are heard


def drain(
    job_id: int,
    *,
    clock: Clock = clocks.system,
    on_progress: OnProgress | None = None,
    threads: bool | None = None,
    stop: Callable[[], bool] | None = None,
) -> Job:
    """Run a job until it ends or rests (paused, interrupted), and return its row.

    Waits (on ``clock``) for lanes, for retries and while another process works on it. ``stop()`` true ends the
    waiting and the working at the next safe point; the job is then left queued, scheduled or paused as it was, or
    running without an owner, which any worker picks up. ``threads`` defaults to False inside a transaction.
    """
    threads = (not connection.in_atomic_block) if threads is None else threads
    worker = _register(clock)
    try:
        return _Drain(job_id, worker, clock, on_progress, threads, stop or (lambda: False)).run()
    finally:
        worker.delete()


class _Drain:
    def __init__(
        self,
        job_id: int,
        worker: Worker,
        clock: Clock,
        on_progress: OnProgress | None,
        threads: bool,
        stop: Callable[[], bool],
    ) -> None:
        self.job_id = job_id
        self.worker = worker
        self.clock = clock
        self.on_progress = on_progress
        self.threads = threads
        self.stop = stop
        self.reporter = Reporter(on_progress, clock)

    def run(self) -> Job:
        while True:
            conductor.apply_commands(self.clock)
            job = Job.objects.get(pk=self.job_id)
            if job.state in TERMINAL or job.state in RESTING or self._told_to_stop():
                self._let_go()
                return job
            self._step(job)

    def _let_go(self) -> None:
        """Say that we shall not claim it, so that others need not wait to see whether we do."""
        mine = Job.objects.filter(pk=self.job_id, state=JobState.RUNNING, lease_until=None)
        mine.update(handed_over_at=None)

    def _told_to_stop(self) -> bool:
        return self.stop() or Worker.objects.filter(pk=self.worker.pk, stop_requested_at__isnull=False).exists()

    def _step(self, job: Job) -> None:
        now = database_now(self.clock)
        if job.state == JobState.SCHEDULED:
            left = (job.not_before - now).total_seconds() if job.not_before else 0.0
            if left > 0:
                self._wait(job, min(left, LONGEST_SLEEP))
            else:
                transition(job.pk, JobState.QUEUED, expect=JobState.SCHEDULED, now=now)
        elif job.state == JobState.QUEUED:
            if not promotion.start_one(job, now) and not self._make_way(now):
                self._wait(job, POLL_SECONDS)
        elif job.state in ACTIVE:
            self._work(job, now)

    def _make_way(self, now: dt.datetime) -> int:
        """Queue again what keeps a lane though nobody works on it: no conductor may be there to do so."""
        return rescue.settle_dead(now) or (0 if asking.worker_there(now) else rescue.queue_abandoned(now))

    def _work(self, job: Job, now: dt.datetime) -> None:
        if job.lease_until is not None and job.lease_until >= now:
            if not rescue.settle_dead(now):  # a process of this host that was killed is not waited for
                self._wait(job, POLL_SECONDS)
            return
        came_out = run_slice(
            job.pk,
            job.epoch,
            owner=self.worker.owner,
            send=lambda job_id, epoch: None,  # to itself: the next round claims it
            clock=self.clock,
            threads=self.threads,
            on_progress=self.on_progress,
            stop=self.stop,
        )
        if came_out in ("stale", "lost", "database", "engine_paused"):
            self._wait(job, POLL_SECONDS)

    def _wait(self, job: Job, seconds: float) -> None:
        if self.reporter.due():
            job.refresh_from_db()
            stages = Stage.objects.filter(job=job)
            stage = stages.filter(finished=None).order_by("seq").first() or stages.order_by("-seq").first()
            label: registry.Text = ""
            with suppress(KeyError, StopIteration):
                label = registry.kind(job.kind).stage(stage.name).label if stage else ""
            self.reporter.follow(job, stage, label)
        self.clock.sleep(seconds)


def _register(clock: Clock) -> Worker:
    """Make the row of this process; a pid that came round again gets it anew."""
    worker, _ = Worker.objects.update_or_create(
        host=boot.host(),
        boot=boot.boot_id(),
        pid=os.getpid(),
        defaults={
            "state": WorkerState.READY,
            "version": "drain",
            "started": clock.now(),
            "beat_at": clock.now(),
            "stop_requested_at": None,
            "rss": 0,
        },
    )
    return worker

"""Run a job of the catalog from a shell: here, with a bar, or leave it to the worker."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from typing import Any, cast

from django.core.management.base import BaseCommand
from django.db.models import Q
from django.utils.translation import gettext as _

from catalog import rooms
from mediasync.core import clock
from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people, from_argument
from mediasync.core.progress import ProgressLine, count
from mediasync.jobs import asking, registry, rescue, services, telling
from mediasync.jobs.choices import TERMINAL, JobState, Source
from mediasync.jobs.drain import drain
from mediasync.jobs.leases import database_now
from mediasync.jobs.models import Job
from mediasync.jobs.snapshots import Snapshot

MOST_PROMPTS = 20


class Runner:
    """Submits jobs for one command and shows what becomes of them."""

    def __init__(self, command: BaseCommand, *, enqueue: bool, as_json: bool) -> None:
        self.command, self.enqueue, self.as_json = command, enqueue, as_json
        self.stop = asking.Flag()

    def run(self, kind: str, scope: Mapping[str, Any]) -> int:
        """Submit a job, work it off (or leave it to the worker) and return the exit code."""
        job = self._begun(kind, scope)
        if job is not None:
            self.command.stderr.write(f"Job {job.pk} was stopped while it did the same: it goes on.")
        else:
            made = services.submit(kind, scope, actor=asking.actor())
            job = made.job
            if made.deduplicated:
                self.command.stderr.write(f"Job {job.pk} waits to do the same already.")
        if self.enqueue:
            self._tell(job, telling.line(job))
            return asking.no_worker_code(self.command.stderr.write)
        job = self._here(job)
        while job.state == JobState.PAUSED and job.reason_code == rooms.FULL and self._other_room(job):
            job = self._here(job)
        self._tell(job, *telling.lines(job))
        if self.stop() and job.state not in TERMINAL:
            self.command.stderr.write(f"Stopped. Go on with job {job.pk}: start a worker, or the same command again.")
            return 130
        return telling.exit_code(job)

    def _begun(self, kind: str, scope: Mapping[str, Any]) -> Job | None:
        """Return a job for the same that has begun and that nobody works on: its process was stopped or killed."""
        rescue.settle_dead(database_now(clock.system))
        same = Job.objects.filter(kind=kind, scope=services.find_kind(kind).check_scope(scope))
        idle = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until=None)
        return same.filter(idle).exclude(started=None).order_by("-pk").first()

    def _here(self, job: Job) -> Job:
        """Work in this process; the first Ctrl-C or SIGTERM ends it at a safe point, the second at once."""
        line = ProgressLine(cast(Any, self.command.stderr)._out)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._stop)
        try:
            return drain(job.pk, stop=self.stop, on_progress=lambda snapshot: show(line, snapshot))
        finally:
            line.clear()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame: Any) -> None:
        self.stop.set()
        signal.signal(number, signal.default_int_handler)

    def _other_room(self, job: Job) -> bool:
        """Ask once, on a terminal, for another folder, and let the job go on there."""
        if self.as_json or not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        self.command.stderr.write(registry.text(job.reason_code, job.reason_params))
        for _attempt in range(MOST_PROMPTS):
            answer = input(_("There is too little room. Another folder to go on in (empty: stop here): ")).strip()
            if not answer:
                return False
            try:
                rooms.move_on(job, from_argument(answer), actor=asking.actor(), source=Source.CLI)
            except MediasyncError as error:
                self.command.stderr.write(for_people(str(error)))
            else:
                return True
        return False

    def _tell(self, job: Job, *lines: str) -> None:
        if self.as_json:
            self.command.stdout.write(json.dumps(telling.of_job(job, stages=True), ensure_ascii=False))
            return
        for line in lines:
            self.command.stdout.write(line)


def show(line: ProgressLine, snapshot: Snapshot) -> None:
    """Say in one line how far a job is."""
    if snapshot.state != JobState.RUNNING:
        line.show(_("waiting for its turn"))
        return
    share = snapshot.finished / snapshot.total if snapshot.total and snapshot.total_final else None
    text = f"{snapshot.label}: {count(snapshot.finished)}/{count(snapshot.total)}"
    if snapshot.failed:
        text += f", {count(snapshot.failed)} ✕"
    line.show(text, for_people(snapshot.text), share)

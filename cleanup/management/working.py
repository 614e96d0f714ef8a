"""Carry a job of the clean-up out in this process, with a line that says how far it is."""

from __future__ import annotations

import signal
from typing import Any, TextIO

from django.utils.translation import gettext as _

from mediasync.core.paths import for_people
from mediasync.core.progress import ProgressLine, count, size
from mediasync.jobs import asking, registry
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.jobs.snapshots import Snapshot

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Worker:
    """Works on one job after the other; the first Ctrl-C or SIGTERM ends it at a safe point, the second at once."""

    def __init__(self, stream: TextIO) -> None:
        self.stopped = asking.Flag()
        self._line = ProgressLine(stream)

    def work(self, job: Job, name: str) -> Job:
        """Return the job's row once it has ended, rests, or was stopped."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in before:
            signal.signal(number, self._stop)
        try:
            return drain(
                job.pk, threads=False, stop=self.stopped, on_progress=lambda each: show(self._line, name, each)
            )
        finally:
            self._line.clear()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame: Any) -> None:
        self.stopped.set()
        signal.signal(number, signal.default_int_handler)


def show(line: ProgressLine, name: str, snapshot: Snapshot) -> None:
    """Say which step a job is in, how much of it is done, and where it is now."""
    if snapshot.state == JobState.SCHEDULED:
        job = Job.objects.filter(pk=snapshot.job_id).only("reason_code", "reason_params").first()
        why = registry.text(job.reason_code, job.reason_params) if job and job.reason_code else ""
        line.show(_("%s: waiting") % name, for_people(why))
        return
    if snapshot.state != JobState.RUNNING:
        line.show(_("%s: waiting for its turn") % name)
        return
    facts = [f"{snapshot.finished}/{snapshot.total}"]
    if rows := sum(value for key, value in snapshot.numbers.items() if key != "bytes"):
        facts.append(count(rows))
    if found := snapshot.numbers.get("bytes"):
        facts.append(size(found))
    share = snapshot.finished / snapshot.total if snapshot.total_final and snapshot.total else None
    line.show(f"{name}: {snapshot.label} {', '.join(facts)}", for_people(snapshot.text), share)

"""Run by test_sync_kills.py: collect or synchronise in a process that may be killed at any instruction of the database.

``python killed_sync.py KIND STEPS [threads]``: STEPS instructions of SQLite (in tens) until SIGKILL; 0 never.
Prints the state of the job, how many items failed, and how many steps it took.
"""

from __future__ import annotations

import os
import signal
import sys

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "mediasync.settings"
    django.setup()

    from django.db import connection

    from mediasync.jobs import services
    from mediasync.jobs.choices import TERMINAL, JobState, Source
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Job

    kind, last, steps = sys.argv[1], int(sys.argv[2]), 0
    job = Job.objects.filter(kind=kind).exclude(state__in=TERMINAL).first() or services.submit(kind, {}).job

    def count() -> int:
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, 10)
    if job.state == JobState.INTERRUPTED:  # it had five deaths without getting anywhere: a person says "go on"
        services.resume(job, actor="test", source=Source.CLI)
    job = drain(job.pk, threads="threads" in sys.argv)
    if job.failed and not last:  # an item that was alive at too many deaths is not tried again by itself either
        services.retry_failed(job, actor="test", source=Source.CLI)
        job = drain(job.pk, threads=False)
    sys.stdout.write(f"{job.state} {job.failed} {steps}")

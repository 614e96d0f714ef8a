"""What the conductor does for quarantines: those whose days are over are deleted by a job."""

from __future__ import annotations

import datetime as dt

from mediasync.core.errors import MediasyncError
from mediasync.jobs import chores
from mediasync.jobs.choices import TERMINAL, Trigger
from mediasync.jobs.models import Job

from . import services
from .models import Run


def purge_expired(now: dt.datetime) -> int:
    """Start the jobs; returns how many. A run that something works on waits for the next time."""
    started = 0
    due = Run.objects.filter(state__in=services.TO_PURGE, expires_at__lte=now).exclude(quarantine="")
    for run in due.select_related("job").order_by("id")[:20]:
        if run.job is not None and _is_in_the_way(run.job, now):
            continue
        try:
            services.purge(run, trigger=Trigger.SYSTEM)
        except MediasyncError:
            continue
        started += 1
    return started


def _is_in_the_way(job: Job, now: dt.datetime) -> bool:
    """Tell whether a job works on the run; or tried to delete it today, failed, and told."""
    if job.state not in TERMINAL:
        return True
    return job.kind == services.PURGE and job.finished is not None and now - job.finished < dt.timedelta(days=1)


def register() -> None:
    """Give the conductor its chore; seconds between two runs."""
    chores.register("delete expired quarantines", purge_expired, every=600)

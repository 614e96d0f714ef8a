"""Quarantines whose days are over: they are deleted for good, after one more look whether anything names them again."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet

from mediasync.core import clock
from mediasync.core.errors import Conflict
from mediasync.jobs import chores
from mediasync.jobs.choices import TERMINAL, Trigger

from . import services
from .models import PlexFolder, Run

EVERY = 3600.0  # seconds between two looks
AGAIN = dt.timedelta(days=1)  # after a job that did not manage


def kept() -> QuerySet[Run]:
    """Return the runs of which something lies in a quarantine."""
    return Run.objects.filter(state__in=services.TO_PURGE, expires_at__isnull=False).exclude(quarantine="")


def expired(folder: PlexFolder | None = None, now: dt.datetime | None = None) -> QuerySet[Run]:
    """Return the runs (of one data folder) whose quarantine is over, the oldest first."""
    rows = kept().filter(expires_at__lte=now or clock.system.now()).select_related("folder", "job").order_by("id")
    return rows.filter(folder=folder) if folder is not None else rows


def purge_due(now: dt.datetime) -> int:
    """Ask for the purge of all that is over, and return how many were asked for.

    One that is under way is left alone; one that failed is tried again a day later.
    """
    waits = Q(job__kind=services.PURGE) & (~Q(job__state__in=TERMINAL) | Q(job__finished__gt=now - AGAIN))
    asked = 0
    for run in expired(now=now).exclude(waits)[:20]:
        try:
            services.purge(run, trigger=Trigger.SCHEDULE)
            asked += 1
        except Conflict:  # it changed since
            continue
    return asked


def register() -> None:
    """Have the conductor look each hour."""
    chores.register("cleanup expiry", purge_due, every=EVERY)

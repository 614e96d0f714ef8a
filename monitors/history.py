"""How long changes are kept that need no one any more: as long as the jobs that dealt with them."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from mediasync.core.clock import Clock, system

from .models import Change

DONE = (Change.State.TOLD, Change.State.DROPPED)
CHUNK = 2000  # rows in one transaction
MOST = 100_000  # rows at one time


def forget_changes(clock: Clock = system) -> int:
    """Delete changes that were told or dropped ``KEEP_JOBS_DAYS`` ago, in small transactions; return how many."""
    before = clock.now() - dt.timedelta(days=settings.KEEP_JOBS_DAYS)
    old = Change.objects.filter(state__in=DONE, seen_at__lt=before)
    old = old.exclude(told_at__gte=before).exclude(settled_at__gte=before).order_by("seen_at")
    count = 0
    while count < MOST and (ids := list(old.values_list("id", flat=True)[:CHUNK])):
        count += Change.objects.filter(pk__in=ids).delete()[0]
    return count

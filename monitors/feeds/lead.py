"""One watcher acts at a time, on whatever host: a row with a lease, as the engine's conductor has one."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from mediasync.core.clock import Clock, system
from mediasync.jobs import boot
from mediasync.jobs.leases import database_now
from monitors.models import WatchLease

LEASE = dt.timedelta(seconds=30)  # a successor on another host takes over after it; on this host, at once


def lead(clock: Clock = system, me: str = "") -> bool:
    """Take or keep the lease; False while another watcher has it."""
    me, now = me or boot.owner(), database_now(clock)
    free = Q(owner=me) | Q(until__isnull=True) | Q(until__lt=now)
    fields = {"owner": me, "until": now + LEASE}
    if WatchLease.objects.filter(free, pk=1).update(**fields):
        return True
    lease, made = WatchLease.objects.get_or_create(pk=1, defaults=fields)
    if made:
        return True
    if not boot.known_dead(lease.owner):
        return False
    return bool(WatchLease.objects.filter(pk=1, owner=lease.owner).update(**fields))


def resign(me: str = "") -> None:
    """Give the lease back."""
    WatchLease.objects.filter(pk=1, owner=me or boot.owner()).update(owner="", until=None)


def leader(clock: Clock = system) -> str:
    """Return who watches now ("host/boot/pid"), "" if nobody does."""
    lease = WatchLease.objects.filter(pk=1, until__gt=database_now(clock)).first()
    return "" if lease is None or boot.known_dead(lease.owner) else lease.owner

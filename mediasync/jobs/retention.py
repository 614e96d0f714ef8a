"""What is kept of finished jobs, and for how long (docs/engine.md). Prunes in small transactions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Q, QuerySet

from .choices import ACTIVE, TERMINAL, CommandState, ItemState, JobState, WorkerState
from .models import Command, Event, Group, Item, Job, Worker

CHUNK = 2_000  # rows a transaction
KEEP_AT_LEAST = 500  # jobs that ended well, however old
PAUSE = dt.timedelta(minutes=10)  # between two looks that found nothing
OVERDUE = dt.timedelta(hours=24)  # then it prunes even while jobs run
FINE = (JobState.COMPLETED, JobState.CANCELED, JobState.SKIPPED)

_next: dict[str, dt.datetime] = {}


def prune_if_due(now: dt.datetime) -> int:
    """Delete one chunk when the engine is idle (or it is long overdue); return the number of rows."""
    due = _next.get("prune", now)
    if now < due:
        return 0
    if Job.objects.filter(state__in=ACTIVE).exists() and now < due + OVERDUE:
        _next.setdefault("prune", now)
        return 0
    count = prune(now)
    if not count:
        _next["prune"] = now + PAUSE
        _checkpoint(now)
    return count


def prune(now: dt.datetime) -> int:
    """Delete at most ``CHUNK`` rows that nobody needs any more; 0 when there is nothing left to delete."""
    days = dt.timedelta(days=1)
    old_items = Item.objects.filter(
        stage__job__state__in=TERMINAL,
        stage__job__finished__lt=now - settings.KEEP_ITEMS_DAYS * days,
        state__in=(ItemState.SUCCEEDED, ItemState.SKIPPED),
    )
    kinds: tuple[QuerySet[Any], ...] = (
        *(old_items, *_rows_of_old_jobs(now)),
        *(_old_commands(now), _old_events(now), _old_workers(now)),
    )
    for rows in kinds:
        count = _delete(rows)
        if count:
            return count
    return 0


def _old_jobs(now: dt.datetime) -> QuerySet[Job]:
    """Those that ended well and are neither young nor among the last; the others when they are really old."""
    days = dt.timedelta(days=1)
    fine = Job.objects.filter(state__in=FINE)
    last = fine.order_by("-finished").values_list("finished", flat=True)[KEEP_AT_LEAST - 1 : KEEP_AT_LEAST].first()
    before = now - settings.KEEP_JOBS_DAYS * days
    well = Q(state__in=FINE, finished__lt=min(before, last)) if last else Q(pk__in=())
    badly = Q(state__in=TERMINAL, finished__lt=now - settings.KEEP_FAILED_DAYS * days) & ~Q(state__in=FINE)
    return Job.objects.filter(well | badly)


def _rows_of_old_jobs(now: dt.datetime) -> tuple[QuerySet[Item], QuerySet[Group], QuerySet[Event], QuerySet[Job]]:
    """Children first: a cascade over a large job would be one long transaction."""
    ids = list(_old_jobs(now).order_by("id").values_list("pk", flat=True)[:50])
    return (
        Item.objects.filter(stage__job__in=ids),
        Group.objects.filter(stage__job__in=ids),
        Event.objects.filter(job__in=ids),
        Job.objects.filter(pk__in=ids),
    )


def _old_commands(now: dt.datetime) -> QuerySet[Command]:
    before = now - dt.timedelta(days=settings.KEEP_JOBS_DAYS)
    return Command.objects.filter(job__isnull=True, created__lt=before).exclude(state=CommandState.PENDING)


def _old_events(now: dt.datetime) -> QuerySet[Event]:
    return Event.objects.filter(job__isnull=True, at__lt=now - dt.timedelta(days=settings.KEEP_FAILED_DAYS))


def _old_workers(now: dt.datetime) -> QuerySet[Worker]:
    return Worker.objects.filter(state=WorkerState.GONE, beat_at__lt=now - dt.timedelta(days=1))


def _delete(rows: QuerySet[Any]) -> int:
    ids = list(rows.values_list("pk", flat=True)[:CHUNK])
    return rows.model._default_manager.filter(pk__in=ids).delete()[0] if ids else 0


def _checkpoint(now: dt.datetime) -> None:
    """Once a day, give the space of SQLite's write-ahead log and of deleted rows back."""
    if connection.vendor != "sqlite" or connection.in_atomic_block or now < _next.get("checkpoint", now):
        return
    _next["checkpoint"] = now + dt.timedelta(days=1)
    with connection.cursor() as cursor:
        give_back(cursor)
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def give_back(cursor: CursorWrapper) -> None:
    """Give free pages of SQLite's file back; a script, since a cursor takes only the first step of the pragma."""
    cursor.connection.executescript("PRAGMA incremental_vacuum(5000)")

"""What the conductor does about workers that died and messages that got lost (docs/engine.md).

All of it is compare-and-set by epoch, so that a worker which was only slow finds its lease gone and writes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F

from . import boot, trees
from .choices import ACTIVE, JobState, Level, WorkerState
from .models import Event, Item, Job, SliceSlot, Worker
from .transitions import transition

logger = logging.getLogger(__name__)
S = JobState
GIVE_UP = 5  # interruptions without progress between them
PATIENCE = dt.timedelta(seconds=5)  # between handing over to oneself (drain) and claiming
SILENT = dt.timedelta(minutes=3)  # a worker of another host that does not beat
REFRESH = dt.timedelta(seconds=10)
LOOK_AT = 200  # items that are under way

Send = Callable[[int, int], None]
InFlight = Callable[[int, int], bool]


def settle_dead(now: dt.datetime) -> int:
    """Settle each job whose lease ran out or whose worker is known to be dead; return how many."""
    held = Job.objects.filter(state__in=ACTIVE, lease_until__isnull=False)
    return sum(_settle(job, now) for job in held if _dead(job, now))


def settle_requests(now: dt.datetime) -> int:
    """Pause or cancel at once what was asked of jobs that nobody holds."""
    asked = (S.PAUSE_REQUESTED, S.CANCEL_REQUESTED)
    free = Job.objects.filter(state__in=asked, lease_until__isnull=True)
    return sum(_settle(job, now) for job in free)


def resend_lost(now: dt.datetime, *, send: Send, in_flight: InFlight) -> int:
    """Send again what runs by its state, but neither has a worker nor a message; return how many."""
    lost = 0
    for job in Job.objects.filter(state=S.RUNNING, lease_until__isnull=True):
        fresh = job.handed_over_at is not None and now - job.handed_over_at < PATIENCE
        if fresh or in_flight(job.pk, job.epoch):
            continue
        with transaction.atomic():
            rows = Job.objects.filter(pk=job.pk, epoch=job.epoch, state=S.RUNNING, lease_until__isnull=True)
            if rows.update(epoch=F("epoch") + 1, handed_over_at=now, reason_code="", rev=F("rev") + 1):
                send(job.pk, job.epoch + 1)
                lost += 1
    return lost


def queue_abandoned(now: dt.datetime) -> int:
    """Queue again what runs by its state and has no worker, for one who is alone here; return how many.

    A message that may still wait for it is stale by then.
    """
    count = 0
    for job in Job.objects.filter(state=S.RUNNING, lease_until__isnull=True):
        if job.handed_over_at is not None and now - job.handed_over_at < PATIENCE:
            continue
        with transaction.atomic():
            if transition(job.pk, S.INTERRUPTED, expect=S.RUNNING, epoch=job.epoch, bump_epoch=True, now=now):
                count += transition(job.pk, S.QUEUED, expect=S.INTERRUPTED, now=now, not_before=now)
    return count


def look_after_workers(now: dt.datetime) -> None:
    """Keep the rows of this host's processes true, and write off the silent ones of other hosts."""
    gone = []
    for worker in Worker.objects.exclude(state=WorkerState.GONE):
        here = worker.host == boot.host()
        if here and worker.boot == boot.boot_id() and boot.alive(worker.pid):
            if now - worker.beat_at > REFRESH:
                Worker.objects.filter(pk=worker.pk).update(beat_at=now)
        elif here or now - worker.beat_at > SILENT:
            gone.append(worker.pk)
    if gone:
        Worker.objects.filter(pk__in=gone).update(state=WorkerState.GONE)
        SliceSlot.objects.filter(worker__in=gone).delete()


def _dead(job: Job, now: dt.datetime) -> bool:
    ran_out = job.lease_until is not None and job.lease_until < now
    return ran_out or boot.known_dead(job.lease_owner)


def _settle(job: Job, now: dt.datetime) -> bool:
    with transaction.atomic():
        if job.state == S.RUNNING:
            return _interrupt(job, now)
        if job.state == S.PAUSE_REQUESTED:
            moved = transition(job.pk, S.PAUSED, expect=S.PAUSE_REQUESTED, epoch=job.epoch, bump_epoch=True, now=now)
            _mark_items(job, now, moved)
            return moved
        end = trees.end_of_cancel(job.pk)
        moved = transition(job.pk, end, expect=S.CANCEL_REQUESTED, epoch=job.epoch, bump_epoch=True, now=now)
        _mark_items(job, now, moved)
        if moved:
            trees.cancel_open(job.pk, now)
        return moved


def _interrupt(job: Job, now: dt.datetime) -> bool:
    """Rows 14 and 15: interrupted, and queued again unless it never gets anywhere."""
    progress = _progress(job)
    count = job.interruptions + 1 if _progress_at_last_loss(job) == progress else 1
    goes_on = job.auto_resume and count < GIVE_UP
    reason: dict[str, Any] = {} if goes_on else {"reason_code": "not_resumed"}
    if reason:
        reason["reason_params"] = {"interruptions": count}
    moved = transition(
        job.pk,
        S.INTERRUPTED,
        expect=S.RUNNING,
        epoch=job.epoch,
        bump_epoch=True,
        now=now,
        interruptions=count,
        **reason,
    )
    _mark_items(job, now, moved, progress=progress)
    if moved and goes_on:
        transition(job.pk, S.QUEUED, expect=S.INTERRUPTED, now=now, not_before=now)
    return moved


def _mark_items(job: Job, now: dt.datetime, moved: bool, **params: Any) -> None:
    if not moved or not job.lease_owner:
        return
    params |= {"items": trees.interrupt_running(job.pk, now), "owner": job.lease_owner}
    SliceSlot.objects.filter(job_id=job.pk).delete()
    Event.objects.create(job_id=job.pk, at=now, level=Level.WARNING, code="worker_lost", params=params)
    logger.warning("Job %s: its worker %s is gone.", job.pk, job.lease_owner)


def _progress(job: Job) -> str:
    """Return what differs whenever the job got anywhere: its counters, and how far its open items are."""
    open_items = Item.objects.filter(stage__job=job, state__in=trees.OPEN_ITEMS, cursor__isnull=False).order_by("pk")
    cursors = list(open_items.values_list("cursor", flat=True)[:LOOK_AT])
    facts = [job.total + job.done + job.failed + job.skipped, cursors]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _progress_at_last_loss(job: Job) -> str | None:
    last = Event.objects.filter(job_id=job.pk, code="worker_lost").order_by("-id").first()
    return last.params.get("progress") if last else None

"""The way to a worker process: django-q2 carries (job id, epoch) and nothing else.

A message says "work on this job for a slice". Losing it, or getting it five times, changes nothing: the epoch makes
all but one of them stale, and the conductor sends a lost one again.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import uuid

import django_q
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from mediasync.core import clock

from . import boot
from .choices import WorkerState
from .models import Worker

logger = logging.getLogger(__name__)
OPTIONS = {"save": False, "ack_failure": True}
SLICE = "mediasync.jobs.courier.slice_message"
TAKEN_SECONDS = 45  # from the queue to the start of the slice, behind the slices before it
BEAT_SECONDS = 600  # how long a carried beat is remembered


def send(job_id: int, epoch: int) -> None:
    """Put a message into the queue, inside the caller's transaction: both happen or neither."""
    async_task(SLICE, int(job_id), int(epoch), q_options=dict(OPTIONS))


def in_flight(job_id: int, epoch: int) -> bool:
    """Tell whether the message lies in the queue, or was taken a moment ago.

    django-q2 keeps the row of a message until its slice is over; ``lock`` is in the future from when it is taken.
    """
    taken_lately = timezone.now() + dt.timedelta(seconds=settings.Q_CLUSTER["retry"] - TAKEN_SECONDS)
    for row in OrmQ.objects.order_by("id").iterator():
        if row.lock is not None and timezone.now() < row.lock < taken_lately:
            continue  # taken long ago, and its job has no lease: whoever took it is dead
        if row.task.get("func") == SLICE and tuple(row.task.get("args", ())) == (job_id, epoch):
            return True
    return False


def forget_taken() -> None:
    """Forget the messages that were taken by a cluster that is dead now; the conductor sends them anew.

    Those of a living cluster elsewhere go too, which costs at most a message: its slices go on, and what it has not
    begun becomes stale.
    """
    OrmQ.objects.filter(lock__gt=timezone.now()).delete()


def slice_message(job_id: int, epoch: int) -> str:
    """Work on a job for one slice; called by django-q2 in a worker process. Never raises."""
    from . import slices

    try:
        worker = register_worker()
        if worker.stop_requested_at is not None:
            return "stopping"  # the conductor of the next start sends it again
        return slices.run_slice(job_id, epoch, owner=worker.owner, send=send)
    except Exception:
        logger.exception("The slice of job %s (epoch %s) failed.", job_id, epoch)
        return "error"


def register_worker(tries: int = 5) -> Worker:
    """Return the row of this process, made on the first call; waits out a locked database."""
    for left in reversed(range(tries)):
        try:
            row, made = Worker.objects.get_or_create(
                host=boot.host(),
                boot=boot.boot_id(),
                pid=os.getpid(),
                defaults={"state": WorkerState.READY, "version": version()},
            )
            if not made and row.state in (WorkerState.GONE, WorkerState.STARTING):  # the pid came round again
                row.state, row.started, row.stop_requested_at = WorkerState.READY, clock.system.now(), None
                row.save(update_fields=["state", "started", "stop_requested_at"])
            return row
        except OperationalError:
            if not left:
                raise
            clock.system.sleep(0.5)
    raise AssertionError("unreachable")


def version() -> str:
    """Return what runs here, for the list of workers."""
    return f"django-q2 {'.'.join(map(str, django_q.VERSION))}"


def send_beat() -> str:
    """Send a message that only says that messages are carried, and return its token."""
    token = uuid.uuid4().hex
    async_task("mediasync.jobs.courier.beat_message", token, q_options=dict(OPTIONS))
    return token


def beat_message(token: str) -> str:
    """Note that a beat arrived; called by django-q2 in a worker process."""
    cache.set(f"jobs.beat.{token}", True, BEAT_SECONDS)
    register_worker()
    return "beat"


def beat_arrived(token: str) -> bool:
    """Tell whether the beat was carried."""
    return bool(cache.get(f"jobs.beat.{token}"))

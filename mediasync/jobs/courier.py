"""The way to a worker process: django-q2 carries (job id, epoch) and nothing else.

A message says "work on this job for a slice". Losing it, or getting it five times, changes nothing: the epoch makes
all but one of them stale, and the conductor sends a lost one again.
"""

from __future__ import annotations

import logging
import os
import uuid

import django_q
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
BEAT_SECONDS = 600  # how long a carried beat is remembered


def send(job_id: int, epoch: int) -> None:
    """Put a message into the queue, inside the caller's transaction: both happen or neither."""
    async_task("mediasync.jobs.courier.slice_message", int(job_id), int(epoch), q_options=dict(OPTIONS))


def in_flight(job_id: int, epoch: int) -> bool:
    """Tell whether the message lies in the queue and no worker has taken it yet.

    django-q2 keeps the row of a message until its slice is over, with ``lock`` in the future while it is taken.
    """
    for row in OrmQ.objects.filter(lock__lte=timezone.now()).order_by("id").iterator():
        try:
            if row.func() == "mediasync.jobs.courier.slice_message" and tuple(row.task()["args"]) == (job_id, epoch):
                return True
        except Exception:  # a row that cannot be read is nobody's message
            logger.warning("The message %s in the queue cannot be read.", row.pk)
    return False


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
    return "beat"


def beat_arrived(token: str) -> bool:
    """Tell whether the beat was carried."""
    return bool(cache.get(f"jobs.beat.{token}"))

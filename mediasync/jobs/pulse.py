"""What is asked of a running slice (pause, cancel, stop), and the side thread that looks for it.

The thread has its own database connection. It is why a pause reaches a long item, and why a long item does not lose
its lease: without it a 15 s item under a 4 s lease ran six times.
"""

from __future__ import annotations

import logging
import resource
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection, connections

from mediasync.core.errors import LostLease

from . import leases
from .choices import JobState
from .leases import Lease
from .models import Worker

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # between items, a request is seen this soon
_LOOK = """
    SELECT state, epoch, (SELECT stop_requested_at FROM jobs_worker WHERE id = %s),
           (SELECT paused_all FROM jobs_enginestate WHERE id = 1)
    FROM jobs_job WHERE id = %s
"""


class Signals:
    """What was asked. ``stopping`` means: reach a safe point and stop; ``lost`` means: and write nothing."""

    def __init__(self, lease: Lease, worker_id: int | None, stop: Callable[[], bool] | None = None) -> None:
        self.lease = lease
        self.worker_id = worker_id
        self.stop = stop or (lambda: False)
        self.asked = ""  # "", or the first of: pause, cancel, shutdown, engine_paused
        self.lost = False
        self.over = False  # the slice's time is up: items with a cursor stop at their next checkpoint
        self._looked = float("-inf")

    @property
    def stopping(self) -> bool:
        return bool(self.asked) or self.lost

    def look(self) -> None:
        """Read the requests (one statement)."""
        self._looked = self.lease.clock.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(_LOOK, [self.worker_id, self.lease.job_id])
            row = cursor.fetchone()
        if row is None or row[1] != self.lease.epoch:
            self.lost = True
            return
        state, _, stop_requested, paused_all = row
        if state == JobState.PAUSE_REQUESTED:
            self.asked = "pause"
        elif state == JobState.CANCEL_REQUESTED:
            self.asked = "cancel"
        elif stop_requested or self.stop():
            self.asked = "shutdown"
        else:
            self.asked = "engine_paused" if paused_all else ""

    def look_if_due(self) -> None:
        """Look, unless somebody did a moment ago."""
        if self.lease.clock.monotonic() - self._looked >= LOOK_SECONDS:
            self.look()

    def renew_if_due(self) -> None:
        """Renew the lease once a quarter of it is over, and say that this process lives."""
        if self.lease.left < self.lease.seconds * 0.75:
            self.lost = self.lost or not leases.renew(self.lease)
            beat(self.worker_id, self.lease)

    def check_lost(self) -> None:
        """Raise LostLease once another worker has the job."""
        if self.lost:
            raise LostLease(f"Job {self.lease.job_id} has another owner by now.", job=self.lease.job_id)


class Heartbeat(threading.Thread):
    """Look every ``HEARTBEAT_SECONDS`` and renew the lease each quarter of its length, until ``end()``."""

    def __init__(self, signals: Signals) -> None:
        super().__init__(name=f"heartbeat-{signals.lease.job_id}", daemon=True)
        self.signals = signals
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.wait(settings.HEARTBEAT_SECONDS) and not self.signals.lost:
                self._beat()
        finally:
            connections.close_all()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _beat(self) -> None:
        """Beat once; a database that is busy is no reason to die, the next beat comes soon."""
        lease = self.signals.lease
        try:
            self.signals.look()
            self.signals.renew_if_due()
        except DatabaseError as error:
            logger.warning("heartbeat of job %s: %s", lease.job_id, error)
            connection.close()


def beat(worker_id: int | None, lease: Lease) -> None:
    """Say that this process lives, and how much memory it has held at most."""
    if worker_id is None:
        return
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    Worker.objects.filter(pk=worker_id).update(beat_at=lease.clock.now() + lease.skew, rss=rss)

"""The loop of ``manage.py worker``: look after the cluster, conduct, and end both on request."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

from mediasync.core import clock as clocks
from mediasync.core import processes
from mediasync.core.clock import Clock

from . import boot, conductor, courier, rescue
from .choices import ACTIVE, JobState, WorkerState
from .cluster import Cluster
from .leases import database_now
from .models import Job, Worker
from .watchdog import Watchdog

logger = logging.getLogger(__name__)
COMMANDS_EVERY = 0.25  # seconds: a click must be felt within one
TICK_EVERY = 1.0
GRACE = 5.0  # seconds for running slices to reach a safe point


class Supervisor:
    """``run()`` returns after ``on_signal``; the signal only sets a flag, since more could hang."""

    def __init__(self, make_cluster: Callable[[Clock], Cluster], *, workers: int, clock: Clock = clocks.system) -> None:
        self.clock, self.workers, self.stopping = clock, workers, False
        self.cluster = make_cluster(clock)
        self.watchdog = Watchdog(clock, send=courier.send_beat, arrived=courier.beat_arrived, busy=self._busy)

    def on_signal(self, number: int, frame: object) -> None:
        """Ask for the end; for signal.signal."""
        self.stopping = True

    def run(self) -> None:
        """Work until asked to stop."""
        self._quietly(self._settle_the_past)
        next_tick = next_look = self.clock.monotonic()
        try:
            while not self.stopping:
                if self.cluster.look_after():
                    self.watchdog.restarted()
                    self._quietly(courier.forget_taken)
                now = self.clock.monotonic()
                if now >= next_tick:
                    next_tick = now + TICK_EVERY
                    self._quietly(self._tick)
                elif now >= next_look:
                    next_look = now + COMMANDS_EVERY
                    self._quietly(self._commands)
                self.clock.sleep(0.1)
        finally:
            self._end()

    def _tick(self) -> None:
        conductor.tick(self.clock, workers=self.workers)
        processes.collect(besides=[self.cluster.process.pid] if self.cluster.process else [])
        if self._something_waits():
            self.watchdog.hurry()
        if self.cluster.process is not None and self.watchdog.deaf():
            self.cluster.restart("it carries no messages")

    def _commands(self) -> None:
        """Carry out commands between two ticks; harmless beside another conductor."""
        conductor.apply_commands(self.clock)

    def _settle_the_past(self) -> None:
        """Leases of a former start, or of killed processes of this one, are dead now and not after a minute."""
        now = database_now(self.clock)
        rescue.look_after_workers(now)
        rescue.settle_dead(now)

    def _something_waits(self) -> bool:
        """Tell whether a message was not taken up at once: the cluster is busy, or deaf."""
        since = database_now(self.clock) - rescue.PATIENCE
        handed_over = Job.objects.filter(state=JobState.RUNNING, lease_until__isnull=True)
        return handed_over.filter(handed_over_at__lt=since).exists()

    def _busy(self) -> bool:
        """Tell whether a slice runs on this host."""
        mine = f"{boot.host()}/{boot.boot_id()}/"
        return Job.objects.filter(state__in=ACTIVE, lease_owner__startswith=mine).exists()

    def _end(self) -> None:
        """Ask slices and cluster to stop, kill what does not, settle what that left."""
        self._quietly(self._ask_to_stop)
        clean = self.cluster.stop(GRACE, meanwhile=lambda: self._quietly(self._ask_to_stop))
        if not clean:
            logger.warning("Some processes had to be killed.")
        self._quietly(self._settle_end)
        connection.close()

    def _ask_to_stop(self) -> None:
        pids = self.cluster.pids()
        rows = Worker.objects.filter(
            host=boot.host(), boot=boot.boot_id(), pid__in=pids, stop_requested_at__isnull=True
        )
        rows.update(stop_requested_at=database_now(self.clock), state=WorkerState.DRAINING)

    def _settle_end(self) -> None:
        now = database_now(self.clock)
        rescue.look_after_workers(now)
        rescue.settle_dead(now)
        conductor.resign()

    def _quietly(self, step: Callable[[], object]) -> None:
        """Run a step of bookkeeping; a database that is busy or away must not end the supervisor."""
        try:
            close_old_connections()
            step()
        except DatabaseError as error:
            logger.warning("Bookkeeping failed, it is tried again: %s", error)
            connection.close()
        except Exception:
            logger.exception("Bookkeeping failed.")

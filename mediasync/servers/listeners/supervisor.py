"""Keep the listeners running beside the feeds: one thread for each server, started anew whenever it ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models import F

from mediasync.core.clock import Clock, system
from mediasync.core.errors import MediasyncError, Snooze, Transient
from mediasync.jobs import registry
from mediasync.servers.models import Listener, Server

from . import arrivals
from .listening import Listening

logger = logging.getLogger(__name__)

SYNC_SECONDS = 5.0  # how often it is asked which listeners there should be
FORGET_SECONDS = 3600.0
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 5.0, 900.0, 60.0  # seconds
AWAY = (OperationalError, InterfaceError)
State = Listener.State


class Runner:
    """One listener and its thread; ``again_at`` says when (monotonic) it starts anew after it ended."""

    def __init__(self, server: Server, row: Listener, clock: Clock) -> None:
        self.server, self.row, self.clock = server, row, clock
        self.depends = depends(server)
        self.pause, self.again_at = FIRST_PAUSE, 0.0
        self._stop, self.thread = threading.Event(), threading.Thread()
        self.start()

    def start(self) -> None:
        """Start a thread. Its state stays what it was until it works, if that was trouble."""
        rows = Listener.objects.filter(pk=self.row.pk)
        rows.update(starts=F("starts") + 1, restart=False)
        rows.exclude(state=State.TROUBLE).update(state=State.STARTING, code="", params={}, since=self.clock.now())
        if (row := rows.first()) is None:
            self._stop.set()  # the server was deleted: the next sync takes this away
            return
        self.row, self._stop, self._wait = row, threading.Event(), None
        self._begun = self.clock.monotonic()
        self.listening = Listening(self.server, self.row, self._stop, self.clock)
        self.thread = threading.Thread(target=self._run, name=f"listener of {self.server}", daemon=True)
        self.thread.start()

    def look_after(self) -> None:
        """Start it anew once it has ended and its pause is over."""
        if self.thread.is_alive() or self._stop.is_set():
            return
        now = self.clock.monotonic()
        if not self.again_at:
            if now - self._begun >= HEALTHY_AFTER:
                self.pause = FIRST_PAUSE
            wait = self._wait if self._wait is not None else self.pause
            self.pause = min(LONGEST_PAUSE, 2 * self.pause)
            self.again_at = now + wait
        elif now >= self.again_at:
            self.again_at = 0.0
            self.start()

    def end(self, wait: float) -> None:
        """Ask the thread to end; one that hangs is left behind, and harms nothing: it stores each arrival once."""
        self._stop.set()
        if self.thread.is_alive():
            self.thread.join(wait)

    _wait: float | None = None

    def _run(self) -> None:
        try:
            self.listening.run()
            self._wait = 0.0
        except Snooze as error:
            self._wait = max(1.0, (error.until - self.clock.now()).total_seconds())
            self._failed(error)
        except MediasyncError as error:
            self._wait = error.retry_after if isinstance(error, Transient) else None
            self._failed(error)
        except AWAY as error:
            self._wait = FIRST_PAUSE
            logger.warning("listener of %s: the database does not answer: %s", self.server, error)
        except Exception as error:
            if not self._deleted():
                logger.exception("listener of %s", self.server)
                self._say("listener_failed", error=f"{type(error).__name__}: {error}"[:300])
        finally:
            connections.close_all()

    def _deleted(self) -> bool:
        """Tell whether somebody deleted the server, so that its rows cannot be written."""
        try:
            return not Listener.objects.filter(pk=self.row.pk, server=self.server.pk).exists()
        except DatabaseError:
            return False

    def _failed(self, error: MediasyncError) -> None:
        if self.row.code != error.code:
            logger.warning("listener of %s: %s", self.server, registry.text(error.code, error.params))
        self._say(error.code, **error.params)

    def _say(self, code: str, **params: object) -> None:
        try:
            self.listening.say(State.TROUBLE, code, **params)
        except AWAY as error:
            logger.warning("listener of %s: the database does not answer: %s", self.server, error)


class Listeners:
    """All listeners of this process; see ``monitors.feeds.beside.Beside``."""

    def __init__(self, clock: Clock = system) -> None:
        self.clock = clock
        self.runners: dict[int, Runner] = {}
        self._last: dict[str, float] = {}

    def tick(self) -> None:
        """Let those run that there should be, and start those anew that ended."""
        if self._due("sync", SYNC_SECONDS):
            self.sync()
        for runner in self.runners.values():
            runner.look_after()
        if self._due("forget", FORGET_SECONDS):
            arrivals.forget(self.clock.now())

    def sync(self) -> None:
        """Start and end listeners as people want them now."""
        wanted: dict[int, tuple[Server, Listener]] = {}
        resting: dict[int, str] = {}
        rows = {row.server_id: row for row in Listener.objects.all()}
        for server in Server.objects.order_by("pk"):
            row = rows.get(server.pk) or Listener.objects.get_or_create(server=server)[0]
            if row.enabled and server.enabled and not server.paused:
                wanted[server.pk] = (server, row)
            else:
                code = "listener_off" if not row.enabled else "listener_server_off"
                if (row.state, row.code) != (State.OFF, code) or server.pk in self.runners:
                    resting[row.pk] = code
        for pk, runner in list(self.runners.items()):
            found = wanted.get(pk)
            if found is None or found[1].restart or depends(found[0]) != runner.depends:
                runner.end(1.0)
                del self.runners[pk]
        for pk, (server, row) in wanted.items():
            if pk not in self.runners:
                self.runners[pk] = Runner(server, row, self.clock)
        for row_pk, code in resting.items():
            _rests(row_pk, code, self.clock)

    def close(self) -> None:
        """End all listeners and tell people that nobody listens any more."""
        for wait in (0.0, 1.0):
            for runner in self.runners.values():
                runner.end(wait)
        for runner in self.runners.values():
            _rests(runner.row.pk, "listener_nobody", self.clock)
        self.runners.clear()

    def _due(self, what: str, seconds: float) -> bool:
        now = self.clock.monotonic()
        if now - self._last.get(what, -seconds) < seconds:
            return False
        self._last[what] = now
        return True


def depends(server: Server) -> Hashable:
    """Return what a connection is made of: with other values it must be another."""
    return (server.kind, server.url, server.token_sealed, server.verify_tls, server.ca_file, server.connect_timeout)


def _rests(row_pk: int, code: str, clock: Clock) -> None:
    values = {"state": State.OFF, "code": code, "params": {}, "since": clock.now()}
    Listener.objects.filter(pk=row_pk).exclude(state=State.OFF, code=code).update(**values)

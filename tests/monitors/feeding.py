"""What the tests of feeds share: a feed that does as told, and waiting for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, connections
from django.db.models import QuerySet

from mediasync.core.clock import FakeClock
from monitors.feeds.base import Desk, Feed
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher
from monitors.models import Root


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for another thread or process, not for a clock."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def write(rows: QuerySet[Any], **fields: object) -> None:
    """Update rows while other threads write: in a shared SQLite in memory nobody waits for a lock."""

    def written() -> bool:
        try:
            return bool(rows.update(**fields))
        except OperationalError:
            return False

    until(written)


def delete(rows: QuerySet[Any]) -> None:
    """Delete rows while other threads write."""

    def deleted() -> bool:
        try:
            return bool(rows.delete()[0])
        except OperationalError:
            return False

    until(deleted)


@contextmanager
def running(watcher: Watcher) -> Iterator[None]:
    """Run a watcher in a thread, with this one reading without locks (see ``write``)."""
    stop = threading.Event()

    def run() -> None:
        watcher.run(stop)
        connections.close_all()

    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA read_uncommitted = 1")
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if connection.vendor == "sqlite":
            connection.cursor().execute("PRAGMA read_uncommitted = 0")


class Told:
    """A feed whose ``run`` is given; ``runs`` counts its starts."""

    kind = "told"
    account_id: int | None = None

    def __init__(self, run: Callable[[Desk], None], root: Root | None = None, depends: object = None) -> None:
        self.key = f"root {root.pk}" if root else "it"
        self.name, self.root_ids = "Told", (root.pk,) if root else ()
        self.depends = depends
        self.runs = 0
        self._run = run

    def run(self, desk: Desk) -> None:
        self.runs += 1
        self._run(desk)


def waits(desk: Desk) -> None:
    """Work until told to end."""
    desk.fine()
    while not desk.rest(60):
        pass


class Stage:
    """A supervisor and a watcher over feeds that a test names."""

    def __init__(self, *feeds: Feed) -> None:
        self.clock = FakeClock()
        self.feeds = list(feeds)
        self.supervisor = Supervisor(self.clock, {"told": self._wanted})
        self.watcher = Watcher(self.clock, self.supervisor, me="here/boot/1")
        self.end = threading.Event()

    def _wanted(self, roots: Sequence[Root]) -> Iterator[Feed]:
        yield from self.feeds

    def tick(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.watcher.tick()

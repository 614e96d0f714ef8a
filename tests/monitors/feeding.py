"""What the tests of feeds share: a feed that does as told, and waiting for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

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

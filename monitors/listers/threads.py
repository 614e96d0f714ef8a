"""List in threads: for listers that wait (FUSE, network, a cloud's API), as many at once as they allow.

Only the thread of the crawl sees state; the others take a path from one queue and put what became of it into another.
They are daemons: one that hangs in a dead mount cannot be ended, so it is given up and its folder a *timeout*.

A lister that may not ask any more just now raises Snooze: that is no answer about a folder but ends the whole crawl,
after what was found so far was yielded; what was not answered stays ``unfinished``.
"""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from mediasync.core.errors import Snooze
from monitors import walk
from monitors.walk import Found, Known, Listing, Pack, Unknown

from .base import Lister, Reserve, Work

TICK = 0.5  # seconds
PATIENCE = 120.0  # seconds in which no listing at all ended
FOLDERS, FILES = 1000, 10_000  # of one block
AHEAD = 4  # known folders in the queue, times the number of threads
GRACE = 0.5  # seconds that all threads together may take to end: those that idle do so at once
LONGEST = 2.0  # seconds between two yields: a crawl can only be paused, and what was found written, at one


class Threads:
    """A crew of threads; use it as a context manager."""

    def __init__(self, lister: Lister, parallel: int, reserve: Reserve, patience: float = PATIENCE) -> None:
        self.lister = lister
        self.parallel = parallel
        self.reserve = reserve
        self.patience = patience
        self.tick = TICK
        self.idle = 0.0
        self.yielded = time.monotonic()
        # The newest first, so that few folders have folders that are not listed yet: those are listed again when a
        # crawl goes on after a stop.
        self.todo: queue.LifoQueue[Any] = queue.LifoQueue()
        self.done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.pending: dict[int, Any] = {}  # number of the call → its entry
        self.calls = 0
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Threads:
        for number in range(self.parallel):
            self.threads.append(threading.Thread(target=self._work, name=f"lister-{number}", daemon=True))
            self.threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        for _n in range(self.parallel):
            self.todo.put(None)
        end = time.monotonic() + GRACE
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))

    def stat(self, chunks: Iterable[list[Known]]) -> Iterator[list[Known]]:
        """See ``Crew.stat``."""
        given = [entry for chunk in chunks for entry in chunk]
        moved: list[Known] = [entry for entry in given if entry[2] is None]  # to be listed anyway
        entries = (entry for entry in given if entry[2] is not None)
        for known, answer in self._through(self.lister.mtime, entries):
            if known is not None and answer != known[2]:
                moved.append(known)
            if known is None or len(moved) >= FOLDERS or self._long_ago():
                yield moved
                moved = []
        yield moved

    def check(self, chunks: Iterable[list[Known]]) -> Iterator[tuple[int, list[Found]]]:
        """See ``Crew.check``."""
        listed = 0
        out: list[Found] = []
        entries = (entry for chunk in chunks for entry in chunk)
        try:
            for known, answer in self._through(self.lister.listing, entries):
                if known is not None:
                    listed += 1
                    if (found := _found(known, answer)) is not None:
                        out.append(found)
                if known is None or listed >= FOLDERS or self._long_ago():
                    yield listed, out
                    listed, out = 0, []
        except Snooze:
            yield listed, out
            raise
        yield listed, out

    def walk(self, todo: list[Unknown]) -> Iterator[Work | None]:
        """See ``Crew.walk``; what a block has left over is already in the queue."""
        taken: list[Unknown] = []
        left: list[Unknown] = []
        pack, ids = Pack(), Numbers(self.reserve)
        self._put(self.lister.listing, *todo)
        todo.clear()
        while self.pending:
            try:
                entry, answer = self._take()
            except Snooze:
                if taken:
                    yield taken, pack.block(left)
                raise
            if entry is not None:
                taken.append(entry)
                inside = _packed(pack, ids, entry, answer)
                left += inside
                self._put(self.lister.listing, *inside)
            if entry is None or len(taken) >= FOLDERS or len(pack.files) >= FILES or self._long_ago():
                # All that was taken is yielded, so that at a yield only ``pending`` is unfinished.
                yield (taken, pack.block(left)) if taken else None
                taken, left, pack = [], [], Pack()
        if taken:
            yield taken, pack.block(left)

    def unfinished(self) -> list[Unknown]:
        """See ``Crew.unfinished``; known folders that were to be looked at are not among them."""
        return [entry for entry in self.pending.values() if len(entry) == 2]

    def _work(self) -> None:
        while (task := self.todo.get()) is not None:
            number, call, below = task
            try:
                answer: Any = call(below)
            except (OSError, Snooze) as caught:
                answer = caught
            except Exception as caught:  # whatever a lister may raise: no thread may die of it
                answer = OSError(errno.EIO, repr(caught))
            self.done.put((number, answer))

    def _put(self, call: Any, *entries: Any) -> None:
        for entry in entries:
            self.calls += 1
            self.pending[self.calls] = entry
            self.todo.put((self.calls, call, entry[1]))

    def _through(self, call: Any, entries: Iterator[Known]) -> Iterator[tuple[Any, Any]]:
        """Run ``call`` over all entries, a bounded number ahead."""
        for entry in entries:
            self._put(call, entry)
            if len(self.pending) >= self.parallel * AHEAD:
                yield self._take()
        while self.pending:
            yield self._take()

    def _long_ago(self) -> bool:
        """Tell, once, that it is time to yield."""
        now = time.monotonic()
        if now - self.yielded < LONGEST:
            return False
        self.yielded = now
        return True

    def _take(self) -> tuple[Any, Any]:
        """Return what ended next as (entry, answer), (None, None) if nothing did for a moment; raises Snooze.

        When nothing has ended for as long as our patience lasts, what is still out is given up, one at a time.
        """
        try:
            number, answer = self.done.get(timeout=self.tick if self.idle < self.patience else 0.001)
        except queue.Empty:
            self.idle += self.tick
            if self.idle < self.patience:
                return None, None
            number, answer = next(iter(self.pending)), OSError(errno.ETIMEDOUT, "no listing ended for a long time")
        else:
            self.idle = 0.0
        if isinstance(answer, Snooze):
            raise answer  # its entry stays pending
        found = self.pending.pop(number, None)
        return (found, answer) if found is not None else (None, None)


class Numbers:
    """Directory ids one by one, reserved by the thousand."""

    def __init__(self, reserve: Reserve) -> None:
        self.reserve = reserve
        self.ids = iter(range(0))

    def __next__(self) -> int:
        number = next(self.ids, None)
        if number is None:
            number = self.reserve(FOLDERS)
            self.ids = iter(range(number + 1, number + FOLDERS))
        return number


def _found(known: Known, answer: Listing | OSError) -> Found | None:
    """Return what ``walk.check`` would say of one folder."""
    if isinstance(answer, OSError):
        return known[0], 0, 0, None, [], walk.reason(answer)
    return walk.differs(known[0], known[2], known[3], answer)


def _packed(pack: Pack, ids: Numbers, entry: Unknown, answer: Listing | OSError) -> list[Unknown]:
    """Put one answer into the block; return the folders in it."""
    parent, below = entry
    if not isinstance(answer, OSError):
        return pack.add(next(ids), parent, below, answer)
    if (why := walk.reason(answer)) == "vanished":
        pack.vanished(parent)
    else:
        pack.failed(next(ids), parent, below, why)
    return []

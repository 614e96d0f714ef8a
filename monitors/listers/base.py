"""What a lister is: it tells what lies in one folder of a root, or that it cannot.

A listing is the tuple that ``monitors.walk`` describes. Everything a lister raises for a folder is an OSError with a
proper errno, so that *vanished* (ENOENT, ENOTDIR), *permission denied*, *name too long*, *I/O error* and *timeout* are
told apart in one place, ``walk.reason``. A listing that raised or carries an error proves nothing about absence.

A lister that may not ask just now (throttled, budget spent) raises Snooze: the whole crawl sleeps, and goes on from its
cursor.

A new kind of lister is one file with a class like ``local.Local`` and one line in ``listers.KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from monitors.walk import Block, Found, Known, Listing, Unknown

Reserve = Callable[[int], int]  # number of directory ids wanted → the first of them
Work = tuple[list[Unknown], Block]  # what was asked, what came back


class Crew(Protocol):
    """Whoever does the listing: this thread, several processes or several threads.

    Both generators yield nothing (an empty list, None) now and then while they wait, so that a pause is heard.
    """

    def stat(self, chunks: Iterable[list[Known]]) -> Iterator[list[Known]]:
        """Yield, chunk by chunk, the folders whose mtime moved or which could not be asked."""

    def check(self, chunks: Iterable[list[Known]]) -> Iterator[tuple[int, list[Found]]]:
        """Yield (folders listed, what differs) until all chunks are done; not in order."""

    def walk(self, todo: list[Unknown]) -> Iterator[Work | None]:
        """Yield blocks until ``todo`` and everything below it is listed."""

    def unfinished(self) -> list[Unknown]:
        """Return what ``walk`` had taken from ``todo``, or found, but not yielded when it was left; [] if unknown."""


class Lister(Protocol):
    """How one root is read. One with a ``step`` is given so many known folders at a time; one with ``told(below)`` can
    say the mtime_ns of a folder from the listing above it, before it lists that (0: unknown). One that remembers what
    it was told for the time of a crew has ``forget()``, for those that look again and again."""

    remote: bool  # a removal needs a second listing some minutes later
    parallel: int  # listings at once

    def mtime(self, below: bytes) -> int:
        """Return the mtime_ns of a folder."""

    def listing(self, below: bytes) -> Listing:
        """Return the listing of a folder."""

    def crew(self, reserve: Reserve) -> AbstractContextManager[Crew]:
        """Return who lists, for the time of one crawl."""

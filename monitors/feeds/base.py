"""What a feed is: a thread that hears of changes between two crawls and says so at its desk.

A new feed is one file with a function ``wanted(roots)`` and one line in ``feeds.KINDS``. The supervisor (``watch.py``)
asks all of them every few seconds which feeds there should be, starts those that are missing, ends those that are no
longer named (or whose ``depends`` changed), and starts anew, after a growing pause, what ended or failed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Protocol

from monitors.notices import Notice

KEEP: Any = object()  # leave the cursor as it is


class Desk(Protocol):
    """What a feed is given. Every method may be called from the feed's own threads."""

    @property
    def cursor(self) -> Any:
        """Return what was last committed as cursor (JSON), None at first."""

    def rest(self, seconds: float) -> bool:
        """Wait so long, or until the feed is to end; True if it is. ``rest(0)`` only asks."""

    def commit(self, notices: Iterable[Notice] = (), *, cursor: Any = KEEP, reference: str = "") -> None:
        """Store notices (of the feed's account or root) as hints, and the cursor, in one transaction."""

    def look(self, root_id: int, paths: Iterable[str], names: Iterable[tuple[str, str]] = ()) -> None:
        """Store "look at these folders" (below the root); ``names``: (folder, name) whose size must rest first."""

    def gap(self, code: str, root_ids: Iterable[int] | None = None) -> None:
        """Say that events may have been missed: the roots (None: all of the feed) are crawled."""

    def fine(self, **facts: Any) -> None:
        """Say that it works (again), with facts for people: ``watches``, ``limit`` …"""

    def resting(self, code: str, seconds: float, **params: Any) -> bool:
        """Say that it waits for this reason (quota spent …), and ``rest``."""


class Feed(Protocol):
    """One feed. ``run`` raises an error of ``core.errors`` when it cannot go on: that is shown, and tried again."""

    kind: str  # a name in feeds.KINDS
    key: str  # "root 3", "account 1"
    name: str  # for people
    root_ids: tuple[int, ...]  # whose changes it tells of
    account_id: int | None
    depends: Hashable  # other values: another feed

    def run(self, desk: Desk) -> None:
        """Hear until ``desk.rest`` is true, or return when there is nothing more to hear just now."""

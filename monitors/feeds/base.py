"""What a feed is: a thread that hears of changes between two crawls and says so at its desk.

A new feed is one file with a function ``wanted(roots)`` and one line in ``feeds.MODULES``. The supervisor asks all of
them every few seconds which feeds there should be (``roots`` are those in use, with their accounts; ``feeds.choose``
says which feed a root has; the answer may take no longer than a query), starts those that are missing, ends those that
are no longer named (or whose ``depends`` changed), and starts anew, after a growing pause, what ended or failed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Protocol

from monitors.hints.notices import Notice

KEEP: Any = object()  # leave the cursor as it is
MARK = ".mediasync-selftest-"  # how the name of the file of a self-test begins; no crawl takes it for content


class Desk(Protocol):
    """What a feed is given. Every method may be called from the feed's own threads."""

    @property
    def cursor(self) -> Any:
        """Return what was last committed as cursor (JSON), None at first."""

    def rest(self, seconds: float) -> bool:
        """Wait so long, or until the feed is to end; True if it is. ``rest(0)`` only asks."""

    def commit(
        self,
        notices: Iterable[Notice] = (),
        *,
        cursor: Any = KEEP,
        reference: str = "",
        also: Callable[[], object] | None = None,
    ) -> None:
        """Store notices (of the feed's account or root) as hints, and the cursor, in one transaction.

        ``also`` writes what belongs to it, in the same transaction; it may be called again.
        Waits for a database that is locked or away. Raises Stop when the feed is to end or another took its place:
        then nothing was stored, the cursor neither.
        """

    def look(
        self,
        root_id: int,
        paths: Iterable[str],
        names: Iterable[tuple[str, str]] = (),
        *,
        group: str = "",
        deep: Iterable[str] = (),
    ) -> None:
        """Have these folders (below the root) looked at; ``names``: (folder, name) whose size must rest first.

        It is stored within a second, or together with the next ``commit``. What has one ``group`` is looked at by one
        job; ``deep``: folders in which everything may be different.
        """

    def gap(self, code: str, root_ids: Iterable[int] | None = None) -> None:
        """Say that events may have been missed: the roots (None: all of the feed) are crawled."""

    def fine(self, **facts: Any) -> None:
        """Say that it works (again), with facts for people: ``watches``, ``limit`` …"""

    def trouble(self, code: str, **params: Any) -> None:
        """Say that it works only in part, and goes on."""

    def resting(self, code: str, seconds: float, **params: Any) -> bool:
        """Say that it waits for this reason (quota spent …), and ``rest``."""

    def heard(self, name: str) -> None:
        """Say that it heard of the file of a self-test (``MARK``)."""


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

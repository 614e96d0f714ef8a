"""Which items are to be asked for, and when: a server speaks of one item again and again while it works on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from .ears import Heard

READY_SECONDS = 2.0  # after the first "processed": more of them follow at once
WORKING_SECONDS = 60.0  # after the last word about an item that may never be called processed (no agent)
MOST = 20_000  # items that wait; with more, all that is new is asked for instead
REMEMBER = 20_000  # items that were asked for


class Inbox:
    """Items that wait, in the order in which they were first heard of. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.overflowed = False
        self._due: OrderedDict[str, tuple[float, bool]] = OrderedDict()  # key → when, is it processed
        self._made: set[str] = set()
        self._done: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def hear(self, said: Iterable[Heard], now: float) -> None:
        """Take in what a message said."""
        for item in said:
            if item.key in self._done:
                continue
            if item.made:
                self._made.add(item.key)
            when, ready = self._due.get(item.key, (now + READY_SECONDS, False))
            if not ready:
                when = now + (READY_SECONDS if item.ready else WORKING_SECONDS)
            if item.key not in self._due and len(self._due) >= MOST:
                self.overflowed = True
            else:
                self._due[item.key] = (when, ready or item.ready)

    def take(self, now: float, most: int) -> dict[str, bool]:
        """Return up to ``most`` items that are due: id → the server said that it is new."""
        keys = [key for key, (when, _ready) in self._due.items() if when <= now][:most]
        return {key: key in self._made for key in keys}

    def done(self, keys: Iterable[str]) -> None:
        """Forget items that were asked for; a later word about them is no news."""
        for key in keys:
            self._due.pop(key, None)
            self._made.discard(key)
            self._done[key] = None
        while len(self._done) > REMEMBER:
            self._done.popitem(last=False)

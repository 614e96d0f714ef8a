"""How many units to claim ahead: as many as run in a quarter of a second, and none ahead when they are slow.

A claimed item is marked as running. What is marked and has not begun would be blamed for a crash, so this is kept
small; but a transaction for each of 100,000 trivial items would cost more than the items.
"""

from __future__ import annotations

AHEAD_SECONDS = 0.25
MOST = 4_000  # units in the pool
GROWTH = 8  # times more than before at most, until the pace is known


class Appetite:
    """The right number of units in the pool of ``threads``; with ``per_unit`` one each, whatever the pace."""

    def __init__(self, threads: int, *, per_unit: bool, unit_size: int = 1) -> None:
        self.threads = threads
        self.per_unit = per_unit
        self.target = threads
        self.fed = 0.0  # when the pool was last filled (monotonic)
        self._most = max(threads, MOST // unit_size)
        self._pace = 0.0  # seconds a unit, smoothed

    def hungry(self, running: int) -> bool:
        """Tell whether ``running`` units are too few."""
        return running < self.threads or (self.target > self.threads and running <= self.target // 2)

    def learn(self, seconds: float) -> None:
        """Take note of how long a unit took."""
        self._pace = seconds if not self._pace else self._pace * 0.9 + seconds * 0.1

    def room(self, running: int) -> int:
        """Return how many more units to claim now."""
        if not self.per_unit and self._pace:
            wanted = int(self.threads * max(1.0, AHEAD_SECONDS / self._pace))
            self.target = min(wanted, self.target * GROWTH, self._most)
        return max(0, self.target - running)

    def starve(self) -> None:
        """Begin again from one unit a thread: the items have become slow."""
        self._pace = max(self._pace, AHEAD_SECONDS)
        self.target = self.threads

"""C10: Plex's cache of scaled pictures, by age and by size; it makes each again when somebody wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..choices import Action, Klass, Risk
from ..plexdata.entries import Entry
from ..policy import Policy
from .base import DAY_NS, Draft, of_entry

HOUR_NS = 3_600 * 10**9
BLOCK = 512


@dataclass(slots=True)
class Cache:
    """Fed twice with all cached pictures: ``weigh`` each, then ``drafts``. Memory does not grow with their number."""

    policy: Policy
    now_ns: int
    files: int = 0
    bytes: int = 0
    _hours: Counter[int] = field(default_factory=Counter)  # hour of the last use → bytes, of those that are young

    def weigh(self, entry: Entry, used_ns: int) -> None:
        """Count one picture; ``used_ns`` is when it was last read or written, as far as that is known."""
        self.files += 1
        self.bytes += entry.blocks * BLOCK
        if not self._is_old(used_ns):
            self._hours[used_ns // HOUR_NS] += entry.blocks * BLOCK

    def drafts(self, found: Iterator[tuple[Entry, int]]) -> Iterator[Draft]:
        """Yield what may go: all that is old, then of the rest the longest unused until the budget is kept."""
        hour, left = self._limit()
        at_limit: list[tuple[int, Entry]] = []
        for entry, used_ns in found:
            if self._is_old(used_ns) or used_ns // HOUR_NS < hour:
                yield _draft(entry)
            elif used_ns // HOUR_NS == hour:
                at_limit.append((used_ns, entry))
        for _used, entry in sorted(at_limit):
            if left <= 0:
                return
            left -= entry.blocks * BLOCK
            yield _draft(entry)

    def _is_old(self, used_ns: int) -> bool:
        return not self.policy.cache_days or used_ns < self.now_ns - self.policy.cache_days * DAY_NS

    def _limit(self) -> tuple[int, int]:
        """Return the hour before which all goes, and how many bytes of that hour itself."""
        left = sum(self._hours.values()) - self.policy.cache_budget
        if not self.policy.cache_budget or left <= 0:
            return -(1 << 62), 0
        for hour in sorted(self._hours):
            if left <= self._hours[hour]:
                return hour, left
            left -= self._hours[hour]
        return 1 << 62, 0


def _draft(entry: Entry) -> Draft:
    return of_entry(Klass.CACHE, Action.FILE, entry, "", Risk.LOW, base="cache")

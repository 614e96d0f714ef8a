"""Figures of proofs, for the page of a server and for metrics: how many requests, and how long from change to verified.

Two statements for any number of requests; a row counts until it is forgotten (``KEEP_JOBS_DAYS``).
"""

from __future__ import annotations

import datetime as dt
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, F
from django.db.models.functions import Coalesce

from .models import ScanRequest

State = ScanRequest.State
PROVED = (State.VERIFIED, State.GONE)
LATELY = dt.timedelta(days=7)  # proofs that are older say little of today


@dataclass(slots=True)
class Figures:
    """Of one library, or of several together."""

    states: Counter[str] = field(default_factory=Counter)  # state → requests
    seconds: list[float] = field(default_factory=list)  # from the first change to its proof; sorted

    @property
    def median(self) -> float | None:
        """The median of the seconds; None if nothing was proved."""
        return statistics.median(self.seconds) if self.seconds else None

    def within(self, limit: float) -> int:
        """Count the proofs that took at most so many seconds."""
        return bisect_right(self.seconds, limit)


def figures(since: dt.datetime, server_id: int | None = None) -> dict[tuple[int, int | None], Figures]:
    """Return the figures of one server or of all, by (server, library); times of what was proved ``since``.

    The library is None for requests that none has.
    """
    rows = ScanRequest.objects.order_by()
    rows = rows if server_id is None else rows.filter(server_id=server_id)
    found = defaultdict[tuple[int, int | None], Figures](Figures)
    counts = rows.values_list("server_id", "library_id", "state").annotate(number=Count("id"))
    for server, library, state, number in counts:
        found[server, library].states[state] = number
    # The times are not taken by the database: SQLite needs a call into Python for each difference of two.
    proved = rows.filter(state__in=PROVED, verified_at__gte=since).annotate(began=Coalesce(F("changed_at"), "first_at"))
    times = proved.values_list("server_id", "library_id", "began", "verified_at")
    for server, library, began, verified in times.iterator():
        took = (verified - began).total_seconds()
        found[server, library].seconds.append(max(0.0, took))  # a clock may have gone back
    for each in found.values():
        each.seconds.sort()
    return dict(found)


def together(parts: Iterable[Figures]) -> Figures:
    """Return the figures of several libraries as one."""
    whole = Figures()
    for part in parts:
        whole.states += part.states
        whole.seconds += part.seconds
    whole.seconds.sort()
    return whole

"""Figures of proofs, for the page of a server and for metrics: how many requests, and how long from change to verified.

Of any number of requests in a few statements; a row counts until it is forgotten (``KEEP_JOBS_DAYS``).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from .models import ScanRequest

State = ScanRequest.State
PROVED = (State.VERIFIED, State.GONE)
LATELY = dt.timedelta(days=7)  # proofs that are older say little of today
BUCKETS = (10, 30, 60, 120, 300, 600, 1800, 3600, 21600)  # seconds


@dataclass(slots=True)
class Figures:
    """Of one library (None: requests without one) of one server."""

    states: dict[str, int] = field(default_factory=dict)  # state → requests
    median: float | None = None  # seconds from the first change to its proof


@dataclass(frozen=True, slots=True)
class Times:
    """How long the proofs of one library took, in seconds."""

    server: int
    library: int | None
    number: int
    total: float
    within: tuple[int, ...]  # proofs that took at most as long as each of BUCKETS


def figures(since: dt.datetime, server_id: int | None = None) -> dict[tuple[int, int | None], Figures]:
    """Return the figures of one server or of all, by (server, library); medians of what was proved ``since``."""
    rows, found = _of(server_id), defaultdict[tuple[int, int | None], Figures](Figures)
    by_library = rows.order_by().values_list("server_id", "library_id", "state").annotate(number=Count("id"))
    for server, library, state, number in by_library:
        found[server, library].states[state] = number
    for (server, library), median in _medians(rows, since, "server_id", "library_id"):
        found[server, library].median = median
    return dict(found)


def median(since: dt.datetime, server_id: int) -> float | None:
    """Return the median of a whole server; None if nothing was proved."""
    return next((seconds for _key, seconds in _medians(_of(server_id), since, "server_id")), None)


def times(since: dt.datetime) -> list[Times]:
    """Return how long proofs took, by server and library."""
    within = {f"t{limit}": Count("id", filter=Q(took__lte=dt.timedelta(seconds=limit))) for limit in BUCKETS}
    rows = _proved(_of(None), since).order_by().values("server_id", "library_id")
    return [
        Times(
            *(row["server_id"], row["library_id"], row["number"], max(0.0, row["total"].total_seconds())),
            tuple(row[name] for name in within),
        )
        for row in rows.annotate(number=Count("id"), total=Sum("took"), **within)
    ]


def _of(server_id: int | None) -> QuerySet[ScanRequest]:
    return ScanRequest.objects.all() if server_id is None else ScanRequest.objects.filter(server_id=server_id)


def _proved(rows: QuerySet[ScanRequest], since: dt.datetime) -> QuerySet[Any]:
    began = Coalesce("changed_at", "first_at")
    took = ExpressionWrapper(F("verified_at") - began, output_field=DurationField())
    return rows.filter(state__in=PROVED, verified_at__gte=since).annotate(took=took)


def _medians(rows: QuerySet[ScanRequest], since: dt.datetime, *by: str) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Yield (group, median in seconds), from the one or two rows in the middle of each group."""
    group = [F(name) for name in by]
    placed = _proved(rows, since).annotate(
        number=Window(Count("id"), partition_by=group),
        twice=Window(RowNumber(), partition_by=group, order_by=[F("took"), F("id")]) * 2,
    )
    middle: defaultdict[tuple[Any, ...], list[float]] = defaultdict(list)
    found = placed.filter(twice__gte=F("number"), twice__lte=F("number") + 2)
    for *key, took in found.order_by().values_list(*by, "took"):
        middle[tuple(key)].append(took.total_seconds())
    for each, seconds in middle.items():
        yield each, max(0.0, sum(seconds) / len(seconds))

"""Figures of proofs, for the page of a server and for metrics: how many, and how long from change to verified."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Coalesce

from .models import ScanRequest

State = ScanRequest.State
PROVED = (State.VERIFIED, State.GONE)


@dataclass(slots=True)
class Figures:
    """Of one library (None: requests without one) since a moment."""

    states: dict[str, int] = field(default_factory=dict)  # state → requests
    median: float | None = None  # seconds from the first change to its proof


def figures(server_id: int, since: dt.datetime) -> dict[int | None, Figures]:
    """Return the figures of a server, by library."""
    rows = ScanRequest.objects.filter(server_id=server_id, last_at__gte=since)
    found: defaultdict[int | None, Figures] = defaultdict(Figures)
    for library, state, number in rows.order_by().values_list("library_id", "state").annotate(number=Count("id")):
        found[library].states[state] = number
    for library, each in found.items():
        each.median = median(rows.filter(library=None) if library is None else rows.filter(library_id=library))
    return dict(found)


def median(rows: QuerySet[ScanRequest]) -> float | None:
    """Return the median of the seconds from change to proof; None if nothing was proved."""
    began = Coalesce("changed_at", "first_at")
    took = ExpressionWrapper(F("verified_at") - began, output_field=DurationField())
    proved = rows.filter(state__in=PROVED, verified_at__isnull=False).annotate(took=took).order_by("took")
    number = proved.count()
    if not number:
        return None
    middle: list[dt.timedelta] = list(proved.values_list("took", flat=True)[(number - 1) // 2 : number // 2 + 1])
    return sum(each.total_seconds() for each in middle) / len(middle)

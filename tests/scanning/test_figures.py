"""How many requests were proved, and how fast."""

from __future__ import annotations

import datetime as dt

import pytest

from mediasync.servers.models import Library
from scanning.figures import figures
from scanning.models import ScanRequest

from .helpers import START, make_server

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("seconds", "median"), [((), None), ((5,), 5.0), ((1, 90, 4), 4.0), ((1, 2, 4, 90), 3.0)])
def test_the_median_counts_from_the_change(seconds: tuple[int, ...], median: float | None) -> None:
    server = make_server()
    library = Library.objects.get()
    common = {"server": server, "library": library, "first_at": START, "last_at": START}
    for number in seconds:
        changed = START - dt.timedelta(seconds=10)
        verified = changed + dt.timedelta(seconds=number)
        ScanRequest.objects.create(
            **common, path=str(number), state="verified", changed_at=changed, verified_at=verified
        )
    ScanRequest.objects.create(**common, path="x", state="not_found")
    found = figures(server.pk, START - dt.timedelta(days=1))[library.pk]
    assert found.median == median
    assert found.states == {"not_found": 1} | ({"verified": len(seconds)} if seconds else {})

"""Requests: joining what waits, whoever asks."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from mediasync.servers.models import Library, Server
from scanning.models import ScanRequest
from scanning.requests import Wanted, after, prune, request, request_many
from scanning.units import Unit

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def server() -> Server:
    return Server.objects.create(name="p", kind="plex", url="http://x", debounce=10, max_wait=60, root_window=300)


@pytest.fixture
def library(server: Server) -> Library:
    return Library.objects.create(server=server, key="1", title="Films")


def want(library: Library | None, path: str = "/m/A", update: str = "Modified", **more: bool) -> Wanted:
    return Wanted(Unit(path, path, update, True, **more), library.pk if library else None, "crawl", change=7)


def test_it_waits_for_rest_but_not_for_ever(server: Server, library: Library) -> None:
    assert request(server, want(library), NOW).due_at == later(10)
    assert request(server, want(library), later(5)).due_at == later(15)
    row = request(server, want(library), later(55))
    assert (row.due_at, row.version, row.hits, row.first_at, row.last_at) == (later(60), 3, 3, NOW, later(55))
    assert ScanRequest.objects.count() == 1


def test_it_collects_what_covers_a_whole_location(server: Server, library: Library) -> None:
    assert request(server, want(library, top_level=True), NOW).due_at == later(300)
    assert request(server, want(library, top_level=True), later(200)).due_at == later(300)
    assert request(server, want(library), later(201)).due_at == later(60)


def test_it_is_due_at_once_when_a_person_asks(server: Server, library: Library) -> None:
    request(server, want(library), NOW)
    assert request_many(server, [want(library)], later(1), at_once=True).joined == 1
    assert ScanRequest.objects.get().due_at == NOW


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("Created", "Modified", "Created"),
        ("Created", "Deleted", "Deleted"),
        ("Deleted", "Created", "Modified"),
        ("Modified", "Created", "Modified"),
    ],
)
def test_it_tells_the_change_that_stands_for_both(
    server: Server, library: Library, old: str, new: str, result: str
) -> None:
    request(server, want(library, update=old), NOW)
    assert request(server, want(library, update=new), NOW).update == after(old, new) == result
    pair = [want(library, "/m/B", old), want(library, "/m/B", new)]
    request_many(server, pair, NOW)
    row = ScanRequest.objects.get(path="/m/B")
    assert (row.update, row.hits) == (result, 2)


def test_it_opens_exactly_one_follow_up_while_one_is_sent(server: Server, library: Library) -> None:
    first = request(server, want(library), NOW)
    ScanRequest.objects.update(state="sending")
    for _ in range(3):
        second = request(server, want(library), NOW)
    assert second.pk != first.pk
    assert list(ScanRequest.objects.order_by("id").values_list("state", "hits")) == [("sending", 1), ("waiting", 3)]


def test_it_keeps_one_row_a_path_without_library(server: Server) -> None:
    request(server, want(None), NOW)
    row = request(server, want(None), NOW)
    assert (row.state, row.hits, row.library_id) == ("no_library", 2, None)


def test_it_keeps_what_no_rule_translates_as_failed(server: Server) -> None:
    wanted = Wanted(Unit("/m/A", "/m/A", "Modified", True), None, error="unmatched")
    assert request(server, wanted, NOW).answer == "unmatched"


def test_it_notes_ten_thousand_changes_in_few_statements(server: Server, library: Library) -> None:
    wanted = [want(library, f"/m/{number:05}") for number in range(10_000)]
    with CaptureQueriesContext(
        connection,
    ) as new:
        counts = request_many(server, wanted, NOW)
    assert (counts.new, counts.joined) == (10_000, 0)
    with CaptureQueriesContext(connection) as again:
        counts = request_many(server, wanted, later(1))
    assert (counts.new, counts.joined) == (0, 10_000)
    assert len(new) < 400
    assert len(again) < 150
    assert ScanRequest.objects.aggregate(hits=Sum("hits"))["hits"] == 20_000


def test_it_forgets_what_was_sent_long_ago(server: Server, library: Library) -> None:
    for number, (state, days) in enumerate([("sent", 40), ("failed", 40), ("failed", 100), ("waiting", 400)]):
        row = request(server, want(library, f"/m/{number}"), NOW)
        ScanRequest.objects.filter(pk=row.pk).update(state=state, due_at=NOW - dt.timedelta(days=days))
    assert prune(server, NOW) == 2
    assert list(ScanRequest.objects.order_by("id").values_list("path", flat=True)) == ["/m/1", "/m/3"]


def test_it_keeps_what_waited_for_long_and_was_sent_lately(server: Server) -> None:
    long_ago = NOW - dt.timedelta(days=40)
    sent = NOW - dt.timedelta(days=1)
    ScanRequest.objects.create(server=server, path="/a", state="sent", due_at=long_ago, sent_at=sent)
    assert prune(server, NOW) == 0

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from mediasync.servers.clients.base import RecentItem
from mediasync.servers.listeners import arrivals
from mediasync.servers.models import Arrival, KnownItem, Library, LibraryPath, Listener, Server

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def here() -> Server:
    server = Server.objects.create(name="Here", kind="plex", url="http://127.0.0.1:9")
    for key, path in (("1", "/media/films"), ("2", "D:\\Serien")):
        library = Library.objects.create(server=server, key=key, title=path)
        LibraryPath.objects.create(library=library, path=path)
    Listener.objects.create(server=server)
    return server


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """What is said to others."""
    said: list[dict[str, Any]] = []

    def hear(sender: Any, **kwargs: Any) -> None:
        said.append(kwargs)

    arrivals.arrived.connect(hear)
    yield said
    arrivals.arrived.disconnect(hear)


def item(key: str = "7", path: str = "/media/films/A.mkv", library: str = "1", **more: Any) -> RecentItem:
    return RecentItem(key, more.pop("title", "A"), path, library, NOW, **more)


def test_it_records_once(here: Server, told: list[dict[str, Any]]) -> None:
    both = [item(path="/media/films/A - cd1.mkv"), item(path="/media/films/A - cd2.mkv")]
    for _ in range(3):
        arrivals.record(here, both, NOW)
    arrival = Arrival.objects.get()
    assert arrival.path == "/media/films/A - cd1.mkv" and arrival.library == Library.objects.get(key="1")
    assert [each["arrivals"] for each in told] == [[arrival]] and told[0]["server"] == here
    assert Listener.objects.get().arrivals == 1


def test_it_records_the_same_id_of_another_server(here: Server) -> None:
    other = Server.objects.create(name="There", kind="plex", url="http://127.0.0.1:9")
    for server in (here, other):
        arrivals.record(server, [item()], NOW)
    assert Arrival.objects.count() == 2


def test_it_finds_the_library_by_path_where_the_server_does_not_say(here: Server) -> None:
    arrivals.record(
        here, [item("1", "d:\\serien\\X\\x.mkv", ""), item("2", "/other/x.mkv", ""), item("3", "x", "")], NOW
    )
    found = [each.library and each.library.key for each in Arrival.objects.order_by("key")]
    assert found == ["2", None, None]


def test_it_passes_over_libraries_that_are_left_out(here: Server) -> None:
    Library.objects.filter(key="1").update(enabled=False)
    arrivals.record(here, [item("1"), item("2", library="")], NOW, learn=True)
    assert not Arrival.objects.exists() and KnownItem.objects.count() == 2


def test_it_stores_whatever_a_server_says(here: Server) -> None:
    odd = item("k" * 100, "/media/films/\x00" + "p" * 5000, title="\x00\ud800" + "t" * 999, picture="/" + "p" * 999)
    arrivals.record(here, [odd, item("2", title=""), item("k" * 101), item("")], NOW, learn=True)
    long, untitled = Arrival.objects.order_by("-key").exclude(key="2").get(), Arrival.objects.get(key="2")
    assert (len(long.title), len(long.picture)) == (300, 500) and "\x00" not in long.path
    assert untitled.title == "/media/films/A.mkv"


def test_it_keeps_an_arrival_when_a_receiver_fails(here: Server, caplog: pytest.LogCaptureFixture) -> None:
    def fails(sender: Any, **kwargs: Any) -> None:
        raise RuntimeError("no")

    arrivals.arrived.connect(fails)
    try:
        assert len(arrivals.record(here, [item()], NOW)) == 1
    finally:
        arrivals.arrived.disconnect(fails)
    assert Arrival.objects.exists() and "could not be told" in caplog.text


def test_it_tells_within_the_transaction_that_stores(here: Server) -> None:
    seen: list[bool] = []

    def hear(sender: Any, **kwargs: Any) -> None:
        seen.append(transaction.get_connection().in_atomic_block and Arrival.objects.exists())

    arrivals.arrived.connect(hear)
    arrivals.record(here, [item()], NOW)
    arrivals.arrived.disconnect(hear)
    assert seen == [True]


def test_it_stores_many_with_few_questions(here: Server, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(60):
        assert len(arrivals.record(here, [item(str(n)) for n in range(1200)], NOW, learn=True)) == 1200
    with django_assert_max_num_queries(6):
        assert arrivals.unknown(here, [str(n) for n in range(1201)]) == ["1200"]


def test_it_is_named_for_people(here: Server) -> None:
    name = {"server": here, "title": "Pilot", "heard_at": NOW}
    assert str(Arrival(kind="episode", show="Show", season=1, episode=2, **name)) == "Show S01E02 Pilot"
    assert str(Arrival(kind="episode", show="Show", **name)) == "Show Pilot"
    assert str(Arrival(kind="movie", year=2020, **name)) == "Pilot (2020)"
    assert str(Arrival(kind="track", show="Band", **name)) == "Band – Pilot"
    assert Arrival(picture="/x.jpg", **name).picture_url == "http://127.0.0.1:9/x.jpg"


def test_it_forgets_what_is_really_old(here: Server) -> None:
    arrivals.record(here, [item("1")], NOW - dt.timedelta(days=500))
    arrivals.record(here, [item("2")], NOW)
    assert arrivals.forget(NOW) == 1 and Arrival.objects.get().key == "2"

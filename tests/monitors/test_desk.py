from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import OperationalError, transaction

from mediasync.core.clock import FakeClock
from mediasync.core.errors import Stop
from monitors.feeds import desk as desks
from monitors.feeds.desk import FeedDesk
from monitors.hints.notices import Notice
from monitors.models import FeedState, Hint, Root
from tests.monitors.feeding import Told, waits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/tv")


def row() -> FeedState:
    return FeedState.objects.get()


def desk_of(feed: Told, clock: FakeClock | None = None) -> FeedDesk:
    made, _ = FeedState.objects.get_or_create(kind=feed.kind, key=feed.key)
    return FeedDesk(feed, made, threading.Event(), clock or FakeClock())


def test_it_stores_hints_and_cursor_together(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(Told(waits, root))
    desk.commit([Notice("/tv/Show/a.mkv")], cursor={"page": 2}, reference="page 1")
    assert (row().cursor, row().events, desk.cursor) == ({"page": 2}, 1, {"page": 2})
    assert Hint.objects.get().path == "Show" and row().event_at

    def broken(*args: Any, **kwargs: Any) -> int:
        Root.objects.update(name="half")
        raise ValueError

    monkeypatch.setattr(desks.intake, "take_in", broken)
    with pytest.raises(ValueError):
        desk.commit([Notice("/tv/Show/b.mkv")], cursor={"page": 3})
    assert (row().cursor, row().events, desk.cursor) == ({"page": 2}, 1, {"page": 2})
    assert Root.objects.get().name == "TV"


def test_it_waits_for_a_database_that_is_locked(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "RETRY_SECONDS", 0.01)
    take_in, tries = desks.intake.take_in, []

    def locked(*args: Any, **kwargs: Any) -> int:
        tries.append(1)
        if len(tries) < 4:
            raise OperationalError("database is locked")
        return take_in(*args, **kwargs)

    monkeypatch.setattr(desks.intake, "take_in", locked)
    monkeypatch.setattr(desks.connection, "close", lambda: None)  # in memory, it would be the end of it
    desk_of(Told(waits, root)).commit([Notice("/tv/Show/a.mkv")], cursor=1)
    assert len(tries) == 4 and Hint.objects.count() == 1 and row().events == 1


def test_it_stops_waiting_when_it_is_to_end(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*args: Any, **kwargs: Any) -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(desks.intake, "take_in", locked)
    monkeypatch.setattr(desks.connection, "close", lambda: None)
    desk = desk_of(Told(waits, root))
    desk._stop.set()
    with pytest.raises(Stop):
        desk.commit([Notice("/tv/a.mkv")], cursor=1)
    assert row().cursor is None and desk.cursor is None


def test_a_cursor_is_never_stored_without_the_gap_before_it(root: Root) -> None:
    desk = desk_of(Told(waits, root))
    desk.gap("gap_expired")
    desk.look(root.pk, ["Show"])
    desk.commit(cursor="new")
    assert (row().behind, row().gaps, row().cursor) == ([root.pk], 1, "new")
    assert Hint.objects.get().path == "Show"


def test_it_keeps_what_cannot_be_written_and_writes_it_once(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(Told(waits, root))
    desk.look(root.pk, ["a"])
    desk.gap("gap_overflow")
    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(transaction, "atomic", lambda: (_ for _ in ()).throw(OperationalError("locked")))
        desk.flush()
    desk.look(root.pk, ["b"])
    for _ in range(2):
        desk.flush()
    assert sorted(Hint.objects.values_list("path", flat=True)) == ["a", "b"]
    assert (row().gaps, row().events) == (1, 2)


def test_a_feed_that_writes_long_holds_up_nobody(root: Root) -> None:
    desk = desk_of(Told(waits, root))
    desk.look(root.pk, ["a"])
    with desk._writing:
        desk.flush()
    assert not Hint.objects.exists()
    desk.flush()
    assert Hint.objects.exists()


def test_it_has_names_groups_and_whole_folders(root: Root) -> None:
    desk = desk_of(Told(waits, root))
    desk.look(root.pk, ["x"], [("y", "a.mkv")], group="g", deep=["z"])
    desk.look(root.pk + 1, ["of a root that is no more"])
    desk.flush()
    found = Hint.objects.order_by("path").values_list("path", "name", "group", "deep", "source")
    assert list(found) == [
        ("x", "", "g", False, "watch"),
        ("y", "a.mkv", "g", False, "watch"),
        ("z", "", "g", True, "watch"),
    ]


def test_it_shows_trouble_since_when_and_why_until_it_works() -> None:
    clock = FakeClock()
    desk = desk_of(Told(waits), clock)
    desk.fine(watches=3)
    desk.flush()
    began = row().since
    clock.advance(100)
    desk.fine(watches=4)
    desk.flush()
    assert (row().since, row().facts, row().ok_at) == (began, {"watches": 4}, clock.now())
    desk.trouble("feed_watch_limit", watched=3)
    desk.flush()
    assert (row().state, row().params, row().since) == ("trouble", {"watched": 3}, clock.now())
    desk._stop.set()
    assert desk.resting("quota", 60, account="a")
    desk.flush()
    assert (row().state, row().code, row().ok_at) == ("resting", "quota", clock.now())


def test_it_is_cheap_to_say_that_all_is_well(django_assert_num_queries: Any) -> None:
    clock = FakeClock()
    desk = desk_of(Told(waits), clock)
    desk.fine(watches=3)
    desk.flush()
    with django_assert_num_queries(0):
        for _ in range(9):
            clock.advance(1)
            desk.fine(watches=3)
            desk.flush()

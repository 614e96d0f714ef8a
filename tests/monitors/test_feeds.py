from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Permanent, Snooze, Stop, Transient
from mediasync.jobs.models import Job
from monitors import feeds
from monitors.feeds import lead, supervisor
from monitors.feeds.base import Desk
from monitors.hints.notices import Notice
from monitors.models import Account, FeedState, Hint, Root, WatchLease
from tests.monitors.feeding import Stage, Told, until, waits
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/tv")


@pytest.fixture
def stage() -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*told: Told) -> Stage:
        made.append(Stage(*told))
        return made[-1]

    with only_crawl():
        yield make
        for each in made:
            each.watcher.close()


def row() -> FeedState:
    return FeedState.objects.get()


def state_of(stage: Stage, wanted: str) -> FeedState:
    until(lambda: [stage.tick(), row().state == wanted][1])
    return row()


# -- The supervisor


def test_it_starts_a_feed_and_keeps_its_heartbeat(stage: Callable[..., Stage], root: Root) -> None:
    here = stage(Told(waits, root))
    first = state_of(here, "fine")
    assert (first.kind, first.key, first.root, first.starts) == ("told", f"root {root.pk}", root, 1)
    here.tick(supervisor.BEAT_SECONDS)
    assert row().beat_at == here.clock.now()
    here.feeds.clear()
    here.tick(5)
    assert not FeedState.objects.exists()  # it is no more


@pytest.mark.parametrize(
    ("error", "state", "code", "waits_for"),
    [
        (Transient(code="shaky"), "trouble", "shaky", 5),
        (Transient(code="shaky", retry_after=40), "trouble", "shaky", 40),
        (AccessDenied(code="refused"), "trouble", "refused", 5),
        (RuntimeError("oops"), "trouble", "feed_failed", 5),
        (OperationalError("locked"), "starting", "", 5),
        (None, "starting", "", 5),
    ],
)
def test_it_starts_anew_what_failed_or_ended(
    stage: Callable[..., Stage], error: Exception | None, state: str, code: str, waits_for: float
) -> None:
    def run(desk: Desk) -> None:
        if error:
            raise error

    feed = Told(run)
    here = stage(feed)
    here.tick()
    [runner] = here.supervisor.runners.values()
    until(lambda: not runner.thread.is_alive())
    here.tick()  # it is seen that it ended
    assert (row().state, row().code) == (state, code)
    here.tick(waits_for - 1)
    assert feed.runs == 1
    here.tick(1)
    until(lambda: feed.runs == 2)
    assert row().starts == 2


def test_it_sleeps_until_a_feed_may_go_on(stage: Callable[..., Stage]) -> None:
    def run(desk: Desk) -> None:
        raise Snooze("Quota spent.", until=here.clock.now() + dt.timedelta(hours=1), code="quota", account="a")

    feed = Told(run)
    here = stage(feed)
    found = state_of(here, "resting")
    assert (found.code, found.params["account"], found.params["error"]) == ("quota", "a", "Quota spent.")
    for _ in range(10):
        here.tick(300)
    assert feed.runs == 1
    for _ in range(4):
        here.tick(300)
    until(lambda: feed.runs == 2)
    assert row().state == "resting"  # until it works


def test_its_pauses_grow_and_begin_anew_after_it_has_worked(stage: Callable[..., Stage]) -> None:
    works = threading.Event()

    def run(desk: Desk) -> None:
        if works.is_set():
            waits(desk)
        raise Permanent(code="broken")

    feed = Told(run)
    here = stage(feed)
    here.tick()
    pauses = []
    [runner] = here.supervisor.runners.values()
    for _ in range(10):
        until(lambda: not runner.thread.is_alive())
        here.tick()
        pauses.append(runner.again_at - here.clock.monotonic())
        here.tick(pauses[-1])
    assert pauses[:3] == [5, 10, 20] and max(pauses) == pauses[-1] == supervisor.LONGEST_PAUSE
    works.set()
    until(lambda: [here.tick(1000), row().state == "fine"][1])
    works.clear()
    here.tick(supervisor.HEALTHY_AFTER)
    runner._ending.set()
    until(lambda: not runner.thread.is_alive())
    runner._ending.clear()
    here.tick()
    assert runner.again_at - here.clock.monotonic() == 5


def test_it_makes_another_feed_of_one_that_depends_on_other_things(stage: Callable[..., Stage]) -> None:
    old, new = Told(waits), Told(waits, depends="new")
    here = stage(old)
    state_of(here, "fine")
    here.feeds[:] = [new]
    here.tick(5)
    until(lambda: new.runs == 1)
    assert row().starts == 2 and len(here.supervisor.runners) == 1


def test_a_kind_that_cannot_say_what_there_should_be_keeps_its_feeds(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = stage(Told(waits))
    state_of(here, "fine")
    here.supervisor._kinds = {"told": lambda roots: 1 / 0}  # type: ignore[dict-item, return-value]
    for _ in range(3):
        here.tick(5)
    assert row().state == "fine" and len(here.supervisor.runners) == 1
    assert caplog.text.count("ZeroDivisionError") == 1


def test_a_person_can_restart_a_feed(stage: Callable[..., Stage]) -> None:
    feed = Told(waits)
    here = stage(feed)
    state_of(here, "fine")
    FeedState.objects.update(restart=True)
    here.tick()
    until(lambda: feed.runs == 2)
    assert (row().starts, row().restart) == (2, False)


def test_a_feed_that_hangs_holds_up_nobody_and_can_store_nothing_later(stage: Callable[..., Stage], root: Root) -> None:
    hangs, result = threading.Event(), []

    def run(desk: Desk) -> None:
        if feed.runs > 1:
            waits(desk)
        else:
            hangs.wait(60)  # hears nothing, not even that it is to end
            try:
                desk.commit([Notice("/tv/a.mkv")], cursor="old")
            except Stop as stop:
                result.append(stop)

    feed, other = Told(run, root), Told(waits)
    here = stage(feed, other)
    until(lambda: [here.tick(), FeedState.objects.filter(key="it", state="fine").exists()][1])
    FeedState.objects.filter(root=root).update(restart=True)
    here.tick()
    until(lambda: [here.tick(), FeedState.objects.get(root=root).state == "fine"][1])
    hangs.set()
    until(lambda: result)
    assert FeedState.objects.get(root=root).cursor is None and not Hint.objects.exists()


# -- Catching up, the lease, and which feed


def test_it_crawls_what_a_gap_names_once_however_often_it_is_named(stage: Callable[..., Stage], root: Root) -> None:
    other = Root.objects.create(name="Other", path="/other")
    off = Root.objects.create(name="Off", path="/off", enabled=False)

    def run(desk: Desk) -> None:
        for _ in range(100):
            desk.gap("gap_reconnect", [root.pk, other.pk, off.pk, 12345])
        waits(desk)

    here = stage(Told(run))
    state_of(here, "fine")
    here.tick()
    assert sorted(job.scope["root"] for job in Job.objects.all()) == [root.pk, other.pk]
    assert (row().behind, row().gaps) == ([], 100)


def test_it_does_not_lose_a_gap_when_it_is_killed(stage: Callable[..., Stage], root: Root) -> None:
    FeedState.objects.create(kind="told", key="it", behind=[root.pk])
    here = stage(Told(waits))
    here.tick()
    assert Job.objects.get().scope == {"root": root.pk}


def test_the_lease_is_taken_from_a_dead_watcher_of_this_host_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    assert lead.leader(clock) == "" and lead.lead(clock, "a/1/1") and lead.leader(clock) == "a/1/1"
    assert not lead.lead(clock, "b/1/1")
    monkeypatch.setattr(lead.boot, "known_dead", lambda owner: owner == "a/1/1")
    assert lead.leader(clock) == ""
    assert lead.lead(clock, "b/1/1") and WatchLease.objects.get().owner == "b/1/1"
    lead.resign("a/1/1")
    assert lead.leader(clock) == "b/1/1"
    clock.advance(31)
    assert lead.leader(clock) == ""


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({}, "inotify", "feed_local"),
        ({"path": "/proc/x"}, "inotify", "feed_local"),
        ({"watch": False}, "", "feed_off"),
        ({"feed": "polling"}, "polling", "feed_chosen"),
        ({"kind": "clouddrive"}, "clouddrive", "feed_by_account"),
        ({"kind": "gdrive"}, "drive_changes", "feed_by_account"),
        ({"kind": "gdrive", "feed": "drive_activity"}, "drive_activity", "feed_chosen"),
        ({"kind": "gdrive", "off": True}, "inotify", "feed_local"),
        ({"kind": "rclone"}, "inotify", "feed_local"),
        ({"kind": "rclone", "mounted": False}, "", "feed_not_mounted"),
    ],
)
def test_it_chooses_a_feed_and_says_why(options: dict[str, Any], kind: str, code: str) -> None:
    account = Account(name="A", kind=options.pop("kind", ""), enabled=not options.pop("off", False))
    root = Root(**{"path": "/tv", **options}, account=account if account.kind else None)
    assert feeds.choose(root) == (kind, code)
    assert feeds.why(root) and not feeds.why(root).startswith(code)


def test_it_polls_what_the_kernel_does_not_hear_of(monkeypatch: pytest.MonkeyPatch) -> None:
    from monitors.feeds import choosing
    from monitors.filesystems import Place

    monkeypatch.setattr(choosing, "place_of", lambda path: Place(b"/tv", "nfs4"))
    assert feeds.choose(Root(path="/tv")) == ("polling", "feed_remote") and "nfs4" in feeds.why(Root(path="/tv"))


def test_every_kind_of_feed_says_which_there_should_be() -> None:
    roots = list(Root.objects.all())
    assert all(list(wanted(roots)) == [] for wanted in feeds.KINDS.values())

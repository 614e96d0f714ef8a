from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import Transient
from monitors import guards
from monitors.feeds import choosing, hot, polling
from monitors.feeds.desk import FeedDesk
from monitors.feeds.polling import Polling, wanted
from monitors.filesystems import Place
from monitors.listers import lister_of
from monitors.models import Change, Directory, FeedState, Hint, HotFolder, Root
from tests.monitors.crawling import World
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


class Polled(World):
    """A crawled tree and the feed that polls it."""

    def __init__(self, top: Path, **options: Any) -> None:
        super().__init__(top, **{"feed": "polling", "two_looks": "at_once", **options})
        for show in "abcdef":
            self.write(f"{show}/1/x.mkv")
        self.crawl()
        self.row = FeedState.objects.create(kind="polling", key=f"root {self.root.pk}")
        self.renew()

    def renew(self) -> None:
        self.feed = Polling(Root.objects.get(), self.clock)
        self.desk = FeedDesk(self.feed, self.row, threading.Event(), self.clock)

    def cycle(self, seconds: float = 10) -> set[str]:
        """Run one cycle and return the folders that it told of."""
        Hint.objects.all().delete()
        self.clock.advance(seconds)
        with lister_of(self.feed._root).crew(lambda count: 0) as crew:
            self.feed.cycle(self.desk, crew)
        self.desk.flush()
        return set(Hint.objects.values_list("path", flat=True))

    def changed(self, folder: str) -> None:
        Change.objects.create(root=self.root, kind="added", path=f"{folder}/new.mkv")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Polled]:
    with only_crawl():
        yield Polled(tmp_path, poll_budget=30)  # five folders in ten seconds


def test_it_tells_of_what_differs_once_its_turn_comes(world: Polled) -> None:
    assert world.cycle() == set()
    world.write("f/1/new.mkv")
    found = [world.cycle() for _ in range(3)]  # 13 folders, of which root and a to e, at least, came before
    assert set.union(*found) == {"f/1"}
    world.crawl("f/1", shallow=True)
    assert [world.cycle() for _ in range(3)] == [set()] * 3


def test_it_tells_again_only_when_the_crawl_changed_something_or_after_long(world: Polled) -> None:
    world.write("a/1/new.mkv")
    assert set.union(*(world.cycle() for _ in range(9))) == {"a/1"}
    assert all(not world.cycle() for _ in range(6))
    world.clock.advance(polling.TELL_AGAIN_SECONDS)
    assert set.union(*(world.cycle() for _ in range(3))) == {"a/1"}


def test_it_tells_again_of_a_folder_that_was_listed_as_it_changed(world: Polled) -> None:
    """A crawl that lists it within the same tick of the clock keeps the time 0, however often it lists it."""
    Directory.objects.filter(path="a/1").update(mtime_ns=0)
    for _round in range(2):
        assert set.union(*(world.cycle() for _ in range(3))) == {"a/1"}


def test_it_keeps_to_the_budget(world: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    differ = Polling._differ

    def counting(self: Polling, desk: Any, crew: Any, known: Any) -> Any:
        asked.append(len(known))
        return differ(self, desk, crew, known)

    monkeypatch.setattr(Polling, "_differ", counting)
    world.changed("a/1")
    for _ in range(12):
        world.cycle()
    assert max(asked) == 5 and sum(asked) <= 60


def test_it_looks_more_often_at_what_changes_often(world: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: dict[bytes, int] = {}

    def counting(self: Polling, desk: Any, crew: Any, known: Any) -> Any:
        for each in known:
            looks[each[1]] = looks.get(each[1], 0) + 1
        return []

    monkeypatch.setattr(Polling, "_differ", counting)
    for n in range(40):
        if n < 8:
            world.changed("c/1")
        if n == 0:
            world.changed("e/1")
        world.cycle()
    cold = max(count for path, count in looks.items() if path[:1] not in (b"", b"c", b"e"))
    assert looks[b"c/1"] > 1.3 * cold and looks[b"e/1"] > cold
    assert len(looks) == 13 and min(looks.values()) >= 4  # the others are not forgotten


def test_it_learns_from_what_crawls_found_and_forgets_in_time(world: Polled) -> None:
    assert not HotFolder.objects.exists()
    world.changed("b/1")
    world.cycle()
    now = world.clock.now()
    assert hot.scores(world.root.pk, now) == {"b/1": 1.0, "b": 0.5}
    world.cycle()
    assert hot.scores(world.root.pk, now)["b/1"] == 1.0  # one change counts once
    world.renew()
    FeedState.objects.get()
    world.cycle()
    world.clock.advance(24 * 3600)
    assert 0.4 < hot.scores(world.root.pk, world.clock.now())["b/1"] < 1.1
    world.clock.advance(10 * 24 * 3600)
    hot.cool(world.root.pk, world.clock.now())
    assert not HotFolder.objects.exists()


def test_it_keeps_only_the_hottest(world: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "MOST", 3)
    for folder in ("a/1", "b/1", "b/1", "c/1"):
        world.changed(folder)
        hot.learn(world.root.pk, Change.objects.order_by("-pk")[0].pk - 1, world.clock.now())
    assert HotFolder.objects.count() == 3 and HotFolder.objects.filter(path="b/1").exists()


def test_it_remembers_what_it_learned(world: Polled) -> None:
    world.changed("b/1")
    world.cycle()
    world.row.refresh_from_db()
    assert world.row.cursor == Change.objects.get().pk
    world.renew()
    world.cycle()
    assert HotFolder.objects.get(path="b/1").score == 1.0


def test_it_lists_where_times_say_nothing(tmp_path: Path) -> None:
    world = Polled(tmp_path, directory_mtime_moves=False, poll_budget=600)
    mtime = os.stat(world.full("b/1")).st_mtime_ns
    world.write("b/1/new.mkv")
    os.utime(world.full("b/1"), ns=(mtime, mtime))
    assert world.cycle() == {"b/1"}
    assert world.cycle() == set()
    world.crawl("b/1", shallow=True)
    world.remove("b/1/new.mkv")
    os.utime(world.full("b/1"), ns=(mtime, mtime))
    assert world.cycle() == {"b/1"}


def test_it_says_what_it_does(world: Polled) -> None:
    world.cycle()
    feed = FeedState.objects.get()
    assert feed.state == "fine"
    assert feed.facts == {"folders": 13, "hot": 0, "budget": 30, "round_seconds": 26}


def test_of_a_mount_that_went_away_it_tells_nothing(world: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    down = guards.down("guard_hangs", seconds=20)
    monkeypatch.setattr(guards, "check", lambda root: down)
    world.write("a/new.mkv")
    with pytest.raises(Transient) as raised:
        for _ in range(3):
            world.cycle()
    assert (raised.value.code, raised.value.retry_after) == ("guard_hangs", polling.DOWN_SECONDS)
    assert not Hint.objects.exists() and Root.objects.get().guard == "down"


def test_it_ends_in_the_middle_of_a_cycle(world: Polled) -> None:
    world.write("a/new.mkv")
    world.desk._stop.set()
    assert [world.cycle() for _ in range(3)] == [set()] * 3


def test_it_leaves_unreadable_folders_to_crawls(world: Polled) -> None:
    Directory.objects.filter(path="a/1").update(error="permission_denied", mtime_ns=1)
    assert all(world.cycle() == set() for _ in range(4))


def test_it_runs_until_told_and_needs_a_root_that_is_there(world: Polled) -> None:
    world.desk._stop.set()
    world.feed.run(world.desk)
    assert FeedState.objects.get().state == "starting"
    os.rename(world.top, world.top.parent / "away")
    with pytest.raises(Transient) as raised:
        world.feed.run(world.desk)
    assert raised.value.code == "guard_missing"


def test_it_is_wanted_for_remote_roots_and_beside_feeds_that_lack_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Root.objects.create(name="Local", path="/disk")
    cloud = Root.objects.create(name="Cloud", path="/cloud")
    chosen = Root.objects.create(name="Chosen", path="/chosen", feed="polling")
    remote = Place(b"/cloud", "fuse.rclone")
    monkeypatch.setattr(choosing, "place_of", lambda path: remote if path == b"/cloud" else Place(b"/", "ext4"))

    def polled() -> set[str]:
        return {feed.name for feed in wanted([local, cloud, chosen])}

    assert polled() == {"Cloud", "Chosen"}
    state = FeedState.objects.create(kind="inotify", key="root 1", root=local, state="trouble", code="feed_watch_limit")
    assert polled() == {"Local", "Cloud", "Chosen"}
    state.code = ""
    state.save()
    assert polled() == {"Cloud", "Chosen"}


def test_it_follows_its_budget() -> None:
    root = Root(pk=1, path="/x")
    before = Polling(root, FakeClock()).depends
    root.poll_budget = 5
    assert Polling(root, FakeClock()).depends != before


def test_it_asks_a_lister_that_remembers_anew_in_each_cycle(world: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lister by an account keeps what a listing told it of the folders in it: that is for one crawl."""
    lister, forgot = lister_of(world.feed._root), list[int]()
    monkeypatch.setattr(type(lister), "forget", lambda self: forgot.append(1), raising=False)
    monkeypatch.setattr(polling, "lister_of", lambda root: lister)
    monkeypatch.setattr(Polling, "cycle", lambda self, desk, crew: None)
    rests = iter([False, False, True])
    monkeypatch.setattr(FeedDesk, "rest", lambda self, seconds: next(rests))
    world.feed.run(world.desk)
    assert len(forgot) == 3

"""What is missing: second looks, guards, and what comes back."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mediasync.core.errors import Permanent
from monitors import guards, held
from monitors.listers.local import Local
from monitors.models import Change, Directory, Root
from monitors.walk import Listing

from .crawling import Ctx, World, agrees, snapshot

pytestmark = pytest.mark.django_db


class Failing(Local):
    """A lister that cannot read some folders."""

    def __init__(self, world: World, *paths: str, code: int = errno.EACCES, remote: bool = False) -> None:
        super().__init__(os.fsencode(world.top), None, remote=remote, parallel=1)
        self.paths = {os.fsencode(path) for path in paths}
        self.code = code

    def listing(self, below: bytes) -> Listing:
        if below in self.paths:
            raise OSError(self.code, os.strerror(self.code))
        return super().listing(below)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, max_removed_ratio=0.2, max_removed_count=1000)
    for number in range(60):
        world.write(f"{number % 3}/{number}.mkv", number)
    world.crawl()
    return world


@pytest.fixture
def later(world: World) -> World:
    world.root.two_looks = Root.Settles.LATER
    world.root.save()
    return world


def test_a_remote_removal_waits_for_its_second_look(later: World) -> None:
    later.remove("0/3.mkv")
    assert later.crawl().seen == 1
    assert later.changes() == []
    assert later.changes("seen") == [("removed", "0/3.mkv")]
    assert "0/3.mkv" in snapshot(later.root)
    later.clock.advance(100)
    assert later.crawl().seen == 1
    later.clock.advance(250)
    summary = later.crawl()
    assert (summary.removed, summary.seen) == (1, 0)
    assert later.changes() == [("removed", "0/3.mkv")]
    assert agrees(later)


def test_what_is_back_at_the_second_look_was_never_gone(later: World) -> None:
    later.hide("0/3.mkv")
    later.crawl()
    later.unhide("0/3.mkv")
    later.clock.advance(400)
    assert later.crawl().dropped == 1
    assert later.changes() == []
    assert later.changes("dropped") == [("removed", "0/3.mkv")]
    assert agrees(later)


def test_a_failed_listing_is_no_second_look(later: World) -> None:
    later.remove("0/3.mkv")
    later.crawl()
    later.clock.advance(400)
    summary = later.crawl(lister=Failing(later, "0"))
    assert (summary.removed, summary.errors, summary.seen) == (0, 1, 1)
    assert Directory.objects.get(path="0").error == "permission_denied"
    assert later.crawl().removed == 1
    assert Directory.objects.get(path="0").error == ""
    assert agrees(later)


def test_a_move_needs_no_second_look(later: World) -> None:
    later.move("0/3.mkv", "1/three.mkv")
    assert later.crawl().moved == 1
    assert later.changes() == [("moved", "0/3.mkv → 1/three.mkv")]
    assert agrees(later)


def test_a_folder_that_waits_covers_what_waited_inside(later: World) -> None:
    later.root.max_removed_ratio = 1
    later.root.save()
    later.remove("0/3.mkv")
    later.crawl()
    os.rename(later.full("0"), later.full("../gone"))
    later.age()
    assert later.crawl().seen == 20
    later.clock.advance(400)
    assert later.crawl().removed == 20
    assert later.changes() == [("removed", "0")]
    assert agrees(later)


def test_too_many_removals_are_held(world: World) -> None:
    for number in range(0, 60, 2):
        world.remove(f"{number % 3}/{number}.mkv")
    world.write("0/new.mkv", 1)
    summary = world.crawl()
    assert (summary.held, summary.removed, summary.added) == (30, 0, 1)
    assert (world.root.guard, world.root.guard_code) == ("suspect", "guard_removed_share")
    assert world.root.files == 61
    assert len(world.changes("held")) == 30
    assert world.crawl().held == 0  # and not held twice
    assert len(world.changes("held")) == 30


def test_what_is_held_and_comes_back_is_dropped(world: World) -> None:
    os.rename(world.full("0"), world.full("../0"))
    world.age()
    os.rename(world.full("1"), world.full("../1"))
    world.age()
    assert world.crawl().held == 40
    assert world.changes("held") == [("removed", "0"), ("removed", "1")]
    for name in "01":
        os.rename(world.full("../" + name), world.full(name))
    os.utime(world.top)
    world.age()
    assert world.crawl().dropped == 2
    world.crawl()
    assert world.root.guard == "ok"
    assert agrees(world)


def test_what_lay_on_a_mount_below_is_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few files, so that neither share nor count would hold them."""
    monkeypatch.setattr(guards, "mounts_below", lambda path: ["0"])
    world.crawl()
    for number in range(0, 60, 15):
        world.remove(f"0/{number}.mkv")
    monkeypatch.setattr(guards, "mounts_below", lambda path: [])
    world.write("1/new.mkv")
    summary = world.crawl()
    assert (summary.removed, summary.held, summary.added) == (0, 4, 1)
    assert world.root.guard == "suspect"
    for number in range(0, 60, 15):
        world.write(f"0/{number}.mkv", number)
    monkeypatch.setattr(guards, "mounts_below", lambda path: ["0"])
    assert world.crawl().dropped == 4
    assert agrees(world) and world.root.guard == "ok"


def test_what_is_released_is_gone(world: World) -> None:
    os.rename(world.full("0"), world.full("../0"))
    os.rename(world.full("1"), world.full("../1"))
    world.age()
    world.crawl()
    pks = list(Change.objects.filter(state="held").values_list("pk", flat=True))
    assert held.settle(world.root, pks, held.look(world.root, pks), drop=False, actor="me")["released"] == 2
    world.root.refresh_from_db()
    world.crawl()
    assert world.changes() == [("removed", "0"), ("removed", "1")]
    assert set(snapshot(world.root)) == {"/", "2/"} | {f"2/{number}.mkv" for number in range(2, 60, 3)}


def test_a_folder_that_cannot_be_read_loses_nothing(world: World) -> None:
    before = snapshot(world.root)
    world.write("1/new.mkv")
    summary = world.crawl(full=True, lister=Failing(world, "0", code=errno.EIO))
    assert (summary.errors, summary.removed, summary.held, summary.added) == (1, 0, 0, 1)
    assert set(before) < set(snapshot(world.root))
    folder = Directory.objects.get(path="0")
    assert (folder.error, folder.dirty) == ("io_error", True)


def test_a_folder_below_one_that_cannot_be_read_is_not_removed(world: World) -> None:
    world.write("0/deep/x.mkv")
    world.crawl()
    os.rename(world.full("0/deep"), world.full("../deep"))
    world.age()
    summary = world.crawl(lister=Failing(world, "0"))
    assert (summary.removed, summary.seen, summary.held) == (0, 0, 0)
    assert world.crawl().removed == 1
    assert agrees(world)


def test_a_root_that_cannot_be_listed_fails_the_crawl(world: World) -> None:
    before = snapshot(world.root)
    with pytest.raises(Permanent) as caught:
        world.crawl(full=True, lister=Failing(world, ""))
    assert caught.value.code == "guard_unreadable"
    assert snapshot(world.root) == before


def test_a_mount_that_goes_away_during_the_crawl_removes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([guards.Verdict(), guards.down("guard_mount_gone", before="fuse", now="ext4")])
    monkeypatch.setattr(guards, "check", lambda root: next(verdicts))
    before = snapshot(world.root)
    world.hide("0/3.mkv")
    with pytest.raises(Permanent):
        world.crawl()
    assert snapshot(world.root) == before
    assert world.changes() == []
    monkeypatch.undo()
    world.unhide("0/3.mkv")
    assert world.crawl().dropped == 1
    assert world.changes() == []


def test_removals_wait_while_a_look_is_doubtful(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "check", lambda root: guards.suspect("guard_few_entries", entries=1, wanted=5))
    world.remove("0/3.mkv")
    world.write("0/new.mkv")
    summary = world.crawl(ctx=Ctx(world.clock))
    assert (summary.held, summary.added) == (1, 1)
    assert Change.objects.get(state="held").reason == "guard_few_entries"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOTCONN, errno.ENOENT])
def test_a_mount_that_goes_away_is_noticed_by_its_errors(
    world: World, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    before = snapshot(world.root)
    verdicts = iter([guards.Verdict(), guards.down("guard_unreadable", error="gone")])
    monkeypatch.setattr(guards, "check", lambda root: next(verdicts))
    with pytest.raises(Permanent):
        world.crawl(full=True, lister=Failing(world, "0", "1", "2", code=code))
    assert snapshot(world.root) == before
    assert Directory.objects.filter(error="", dirty=False).count() == 4
    assert (world.root.guard, world.changes()) == ("down", [])


def test_a_new_folder_that_seems_to_vanish_is_looked_for_again(world: World) -> None:
    world.write("3/sub/new.mkv")
    assert world.crawl(lister=Failing(world, "3/sub", code=errno.ENOENT)).added == 0
    assert world.crawl().added == 1
    assert world.changes() == [("added", "3/sub/new.mkv")]
    assert agrees(world)


def test_a_root_that_vanishes_before_its_first_listing_is_no_empty_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a/b.mkv")
    with pytest.raises(Permanent):
        world.crawl(lister=Failing(world, "", code=errno.ENOENT))
    assert world.root.baseline_at is None

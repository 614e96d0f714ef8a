"""From notices to what a crawl makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.jobs.models import Job
from monitors.hints import intake
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Change, Root
from monitors.run import Asked
from tests.monitors.crawling import OLD, World
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db
HOOK = Source("sonarr", "sonarr", debounce=0.0)


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in range(30):
        world.write(f"Show {number % 3}/Season 1/e{number}.mkv", number + 1)
    world.crawl()
    return world


def follow(world: World, *notices: Notice, source: Source = HOOK) -> None:
    """Take in notices (paths below the root), and crawl what the jobs that come of them ask for."""
    found = [
        Notice(f"{world.top}/{each.path}", each.change, each.is_dir, each.distrusted, each.group) for each in notices
    ]
    intake.take_in(found, source, clock=world.clock)
    for submitted in hints.settle(world.clock):
        scope = submitted.job.scope
        asked = {key: value for key, value in scope.items() if key not in ("root", "paths")}
        world.crawl(*scope["paths"], **asked)
        Job.objects.filter(pk=submitted.job.pk).update(state="completed")


def test_a_file_renamed_by_a_source_has_moved(world: World) -> None:
    world.move("Show 1/Season 1/e1.mkv", "Show 1 (2020)/Season 1/S01E01.mkv")
    old, new = "Show 1/Season 1/e1.mkv", "Show 1 (2020)/Season 1/S01E01.mkv"
    follow(world, Notice(old, "delete", group="1"), Notice(new, group="1"))
    assert world.changes() == [("moved", f"{old} → {new}")]


def test_a_folder_renamed_by_a_source_has_moved(world: World) -> None:
    os.rename(world.full("Show 1"), world.full("Show A"))
    world.age()
    follow(world, Notice("Show 1", "delete", is_dir=True, group="1"), Notice("Show A", is_dir=True, group="1"))
    assert world.changes() == [("moved", "Show 1 → Show A")]


@pytest.mark.parametrize(("kind", "found"), [("sonarr", [("modified", "Show 1/Season 1/e1.mkv")]), ("clouddrive", [])])
def test_only_a_hook_means_all_of_a_folder_that_is_known(world: World, kind: str, found: list[object]) -> None:
    world.write("Show 1/Season 1/e1.mkv", 99, OLD + 10**9)
    world.write("Show 1/Season 1/x", 1)
    world.remove("Show 1/Season 1/x")  # the folder has another time
    follow(world, Notice("Show 1", is_dir=True), source=Source("it", kind, debounce=0.0))
    assert world.changes() == found


def test_a_new_folder_is_crawled_with_all_below_it(world: World) -> None:
    world.write("New/Season 1/e1.mkv", 5)
    follow(world, Notice("New", is_dir=True), source=Source("it", "clouddrive", debounce=0.0))
    assert world.changes() == [("added", "New/Season 1/e1.mkv")]


def test_what_a_sender_misses_is_held(world: World) -> None:
    world.remove("Show 1/Season 1/e1.mkv")
    follow(world, Notice("Show 1/Season 1/e1.mkv", "delete", distrusted=True))
    assert world.changes() == []
    change = Change.objects.get()
    assert (change.state, change.reason, change.path) == ("held", "guard_distrusted", "Show 1/Season 1/e1.mkv")
    assert world.root.guard == Root.Guard.SUSPECT  # somebody should look
    world.crawl()
    assert Change.objects.get().state == "held"


def test_what_is_really_there_changes_nothing(world: World) -> None:
    follow(world, Notice("Show 1/Season 1/e1.mkv", "delete", distrusted=True))
    assert not Change.objects.exists() and world.root.guard == Root.Guard.OK


def test_what_comes_back_is_no_longer_held(world: World) -> None:
    world.hide("Show 1/Season 1/e1.mkv")
    follow(world, Notice("Show 1/Season 1/e1.mkv", "delete", distrusted=True))
    world.unhide("Show 1/Season 1/e1.mkv")
    world.crawl()
    assert Change.objects.get().state == "dropped"
    world.crawl()
    assert world.root.guard == Root.Guard.OK


def test_what_a_sender_misses_is_held_by_the_second_look_too(world: World) -> None:
    world.root.two_looks = Root.Settles.LATER
    world.root.save()
    world.remove("Show 1/Season 1/e1.mkv")
    world.remove("Show 2/Season 1/e2.mkv")
    follow(world, Notice("Show 1/Season 1/e1.mkv", "delete", distrusted=True))
    world.crawl()  # sees the other one
    world.clock.advance(400)
    world.crawl()
    assert world.changes() == [("removed", "Show 2/Season 1/e2.mkv")]
    assert world.changes("held") == [("removed", "Show 1/Season 1/e1.mkv")]


def test_a_move_is_believed_whoever_tells_of_it(world: World) -> None:
    old, new = "Show 1/Season 1/e1.mkv", "Show 1/Season 1/new.mkv"
    world.move(old, new)
    follow(world, Notice(old, "delete", distrusted=True))
    assert world.changes() == [("moved", f"{old} → {new}")]
    assert Change.objects.get().reason == ""


def test_other_removals_go_on_beside_what_is_held(world: World) -> None:
    world.remove("Show 1/Season 1/e1.mkv")
    world.remove("Show 2/Season 1/e2.mkv")
    follow(world, Notice("Show 1/Season 1/e1.mkv", "delete", distrusted=True))
    follow(world, Notice("Show 2/Season 1/e2.mkv", "delete"))
    assert world.changes() == [("removed", "Show 2/Season 1/e2.mkv")]
    assert Change.objects.filter(state="held").count() == 1


def test_a_crawl_takes_only_its_own_paths_for_deep(world: World) -> None:
    world.write("Show 1/Season 1/e99.mkv", 9)
    world.write("Show 2/Season 1/e98.mkv", 9)
    world.crawl("Show 1", "Show 2", shallow=True, deep=("Show 1",))
    assert world.changes() == [("added", "Show 1/Season 1/e99.mkv")]
    assert Asked().deep == ()

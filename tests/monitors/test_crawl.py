"""The crawl on a local disk: what it stores, and which changes it reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import Permanent, Stop
from monitors.crawl import crawl
from monitors.diff import compare
from monitors.models import Change, Directory, File, Root
from monitors.run import Asked
from monitors.services import remove_root

from .crawling import OLD, Ctx, World, agrees, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for film in ("A", "B"):
        for name in ("film.mkv", "film.nfo", "poster.jpg"):
            world.write(f"{film}/{name}", size=len(film + name))
    world.write("C/deep/er/x.mkv", 77)
    return world


def test_it_stores_everything_silently_at_first(world: World) -> None:
    summary = world.crawl()
    assert agrees(world)
    assert (summary.added, summary.files, summary.directories) == (7, 7, 6)
    assert world.changes() == []
    assert world.root.baseline_at == world.root.crawled_at == world.root.reconciled_at == world.clock.now()


def test_it_announces_the_first_crawl_when_asked(world: World) -> None:
    world.crawl(announce=True)
    assert len(world.changes()) == 7


def test_it_lists_nothing_when_nothing_moved(world: World) -> None:
    world.crawl()
    summary = world.crawl()
    assert (summary.directories, summary.listed, summary.added) == (6, 0, 0)


def test_it_reports_additions_with_old_times(world: World) -> None:
    world.crawl()
    world.write("A/film.srt", mtime=OLD - 10**18)
    world.write("D/E/new.mkv")
    assert world.crawl().added == 2
    assert world.changes() == [("added", "A/film.srt"), ("added", "D/E/new.mkv")]
    assert agrees(world)


def test_it_sees_a_change_in_place_only_in_a_full_crawl(world: World) -> None:
    world.crawl()
    world.write("A/film.mkv", size=99)
    assert world.crawl().modified == 0
    assert world.crawl(full=True).modified == 1
    assert world.changes() == [("modified", "A/film.mkv")]
    assert agrees(world)


def test_it_removes_what_is_gone_at_once(world: World) -> None:
    world.crawl()
    world.remove("A/film.nfo")
    summary = world.crawl()
    assert (summary.removed, summary.held, summary.seen) == (1, 0, 0)
    assert world.changes() == [("removed", "A/film.nfo")]
    assert agrees(world)
    assert world.crawl().listed == 1  # once more, to be sure
    assert world.crawl().listed == 0


def test_it_reports_a_folder_that_is_gone_as_one(world: World) -> None:
    world.crawl()
    for name in ("film.mkv", "film.nfo", "poster.jpg"):
        world.remove(f"B/{name}")
    os.rmdir(world.full("B"))
    world.age()
    assert world.crawl().removed == 3
    change = Change.objects.get(state=Change.State.NEW)
    assert (change.kind, change.path, change.is_dir, change.files, change.size) == ("removed", "B", True, 3, 29)
    assert agrees(world)


def test_it_says_nothing_of_a_folder_without_files(world: World) -> None:
    (world.top / "empty" / "er").mkdir(parents=True)
    world.age()
    world.crawl()
    (world.top / "empty" / "er").rmdir()
    (world.top / "empty").rmdir()
    world.age()
    world.crawl()
    assert Change.objects.count() == 0
    assert agrees(world)


def test_it_recognises_a_moved_file(world: World) -> None:
    world.crawl()
    world.move("A/film.mkv", "B/renamed.mkv")
    summary = world.crawl()
    assert (summary.moved, summary.added, summary.removed) == (1, 0, 0)
    assert world.changes() == [("moved", "A/film.mkv → B/renamed.mkv")]
    assert agrees(world)


def test_it_recognises_a_moved_folder_as_one(world: World) -> None:
    world.crawl()
    world.move("C", "Films/C (1999)")
    assert world.crawl().moved == 1
    assert world.changes() == [("moved", "C → Films/C (1999)")]
    change = Change.objects.get(state=Change.State.NEW)
    assert (change.is_dir, change.files) == (True, 1)
    assert agrees(world)


def test_it_tells_the_files_of_a_folder_that_was_torn_apart(world: World) -> None:
    world.crawl()
    world.move("B/film.mkv", "A/b.mkv")
    world.move("B/film.nfo", "D/b.nfo")
    world.remove("B/poster.jpg")
    os.rmdir(world.full("B"))
    world.age()
    summary = world.crawl()
    assert (summary.moved, summary.removed) == (2, 1)
    assert world.changes() == [
        ("moved", "B/film.mkv → A/b.mkv"),
        ("moved", "B/film.nfo → D/b.nfo"),
        ("removed", "B"),
    ]
    assert agrees(world)


def test_it_looks_only_at_the_paths_asked_for(world: World) -> None:
    world.crawl()
    world.write("A/new.mkv")
    world.write("B/new.mkv")
    summary = world.crawl("B")
    assert (summary.added, summary.directories) == (1, 1)
    assert world.changes() == [("added", "B/new.mkv")]
    assert world.crawl("A/new.mkv", "nowhere/at/all").added == 1
    assert agrees(world)


def test_a_shallow_crawl_lists_just_the_folders_named_and_what_is_new_in_them(world: World) -> None:
    world.write("A/known/old.mkv")
    world.crawl()
    world.write("A/known/unasked.mkv")
    world.write("A/new/deep/new.mkv")
    summary = world.crawl("A", shallow=True)
    assert (summary.added, summary.directories) == (1, 3)  # A, A/new, A/new/deep
    assert world.changes() == [("added", "A/new/deep/new.mkv")]


def test_it_finds_a_new_folder_through_the_nearest_known_one(world: World) -> None:
    world.crawl()
    world.write("D/E/F/new.mkv")
    world.write("A/unasked.mkv")
    world.crawl("D/E/F")
    assert world.changes() == [("added", "D/E/F/new.mkv")]


def test_it_crawls_everything_when_only_a_path_is_asked_first(world: World) -> None:
    world.crawl("A")
    assert agrees(world)


def test_it_takes_a_baseline_again_when_asked(world: World) -> None:
    world.crawl()
    world.write("A/new.mkv")
    world.remove("B/film.nfo")
    world.crawl(announce=False)
    assert Change.objects.count() == 0
    assert agrees(world)


@pytest.mark.parametrize("first", [True, False])
def test_it_writes_nothing_in_a_dry_run(world: World, first: bool) -> None:
    if not first:
        world.crawl()
        world.write("A/new.mkv")
        world.write("D/E/new.mkv", 12)
        world.remove("B/film.nfo")
        world.move("C", "D/C")
    before = snapshot(world.root)
    ctx = Ctx(world.clock)
    summary = world.crawl(ctx=ctx, dry_run=True)
    assert ctx.transactions == 0
    assert snapshot(world.root) == before
    found = (summary.added, summary.removed, summary.moved)
    assert found == ((7, 0, 0) if first else (2, 1, 1))
    assert Change.objects.count() == 0


def test_it_lists_folders_whose_mtime_says_nothing(world: World) -> None:
    world.root.directory_mtime_moves = False
    world.root.save()
    world.crawl()
    world.write("A/film.mkv", size=123)
    assert world.crawl().modified == 1


def test_it_lists_a_folder_again_that_changed_just_now(world: World) -> None:
    (world.top / "A" / "fresh.mkv").touch()
    world.crawl()
    assert Directory.objects.get(path="A").mtime_ns == 0
    assert world.crawl().listed == 1


def test_it_keeps_to_the_filter(world: World) -> None:
    world.root.kinds = ["video"]
    world.root.save()
    world.crawl()
    assert [path for path, facts in snapshot(world.root).items() if facts] == [
        "A/film.mkv",
        "B/film.mkv",
        "C/deep/er/x.mkv",
    ]


def test_it_removes_what_a_new_filter_leaves_out(world: World) -> None:
    world.crawl()
    world.root.exclude = ["*.nfo"]
    world.root.save()
    assert world.crawl(full=True).removed == 2
    assert world.changes() == [("removed", "A/film.nfo"), ("removed", "B/film.nfo")]


def test_a_file_takes_the_place_of_a_folder(world: World) -> None:
    world.crawl()
    world.move("B", "../b")
    world.write("B", 5)
    world.crawl()
    assert agrees(world)
    rows = list(Change.objects.order_by("id").values_list("kind", "path", "is_dir"))
    assert rows == [("removed", "B", True), ("added", "B", False)]


def test_a_folder_takes_the_place_of_a_file(world: World) -> None:
    world.crawl()
    world.remove("A/film.nfo")
    world.write("A/film.nfo/inside.mkv", 5)
    world.crawl()
    assert agrees(world)
    assert world.changes() == [("added", "A/film.nfo/inside.mkv"), ("removed", "A/film.nfo")]


def test_a_root_that_is_gone_changes_nothing(world: World) -> None:
    world.crawl()
    before = snapshot(world.root)
    world.top.rename(world.top.parent / "elsewhere")
    with pytest.raises(Permanent) as caught:
        world.crawl()
    assert caught.value.code == "guard_missing"
    assert snapshot(world.root) == before
    assert Change.objects.count() == 0
    world.root.refresh_from_db()
    assert world.root.guard == "down"


def test_a_first_crawl_of_one_folder_goes_on_with_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.exploring.FOLDERS", 2)
    monkeypatch.setattr("monitors.listers.inline.FOLDERS", 2)
    world = World(tmp_path)
    for number in range(9):
        world.write(f"{number}/film.mkv", number)
    ctx = Ctx(world.clock, stop_at=4)
    with pytest.raises(Stop):
        world.crawl("1", ctx=ctx)
    assert ctx.saved and not agrees(world)
    world.crawl("1", cursor=ctx.saved)
    assert agrees(world) and world.root.baseline_at


@pytest.mark.parametrize("silent", [True, False])
def test_a_root_that_is_removed_during_a_crawl_leaves_no_rows(
    world: World, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    """No key of the database ties a file to its folder."""
    world.crawl()
    world.write("A/more.mkv")

    def removed_meanwhile(*rows: Any, **more: Any) -> Any:
        for root in Root.objects.all():
            remove_root(root)
        return compare(*rows, **more)

    monkeypatch.setattr("monitors.looking.compare", removed_meanwhile)
    with pytest.raises(Permanent) as caught:
        crawl(world.root, Asked(announce=not silent), Ctx(world.clock))
    assert caught.value.code == "root_gone"
    assert not File.objects.exists() and not Directory.objects.exists() and not Change.objects.exists()


@pytest.mark.parametrize("first", range(1, 7))
def test_it_goes_on_after_a_stop_at_any_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr("monitors.exploring.FOLDERS", 2)
    monkeypatch.setattr("monitors.listers.inline.FOLDERS", 2)
    monkeypatch.setattr("monitors.looking.FOLDERS", 3)
    world = World(tmp_path)
    for number in range(30):
        world.write(f"{number % 3}/{number % 7}/{number}.mkv", number)
    stops, cursor = 0, None
    while True:
        ctx = Ctx(world.clock, stop_at=5 if stops else first)
        try:
            world.crawl(ctx=ctx, cursor=cursor)
        except Stop:
            stops += 1
            cursor = ctx.saved or cursor
        else:
            break
    assert stops
    assert agrees(world)
    assert world.changes() == []


def test_its_result_is_what_the_stage_gives(world: World) -> None:
    from monitors.stages import Crawl

    ctx: Any = Ctx(world.clock)
    ctx.job = ctx.job.__class__(1, "crawl", {"root": world.root.pk}, {}, "manual", "")
    item: Any = type("Item", (), {"cursor": None})()
    assert Crawl().run(item, ctx).result["added"] == 7  # type: ignore[union-attr]
    ctx.job = ctx.job.__class__(1, "crawl", {"root": 0}, {}, "manual", "")
    assert Crawl().run(item, ctx).reason == "root_gone"  # type: ignore[union-attr]


def test_a_move_is_seen_by_the_crawl_that_follows_a_killed_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.crawl()
    world.move("A/film.mkv", "B/renamed.mkv")
    monkeypatch.setattr("monitors.crawl.settle", lambda run: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        world.crawl()
    monkeypatch.undo()
    assert world.crawl().moved == 1
    assert world.changes() == [("moved", "A/film.mkv → B/renamed.mkv")]
    assert agrees(world)

"""A mount so slow that a crawl takes many slices: each slice must get somewhere, and list little twice."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import Stop
from monitors import run, snapshot
from monitors.listers import threads
from monitors.listers.local import Local
from monitors.models import Root
from monitors.walk import Listing

from .crawling import Ctx, World, agrees

pytestmark = pytest.mark.django_db
SHOWS, SEASONS = 30, 4


class Counting(Local):
    """A remote lister that takes its time and counts what is asked of it."""

    def __init__(self, world: World) -> None:
        super().__init__(os.fsencode(world.top), None, remote=True, parallel=2)
        self.asked: Counter[bytes] = Counter()

    def mtime(self, below: bytes) -> int:
        self.asked[below] += 1
        return super().mtime(below)

    def listing(self, below: bytes) -> Listing:
        self.asked[below] += 1
        time.sleep(0.005)  # else the threads would be done before anybody has looked at the first answer
        return super().listing(below)


class ShortSlice(Ctx):
    """The time is over at the third chance to go on from a cursor."""

    chances = 3

    def checkpoint(self, cursor: Any = None) -> None:
        if cursor is not None:
            self.saved = cursor
            self.chances -= 1
            if not self.chances:
                raise Stop


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(threads, "LONGEST", 0.0)  # as if two seconds had passed between any two answers
    monkeypatch.setattr(run, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(snapshot, "STEP", 5)
    world = World(tmp_path)
    for number in range(SHOWS * SEASONS):
        world.write(f"Show {number % SHOWS}/Season {number // SHOWS}/film.mkv", number)
    return world


def slices(
    world: World, lister: Counting, kind: type[ShortSlice] = ShortSlice, *, paths: tuple[str, ...] = (), **asked: Any
) -> int:
    """Crawl slice by slice; return how many it took."""
    count, cursor = 1, None
    while True:
        ctx = kind(world.clock)
        try:
            world.crawl(*paths, lister=lister, ctx=ctx, cursor=cursor, **asked)
        except Stop:
            count, cursor = count + 1, ctx.saved
            assert count < 1000, "it gets nowhere"
        else:
            return count


def test_a_first_crawl_lists_little_twice(world: World) -> None:
    lister = Counting(world)
    assert slices(world, lister) > 3
    assert agrees(world)
    del lister.asked[b""]  # the root is open to the end, so each slice lists it
    assert sum(lister.asked.values()) <= 4 * SHOWS * (SEASONS + 1)


@pytest.mark.parametrize("full", [False, True])
def test_a_later_crawl_asks_each_folder_about_once(world: World, full: bool) -> None:
    world.crawl()
    lister = Counting(world)
    assert slices(world, lister, full=full) >= SHOWS * SEASONS / 30
    assert sum(lister.asked.values()) <= 1.2 * SHOWS * (SEASONS + 1)
    assert agrees(world)


@pytest.mark.parametrize("moves", [False, True])
def test_a_crawl_of_some_folders_gets_somewhere_too(world: World, moves: bool) -> None:
    """Each slice has time for one step alone."""
    for number in range(5):
        world.write(f"Show 0/Season 0/Disc {number}/film.mkv")
    world.crawl()
    Root.objects.update(directory_mtime_moves=moves)
    world.root.refresh_from_db()
    world.write("Show 0/Season 0/Disc 3/new.mkv")
    world.write("Show 0/Season 9/Disc 1/new.mkv")
    world.forget_changes()
    lister, shortest = Counting(world), type("Shortest", (ShortSlice,), {"chances": 1})
    lister.step = 2  # type: ignore[attr-defined]
    assert slices(world, lister, shortest, paths=("Show 0", "Show 1")) > 5
    assert agrees(world)
    assert [path for _, path in world.changes()] == ["Show 0/Season 0/Disc 3/new.mkv", "Show 0/Season 9/Disc 1/new.mkv"]
    assert max(lister.asked.values()) <= 3

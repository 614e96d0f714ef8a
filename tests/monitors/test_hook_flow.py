"""From the call to what a crawl finds: a rename told by any kind of hook is a move, a doubtful removal is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mediasync.jobs.models import Job
from monitors.hints import services as hints
from monitors.hooks import payloads
from monitors.hooks import services as hooks
from monitors.models import Payload
from tests.monitors.crawling import World
from tests.monitors.kinds import only_crawl
from tests.monitors.settling import until_rested

pytestmark = pytest.mark.django_db
OLD, NEW = "Show/Season 1/e1.mkv", "Show (2020)/Season 01/S01E01.mkv"


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in range(10):
        world.write(f"Show/Season 1/e{number}.mkv", number + 1)
    world.crawl()
    return world


def tell(world: World, kind: str, body: dict[str, Any]) -> Payload:
    """Call a hook, parse, settle, and crawl what the jobs ask for."""
    hook = hooks.add_hook("it", kind, debounce=0.0)
    assert Client().post(hooks.url_of(hook), body, content_type="application/json").status_code == 200
    payloads.parse_waiting(world.clock)
    found = hints.settle(world.clock)
    until_rested()
    for submitted in found + hints.settle(world.clock):
        scope = submitted.job.scope
        world.crawl(*scope["paths"], **{key: value for key, value in scope.items() if key not in ("root", "paths")})
        Job.objects.filter(pk=submitted.job.pk).update(state="completed")
    return Payload.objects.get()


def bodies(top: str, old: str, new: str) -> dict[str, dict[str, Any]]:
    """Return how each kind tells of a rename."""
    name = new.rpartition("/")[2]
    before, folder = f"{top}/{old}", f"{top}/{new}".removesuffix(f"/{name}")
    moved = {"previousPath": before, "relativePath": name, "path": f"{folder}/{name}"}
    drive = {"action": "rename", "is_dir": "false", "source_file": before, "destination_file": f"{folder}/{name}"}
    return {
        "sonarr": {"eventType": "Rename", "series": {"path": folder}, "renamedEpisodeFiles": [moved]},
        "radarr": {"eventType": "Rename", "movie": {"folderPath": folder}, "renamedMovieFiles": [moved]},
        "lidarr": {"eventType": "Rename", "artist": {"path": folder}, "renamedTrackFiles": [moved]},
        "readarr": {"eventType": "Rename", "author": {"path": folder}, "renamedBookFiles": [moved]},
        "clouddrive2": {"data": [drive]},
        "generic": {"old_path": before, "new_path": f"{folder}/{name}"},
        "autopulse": {"created": [f"{folder}/{name}"], "deleted": [before]},
    }


@pytest.mark.parametrize("kind", bodies("", "a", "b/c"))
def test_a_file_that_was_renamed_has_moved(world: World, kind: str) -> None:
    world.move(OLD, NEW)
    row = tell(world, kind, bodies(str(world.top), OLD, NEW)[kind])
    assert (row.state, row.hints) == ("done", 2)
    assert world.changes() == [("moved", f"{OLD} → {NEW}")]


@pytest.mark.parametrize("kind", ["clouddrive2", "atrain"])
def test_a_folder_that_was_renamed_has_moved(world: World, kind: str) -> None:
    Path(world.top, "Show").rename(Path(world.top, "Other"))
    world.age()
    old, new = f"{world.top}/Show", f"{world.top}/Other"
    item = {"action": "rename", "is_dir": "true", "source_file": old, "destination_file": new}
    tell(world, kind, {"clouddrive2": {"data": [item]}, "atrain": {"created": [new], "deleted": [old]}}[kind])
    assert world.changes() == [("moved", "Show → Other")]


def test_what_an_arr_only_misses_is_held(world: World) -> None:
    world.remove(OLD)
    file = {"relativePath": "Season 1/e1.mkv"}
    body = {"eventType": "EpisodeFileDelete", "series": {"path": f"{world.top}/Show"}, "episodeFile": file}
    tell(world, "sonarr", body | {"deleteReason": "missingFromDisk"})
    assert world.changes() == []
    assert world.changes("held") == [("removed", OLD)]


def test_a_deleted_series_that_is_still_there_loses_nothing(world: World) -> None:
    tell(world, "sonarr", {"eventType": "SeriesDelete", "series": {"path": f"{world.top}/Show"}, "deletedFiles": True})
    assert world.changes() == []

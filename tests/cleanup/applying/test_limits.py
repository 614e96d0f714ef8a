"""Disks that are full or elsewhere, odd names, and what a running Plex allows."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from cleanup import services
from cleanup.choices import Outcome
from cleanup.manifest import Manifest
from cleanup.models import PlanRow, Run
from cleanup.plexdata.pms import Signs
from cleanup.plexdata.safe import Root
from cleanup.quarantine import place

from .world import World


def test_a_full_disk_pauses_the_run_and_it_goes_on_when_there_is_room(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    original, moved = Root.rename, [0]

    def full(self: Root, rel: str, other: Root, to: str) -> None:
        moved[0] += 1
        if moved[0] > 5:
            raise OSError(errno.ENOSPC, "full")
        original(self, rel, other, to)

    with monkeypatch.context() as patch:
        patch.setattr(Root, "rename", full)
        run = world.apply(run)
    assert world.job is not None and world.job.state == "paused" and world.job.reason_code == "cleanup_quarantine_full"
    assert world.outcomes(run)["quarantined"] == 5
    assert not world.lost()
    from mediasync.jobs.choices import Source
    from mediasync.jobs.drain import drain
    from mediasync.jobs.services import resume

    resume(world.job, actor="test", source=Source.CLI)
    assert drain(world.job.pk).state == "completed"
    assert world.outcomes(Run.objects.get()).get("planned", 0) == 0


def test_plex_running_allows_only_what_the_policy_says(world: World, signs: dict[str, Signs]) -> None:
    run = world.accepted()
    signs["now"] = Signs(True, ("identity",), True)
    world.apply(run)
    assert world.job is not None and world.job.state == "paused" and world.job.reason_code == "cleanup_plex_runs"
    assert world.there("film poster unused")


def test_plex_that_cannot_be_asked_counts_as_busy(world: World, signs: dict[str, Signs]) -> None:
    run = world.accepted("movie:1")
    signs["now"] = Signs(True, ("open",))
    tree = world.tree()
    world.apply(run)
    assert world.job is not None and world.job.reason_code == "cleanup_plex_unknown"
    assert tree.items() <= world.tree().items()


def test_cached_pictures_may_go_while_plex_runs(world: World, signs: dict[str, Signs]) -> None:
    signs["now"] = Signs(True, ("open",))
    run = world.apply(None, "cache")
    assert run.state == "applied"
    assert not world.there("cache 400") and world.there("cache 1")


def test_a_busy_plex_is_asked_again_later(world: World, signs: dict[str, Signs]) -> None:
    run = world.accepted("movie:1")
    signs["now"] = Signs(True, ("identity",), True, busy=True)
    job = world.until_it_sleeps(services.apply(run, actor="test"))
    assert job.state == "scheduled" and job.reason_code == "cleanup_plex_busy"
    assert world.there("film poster unused")


def test_a_quarantine_on_another_file_system_is_copied_and_compared(world: World) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == world.root.stat().st_dev:
        pytest.skip("there is no second file system")
    place_ = other / f"mediasync-apply-{os.getpid()}"
    world.folder.quarantine_path = str(place_)
    world.folder.save()
    try:
        tree, values = world.tree(), world.values()
        run = world.apply()
        assert run.state == "applied" and run.quarantine.startswith(str(place_)), world.job and world.job.__dict__
        assert world.outcomes(run)["quarantined"] > 20 and not world.outcomes(run).get("error")
        copied = PlanRow.objects.filter(run=run, outcome=Outcome.QUARANTINED, action="file").exclude(sha1="")
        assert copied.count() > 10
        run = world.restore(run)
        assert run.state == "restored"
        assert world.tree() == tree and world.values() == values
    finally:
        subprocess.run(["rm", "-rf", str(place_)], check=True)


def test_names_that_are_not_utf8_or_very_long_go_and_come_back(world: World) -> None:
    orphan = os.path.join(os.fsencode(world.root), os.fsencode(world.sample.paths["orphan Movies"]), b"Contents")
    names = [(orphan, b"\xff\xfe"), (orphan, b"%" * 255), (orphan, "\u00fc\n\udc80".encode("utf-8", "surrogatepass"))]
    for folder, name in names:
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(b"\xff\xd8\xff" + b"x" * 2000)
        os.utime(path, (time.time() - 90 * 86400,) * 2)
    tree = world.tree()
    run = world.apply()
    assert [name for folder, name in names if os.path.lexists(os.path.join(folder, name))] == []
    assert world.restore(run).state == "restored"
    assert world.tree() == tree


def test_places_in_the_quarantine_are_all_different() -> None:
    base = "Metadata/Movies/a/" + "b" * 39 + ".bundle"
    paths = [
        f"{base}/Contents/x",
        f"{base}/Contents%2Fx",
        f"{base}%2FContents/x",
        f"{base}/Contents/x%",
        f"{base}/" + "y/" * 120,
    ]
    assert len({place("data", path) for path in paths}) == len(paths)
    assert all(len(place("data", path).rpartition("/")[2].encode()) <= 255 for path in paths)


def test_nothing_is_moved_where_the_manifest_cannot_be_written(world: World, monkeypatch: Any) -> None:
    run = world.accepted("movie:1")
    tree = world.tree()

    def full(self: Manifest, lines: Any) -> None:
        if lines:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Manifest, "lines", full)
    world.apply(run)
    assert world.job is not None and world.job.reason_code == "cleanup_quarantine_full"
    assert tree.items() <= world.tree().items()

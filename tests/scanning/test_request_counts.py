"""How many requests many changes become, counted at each kind of server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.jobs import services as jobs
from mediasync.jobs.models import Job
from monitors.models import Change, Directory, File, Root
from scanning.models import ScanRequest

from .helpers import Clock, FakeClient, make_server, run

pytestmark = pytest.mark.django_db
CHANGES, FOLDERS, KINDS = 5000, 800, ("plex", "emby", "jellyfin")


def tell(root: Root, clock: Clock) -> None:
    run(jobs.submit("scan", {"root": root.pk}).job.pk, clock)
    for job in Job.objects.filter(kind="deliver").order_by("id"):
        run(job.pk, clock)


def counts(clients: dict[str, FakeClient]) -> dict[str, int]:
    return {kind: len(clients[kind].calls) for kind in KINDS}


def make(paths: list[str], *, old: bool, top: str = "/srv/tv") -> Root:
    """Make a root that has these files, and changes that tell of them; ``old``: beside files that were there."""
    root = Root.objects.create(name="media", path=top)
    above_all = Directory.objects.create(root=root, path="")
    folders: dict[str, Directory] = {}
    for path in paths:
        above, folder = above_all, ""
        for name in path.split("/")[:-1]:
            folder = f"{folder}/{name}" if folder else name
            if folder not in folders:
                folders[folder] = Directory.objects.create(root=root, path=folder, parent_id=above.pk)
                if old:
                    File.objects.create(directory=folders[folder], name="old.mkv", size=1, mtime_ns=1)
            above = folders[folder]
    rows = [File(directory=folders[path.rpartition("/")[0]], name=path.rpartition("/")[2]) for path in paths]
    for row in rows:
        row.size = row.mtime_ns = 1
    File.objects.bulk_create(rows)
    Change.objects.bulk_create(Change(root=root, path=path, kind="added", state="linked", files=1) for path in paths)
    return root


def test_new_episodes_in_seasons_that_are_known(clients: dict[str, FakeClient], clock: Clock) -> None:
    for kind in KINDS:
        make_server(kind, pace=0)
    seasons = [f"Show {n // 8}/Season {n % 8}" for n in range(FOLDERS)]
    tell(make([f"{seasons[n * FOLDERS // CHANGES]}/{n}.mkv" for n in range(CHANGES)], old=True), clock)
    assert counts(clients) == {"plex": 800, "emby": 10, "jellyfin": 10}
    assert {kind: len(set(clients[kind].asked)) for kind in KINDS} == {"plex": 800, "emby": 5000, "jellyfin": 5000}
    assert set(ScanRequest.objects.values_list("state", "attempts", "top_level")) == {("sent", 1, False)}


def test_more_than_ten_seasons_of_a_show_are_one_scan_of_plex(clients: dict[str, FakeClient], clock: Clock) -> None:
    for kind in KINDS:
        make_server(kind, pace=0)
    seasons = [f"Show {n // 16}/Season {n % 16}" for n in range(FOLDERS)]
    tell(make([f"{seasons[n * FOLDERS // CHANGES]}/{n}.mkv" for n in range(CHANGES)], old=True), clock)
    assert counts(clients) == {"plex": 50, "emby": 10, "jellyfin": 10}


def test_new_folders_of_films(clients: dict[str, FakeClient], clock: Clock) -> None:
    for kind in KINDS:
        make_server(kind, pace=0)
    tell(make([f"Film {n * FOLDERS // CHANGES}/{n}.mkv" for n in range(CHANGES)], old=False), clock)
    assert counts(clients) == {"plex": 800, "emby": 10, "jellyfin": 2}  # one look of Jellyfin through the location
    jellyfin = ScanRequest.objects.filter(server__kind="jellyfin")
    assert (jellyfin.count(), jellyfin.filter(top_level=True).count()) == (800, 800)


@pytest.mark.parametrize("kind", KINDS)
def test_upgrades_are_one_scan_each(kind: str, clients: dict[str, FakeClient], clock: Clock, tmp_path: Path) -> None:
    make_server(kind, paths=[str(tmp_path)])
    root = make([f"Film {n}/new.mkv" for n in range(20)], old=False, top=str(tmp_path))
    for number in range(20):
        (tmp_path / f"Film {number}").mkdir()
    Change.objects.bulk_create(
        Change(root=root, path=f"Film {n}/old.mkv", kind="removed", state="linked", files=1) for n in range(20)
    )
    tell(root, clock)
    assert len(clients[kind].calls) == (20 if kind == "plex" else 1)
    assert not ScanRequest.objects.filter(top_level=True).exists()
    named = [target.path for call in clients[kind].calls for target in call]
    assert len(named) == len(set(named)) == (20 if kind == "plex" else 40)

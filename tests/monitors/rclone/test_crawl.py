from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import MediasyncError, UsageError
from monitors.crawl import crawl
from monitors.models import Change, Directory, File, Root
from monitors.run import Asked, Summary
from monitors.services import add_root
from tests.monitors.crawling import Ctx, on_disk, snapshot

from .daemon import Daemon

# Threads of a crawl ask the database for the account's limit.
pytestmark = pytest.mark.django_db(transaction=True)
OLD = 1_600_000_000 * 10**9


class Cloud:
    """A root that is listed through rclone's remote control, mounted or not."""

    def __init__(self, daemon: Daemon, behind: Path, path: Path, **fields: Any) -> None:
        self.top, self.clock, self.ticks = behind / "TV", FakeClock(), 0
        account = daemon.account()
        fields = {"lister": "rclone", "remote_path": "loc:TV", "two_looks": "at_once", **fields}
        self.root = Root.objects.create(name="TV", path=str(path), account=account, **fields)

    def crawl(self, *paths: str, **asked: Any) -> Summary:
        self.age()
        self.clock.advance(1)
        try:
            return crawl(self.root, Asked(paths=paths, **asked), Ctx(self.clock))
        finally:
            self.root.refresh_from_db()

    def age(self) -> None:
        """Give what is new an old time that nothing had before."""
        for folder, _, names in os.walk(self.top, topdown=False):
            for each in [folder, *(os.path.join(folder, name) for name in names)]:
                if os.stat(each).st_mtime_ns > OLD + 10**15:
                    self.ticks += 1
                    os.utime(each, ns=(OLD, OLD + self.ticks * 10**6))

    def agrees(self) -> bool:
        return snapshot(self.root) == on_disk(self.top)


@pytest.fixture(params=[True, False], ids=["mounted", "unmounted"])
def cloud(
    request: pytest.FixtureRequest, mounted: Daemon, behind: Path, point: Path, tmp_path: Path
) -> Iterator[Cloud]:
    made = Cloud(mounted, behind, point / "TV" if request.param else tmp_path / "not/here", mounted=request.param)
    for n in range(30):
        (behind / f"TV/Show/{n}").mkdir()
        (behind / f"TV/Show/{n}/x.mkv").write_bytes(b"x" * (n + 1))
    yield made


def test_it_follows_the_cloud_past_the_cache_of_the_mount(cloud: Cloud) -> None:
    cloud.crawl()
    assert cloud.agrees() and cloud.root.files == 31
    (cloud.top / "Show/3/y.mkv").write_bytes(b"yy")
    (cloud.top / "Show/5/x.mkv").unlink()
    (cloud.top / "Film").mkdir()
    (cloud.top / "Film/z.mkv").write_bytes(b"zzz")
    summary = cloud.crawl()
    assert summary.listed < 10  # folders of which the times moved, and the root
    cloud.crawl()
    assert cloud.agrees()
    found = set(Change.objects.filter(state="new").values_list("kind", "path"))
    assert found == {("added", "Show/3/y.mkv"), ("added", "Film/z.mkv"), ("removed", "Show/5/x.mkv")}


def test_a_renamed_folder_has_moved(cloud: Cloud) -> None:
    cloud.crawl()
    (cloud.top / "Show").rename(cloud.top / "The Show")
    cloud.crawl()
    assert cloud.agrees()
    (change,) = Change.objects.filter(state="new")
    assert (change.kind, change.old_path, change.path, change.files) == ("moved", "Show", "The Show", 31)


def test_a_dead_rclone_proves_nothing(cloud: Cloud, mounted: Daemon) -> None:
    cloud.crawl()
    before = snapshot(cloud.root)
    mounted.kill()
    for asked in ({}, {"full": True}):
        with pytest.raises(MediasyncError):
            cloud.crawl(**asked)
    assert snapshot(cloud.root) == before and not Change.objects.exists()
    assert cloud.root.guard == ("down" if cloud.root.mounted else cloud.root.guard)


def test_one_that_dies_in_the_middle_of_a_crawl_removes_nothing(cloud: Cloud, mounted: Daemon) -> None:
    cloud.crawl()
    files = File.objects.count()

    class Kills(Ctx):
        def progress(self, text: str = "", **more: Any) -> None:
            if mounted.process.poll() is None:
                mounted.kill()

    with suppress(MediasyncError):
        crawl(cloud.root, Asked(full=True), Kills(cloud.clock))
    assert File.objects.count() == files and not Change.objects.exclude(state="seen").exists()
    assert Directory.objects.count() == 32


def test_where_the_times_of_folders_tell_nothing_each_crawl_lists_all(cloud: Cloud) -> None:
    Root.objects.update(directory_mtime_moves=False)
    cloud.root.refresh_from_db()
    cloud.crawl()
    stat = (cloud.top / "Show/7").stat()
    (cloud.top / "Show/7/y.mkv").write_bytes(b"y")
    os.utime(cloud.top / "Show/7", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert cloud.crawl().added == 1


class Cached(Cloud):
    """A root that is listed through a mount which remembers folders for an hour."""

    def __init__(self, daemon: Daemon, behind: Path, point: Path) -> None:
        super().__init__(daemon, behind, point / "TV", lister="local")


def test_what_a_crawl_is_asked_for_is_read_anew(mounted: Daemon, behind: Path, point: Path) -> None:
    cloud = Cached(mounted, behind, point)
    (cloud.top / "Show/b.mkv").write_bytes(b"b")
    (cloud.top / "Old").mkdir()
    cloud.crawl()
    assert cloud.agrees()
    (cloud.top / "Show/a.mkv").unlink()
    (cloud.top / "Show/b.mkv").write_bytes(b"better")
    (cloud.top / "Show").rename(cloud.top / "Old/Show")
    assert cloud.crawl().modified == 0  # as the mount shows it
    cloud.crawl("", "Old")
    assert cloud.agrees()
    found = set(Change.objects.filter(state="new").values_list("kind", "old_path", "path"))
    assert found == {("added", "", "Old/Show/b.mkv"), ("removed", "", "Show")}


def test_a_folder_renamed_behind_a_mount_has_moved(mounted: Daemon, behind: Path, point: Path) -> None:
    cloud = Cached(mounted, behind, point)
    (cloud.top / "Old").mkdir()
    cloud.crawl()
    (cloud.top / "Show").rename(cloud.top / "Old/Show")
    cloud.crawl("", "Old")
    (change,) = Change.objects.filter(state="new")
    assert (change.kind, change.old_path, change.path) == ("moved", "Show", "Old/Show")


def test_a_cache_that_cannot_be_refreshed_is_listed_as_it_is_and_said(
    mounted: Daemon, behind: Path, point: Path
) -> None:
    cloud = Cached(mounted, behind, point)
    cloud.crawl()
    assert cloud.root.account is not None
    cloud.root.account.options["fs"] = "nobody:"
    said = []

    class Listens(Ctx):
        def log(self, code: str, level: Any = None, **params: Any) -> None:
            said.append((code, params["error"]))

    summary = crawl(cloud.root, Asked(paths=("Show", "")), Listens(cloud.clock))
    assert summary.errors == 0
    ((code, error),) = said
    assert code == "not_freshened" and "nobody:" in error


def test_what_was_found_past_the_mount_is_shown_by_it(mounted: Daemon, behind: Path, point: Path) -> None:
    cloud = Cloud(mounted, behind, point / "TV")
    cloud.crawl()
    assert not (point / "TV/Film").exists()
    (cloud.top / "Film").mkdir()
    (cloud.top / "Film/z.mkv").write_bytes(b"z")
    cloud.crawl()
    assert (point / "TV/Film/z.mkv").exists()


def test_a_root_in_the_cloud_alone_can_be_added_if_it_exists(daemon: Daemon, behind: Path, tmp_path: Path) -> None:
    account = daemon.account()
    options: dict[str, Any] = {"lister": "rclone", "account": account, "mounted": False, "crawl": False}
    for wrong in ("loc:Nowhere", "ghost:TV", "loc:TV/Show/a.mkv", ""):
        with pytest.raises(UsageError):
            add_root(str(tmp_path / "films"), remote_path=wrong, **options)
    root = add_root(str(tmp_path / "films"), remote_path="loc:TV", **options)
    crawl(root, Asked(), Ctx(FakeClock()))
    assert list(File.objects.values_list("name", flat=True)) == ["a.mkv"]

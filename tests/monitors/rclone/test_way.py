"""From a file in the cloud behind a real rclone mount, by a hint, to the folder that a server is asked to scan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.jobs.choices import TERMINAL, JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors.hints import services as hints
from monitors.hints.intake import take_in
from monitors.hints.notices import Notice, Source
from monitors.models import Change, Hint, Root
from monitors.services import request_crawl
from scanning.models import ScanRequest
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library

from .daemon import Daemon, until

pytestmark = pytest.mark.django_db(transaction=True)
SONARR = Source("sonarr", "sonarr", debounce=0)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask early what the server knows, but not before the kernel has forgotten a name (1 s)."""
    monkeypatch.setattr("scanning.verifying.FIRST", {"plex": 2.0})


@pytest.fixture
def plex(point: Path) -> Iterator[FakePlex]:
    with FakePlex([Library("TV", "show", [f"{point}/TV"])]) as fake:
        server = Server(name="plex", kind="plex", url=fake.url, debounce=0, root_window=0, pace=0)
        servers.save(server, token=fake.token)
        servers.load_libraries(server)
        fake.exchanges.clear()
        yield fake


@pytest.fixture
def root(mounted: Daemon, point: Path, plex: FakePlex) -> Root:
    made = Root.objects.create(
        name="TV", path=f"{point}/TV", account=mounted.account(), remote_path="loc:TV", two_looks="at_once"
    )
    request_crawl(made)
    run_all()
    return made


def run_all() -> None:
    while rows := list(Job.objects.exclude(state__in=TERMINAL)):
        for each in rows:
            assert drain(each.pk, threads=False).state == JobState.COMPLETED


def follow(*notices: Notice) -> None:
    """Take in what a source says and let it settle: whatever it waits for is real, only the pauses are not."""
    clock = FakeClock(dt.datetime.now(dt.UTC))
    take_in(notices, SONARR, clock=clock)

    def settled() -> bool:
        clock.advance(2)
        hints.settle(clock)
        return not Hint.objects.filter(state="waiting").exists()

    until(settled)
    run_all()


def asked(plex: FakePlex) -> list[str]:
    return [request.value("path") for request in plex.requests if request.path.endswith("/refresh")]


def test_what_the_mount_does_not_show_yet_is_made_visible_and_scanned(
    root: Root,
    behind: Path,
    point: Path,
    plex: FakePlex,
) -> None:
    (behind / "TV/New/Season 1").mkdir(parents=True)
    (behind / "TV/New/Season 1/e1.mkv").write_bytes(b"x")
    assert not (point / "TV/New").exists()
    follow(Notice(f"{point}/TV/New/Season 1/e1.mkv"))
    assert list(Change.objects.values_list("kind", "path")) == [("added", "New/Season 1/e1.mkv")]
    assert asked(plex) == [f"{point}/TV/New/Season 1"]


def test_a_folder_renamed_in_the_cloud_has_moved(root: Root, behind: Path, point: Path, plex: FakePlex) -> None:
    (behind / "TV/Show").rename(behind / "TV/The Show")
    old = Notice(f"{point}/TV/Show", "delete", is_dir=True, group="1")
    follow(old, Notice(f"{point}/TV/The Show", is_dir=True, group="1"))
    (change,) = Change.objects.all()
    assert (change.kind, change.old_path, change.path) == ("moved", "Show", "The Show")
    assert asked(plex)
    assert set(ScanRequest.objects.values_list("state", flat=True)) == {"verified", "gone"}


def test_what_was_removed_in_the_cloud_is_seen_past_the_cache(root: Root, behind: Path, point: Path) -> None:
    (behind / "TV/Show/b.mkv").write_bytes(b"b")
    follow(Notice(f"{point}/TV/Show/b.mkv"))
    (behind / "TV/Show/b.mkv").unlink()
    assert (point / "TV/Show/b.mkv").exists()
    follow(Notice(f"{point}/TV/Show/b.mkv", "delete"))
    assert Change.objects.filter(kind="removed", path="Show/b.mkv", state="told").exists()

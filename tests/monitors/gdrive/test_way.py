"""From a change in Google Drive to the folder that a server is asked to scan; the mount is a folder that follows it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import UsageError
from mediasync.jobs.choices import TERMINAL, JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors.accounts.gdrive_client import Drive
from monitors.feeds import KINDS
from monitors.feeds.drive_activity import DriveActivity
from monitors.feeds.drive_changes import DriveChanges
from monitors.feeds.supervisor import Supervisor
from monitors.hints import services as hints
from monitors.models import Account, Change, FeedState, Hint, Root
from monitors.services import request_crawl
from scanning.models import ScanRequest
from tests.fakes.gdrive import FakeDrive
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library
from tests.monitors.feeding import until

from .conftest import Bench

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs be what they are, but ask at once what the server knows."""
    monkeypatch.setattr("scanning.verifying.FIRST", {"plex": 0.0})


@pytest.fixture
def plex(mirror: Path) -> Iterator[FakePlex]:
    with FakePlex([Library("TV", "show", [f"{mirror}/TV"])]) as fake:
        server = Server(name="plex", kind="plex", url=fake.url, debounce=0, root_window=0, pace=0)
        servers.save(server, token=fake.token)
        servers.load_libraries(server)
        yield fake


@pytest.fixture
def show(fake: FakeDrive) -> str:
    folder = fake.tree.folder("Show", fake.tree.folder("TV"))
    fake.tree.add("e1.mkv", folder)
    return folder


@pytest.fixture(params=["drive_changes", "drive_activity"])
def bench(request: pytest.FixtureRequest, account: Account, make_root: Callable[..., Root], show: str) -> Bench:
    root = make_root("TV", feed=request.param, two_looks="at_once")
    changes = request.param == "drive_changes"
    bench = Bench(DriveChanges(account, [root]) if changes else DriveActivity(account, root))
    bench.clock = FakeClock(dt.datetime.now(dt.UTC))
    bench.sit()
    bench.turn()
    for root_id in bench.gaps():
        request_crawl(Root.objects.get(pk=root_id))
    run_all()
    assert not Change.objects.exists()
    return bench


def run_all() -> None:
    while rows := list(Job.objects.exclude(state__in=TERMINAL)):
        for each in rows:
            assert drain(each.pk, threads=False).state == JobState.COMPLETED


def follow(bench: Bench, fake: FakeDrive) -> None:
    """Let the feed ask, and its hints settle."""
    fake.tree.now = max(fake.tree.now, bench.clock.now())
    bench.clock.advance(60)
    bench.turn()

    def settled() -> bool:
        bench.clock.advance(2)
        hints.settle(bench.clock)
        return not Hint.objects.filter(state="waiting").exists()

    until(settled)
    run_all()


def test_a_folder_renamed_in_the_drive_has_moved(bench: Bench, fake: FakeDrive, show: str, plex: FakePlex) -> None:
    fake.tree.now = bench.clock.now()
    fake.tree.rename(show, "The Show")
    follow(bench, fake)
    (change,) = Change.objects.all()
    assert (change.kind, change.old_path, change.path) == ("moved", "Show", "The Show")
    scans = [request.value("path") for request in plex.requests if request.path.endswith("/refresh")]
    assert scans and all(path.startswith(str(fake.tree.mirror)) for path in scans)
    assert set(ScanRequest.objects.values_list("state", flat=True)) == {"verified", "gone"}


def test_what_comes_goes_and_changes_in_the_drive_is_found(bench: Bench, fake: FakeDrive, show: str) -> None:
    fake.tree.now = bench.clock.now()
    season = fake.tree.folder("S02", show)
    episode = fake.tree.add("AC/DC.mkv", season)
    follow(bench, fake)
    fake.tree.now = bench.clock.now()
    fake.tree.edit(episode)
    follow(bench, fake)
    fake.tree.now = bench.clock.now()
    fake.tree.trash(season)
    follow(bench, fake)
    found = list(Change.objects.order_by("id").values_list("kind", "path"))
    assert found == [("added", "Show/S02/AC／DC.mkv"), ("modified", "Show/S02/AC／DC.mkv"), ("removed", "Show/S02")]


def test_the_supervisor_runs_it(fake: FakeDrive, account: Account, make_root: Callable[..., Root], show: str) -> None:
    make_root("TV", feed="auto")
    supervisor = Supervisor(kinds={"drive_changes": KINDS["drive_changes"]})
    try:
        supervisor.sync()
        until(lambda: FeedState.objects.exclude(behind=[]).exists())
        supervisor.flush()
        row = FeedState.objects.get()
        assert row.behind and row.kind == "drive_changes" and row.key == f"account {account.pk}"
    finally:
        supervisor.close()


def test_it_says_what_to_install(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_auth_httplib2", None)
    with pytest.raises(UsageError, match="EXTRAS=gdrive"):
        Drive(account).top()

"""What is removed behind a real mount that remembers folders, and of which nobody can ask it anything."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from monitors.hints import services as hints
from monitors.hints.intake import take_in
from monitors.hints.notices import Notice, Source
from monitors.models import Change, Hint, Root
from monitors.services import request_crawl
from tests.monitors.settling import until_rested

from .daemon import Daemon, until

pytestmark = pytest.mark.django_db(transaction=True)
SONARR = Source("sonarr", "sonarr", debounce=0)


@pytest.fixture(autouse=True)
def rested() -> Iterator[None]:
    yield
    until_rested()


@pytest.fixture
def root(mounted: Daemon, point: Path) -> Root:
    made = Root.objects.create(name="TV", path=f"{point}/TV", two_looks="at_once")
    crawl(request_crawl(made).job.pk)
    return made


def crawl(job: int) -> None:
    assert drain(job, threads=False).state == "completed"


class Rounds:
    """What the watcher does, with a clock that only we move."""

    def __init__(self) -> None:
        self.clock = FakeClock(dt.datetime.now(dt.UTC))

    def next(self, seconds: float = 0.0) -> str:
        """Look until all hints have been looked at, crawl, and return what the one that waits waits for."""
        self.clock.advance(seconds)
        until(self.looked)
        for job in Job.objects.filter(state="queued", kind="sync").values_list("pk", flat=True):
            crawl(job)
        return ", ".join(Hint.objects.filter(state="waiting").values_list("code", flat=True))

    def looked(self) -> bool:
        hints.settle(self.clock)
        until_rested()
        return not Hint.objects.filter(state="waiting", due_at__lte=self.clock.now()).exists()


def test_it_waits_until_the_mount_has_forgotten(root: Root, mounted: Daemon, behind: Path, point: Path) -> None:
    os.listdir(point / "TV/Show")
    (behind / "TV/Show/a.mkv").unlink()
    rounds = Rounds()
    take_in([Notice(f"{point}/TV/Show/a.mkv", "delete")], SONARR, clock=rounds.clock)
    assert rounds.next() == "hint_still_there" == rounds.next(2)
    mounted.process.send_signal(signal.SIGHUP)  # as if its time were up
    until(lambda: not (point / "TV/Show/a.mkv").exists())
    assert rounds.next(5) == ""
    assert list(Change.objects.values_list("kind", "path", "state")) == [("removed", "Show/a.mkv", "told")]
    assert Hint.objects.get().code == ""


def test_it_looks_anyway_at_a_mount_that_never_forgets(root: Root, behind: Path, point: Path) -> None:
    os.listdir(point / "TV/Show")
    (behind / "TV/Show/a.mkv").unlink()
    rounds = Rounds()
    take_in([Notice(f"{point}/TV/Show/a.mkv", "delete")], SONARR, clock=rounds.clock)
    while rounds.next(60):
        assert Hint.objects.get().code == "hint_still_there"
    assert Hint.objects.get().code == "hint_not_gone" and Hint.objects.get().job_id
    assert not Change.objects.exists()


def test_a_rename_behind_the_mount_is_a_move_once_it_shows(
    root: Root, mounted: Daemon, behind: Path, point: Path
) -> None:
    os.listdir(point / "TV/Show")
    (behind / "TV/Other").mkdir()
    (behind / "TV/Show/a.mkv").rename(behind / "TV/Other/b.mkv")
    rounds = Rounds()
    halves = [Notice(f"{point}/TV/Show/a.mkv", "delete", group="1"), Notice(f"{point}/TV/Other/b.mkv", group="1")]
    take_in(halves, SONARR, clock=rounds.clock)
    assert set(rounds.next().split(", ")) == {"hint_still_there", "hint_unseen"}
    mounted.process.send_signal(signal.SIGHUP)
    until(lambda: (point / "TV/Other/b.mkv").exists() and not (point / "TV/Show/a.mkv").exists())
    rounds.next(2)
    rounds.next(10)
    assert list(Change.objects.values_list("kind", "old_path", "path")) == [("moved", "Show/a.mkv", "Other/b.mkv")]

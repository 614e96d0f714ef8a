"""The watcher over a real FUSE mount, that of rclone: what it hears there, and what a mount that hangs holds up."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock, system
from monitors import feeds, guards
from monitors.crawl import crawl
from monitors.feeds import kernel, polling, selftest, watch
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher
from monitors.models import FeedState, Hint, Root
from monitors.run import Asked
from tests.monitors.crawling import Ctx
from tests.monitors.feeding import running, until, write
from tests.monitors.kinds import only_crawl
from tests.monitors.rclone.daemon import BINARIES, Daemon

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Daemon]:
    if not Path("/dev/fuse").exists() or not BINARIES["debian"].exists():
        pytest.skip("/dev/fuse and rclone are needed for a real mount")
    for name in ("behind/Show", "cloud", "disk/Film"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "behind/Show/a.mkv").write_text("x")
    try:
        with Daemon(BINARIES["debian"], tmp_path, tmp_path / "behind", tmp_path / "cloud") as running:
            yield running
            running.process.send_signal(signal.SIGCONT)
    finally:
        subprocess.run(["fusermount3", "-uz", str(tmp_path / "cloud")], capture_output=True, check=False)


@pytest.fixture
def roots(mount: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Root, Root]]:
    """A root on the mount and one on a disk, both watched."""
    monkeypatch.setattr(guards, "PROBE_SECONDS", 2.0)
    monkeypatch.setattr(polling, "CYCLE_SECONDS", 0.5)
    monkeypatch.setattr(polling, "DOWN_SECONDS", 2.0)
    monkeypatch.setattr(watch, "GUARDS_SECONDS", 2.0)
    made = [
        Root.objects.create(name=name, path=str(tmp_path / name), poll_budget=6000, minimum_entries=0)
        for name in ("cloud", "disk")
    ]
    for root in made:
        crawl(root, Asked(), Ctx(FakeClock()))
    kinds = {"inotify": kernel.wanted, "polling": polling.wanted}
    with only_crawl(), running(Watcher(system, Supervisor(system, kinds))):
        until(lambda: FeedState.objects.filter(state="fine").count() == 2)
        yield made[0], made[1]


def hinted(root: Root) -> set[str]:
    return set(Hint.objects.filter(root=root).values_list("path", flat=True))


def test_a_mount_is_polled_and_one_that_hangs_holds_up_no_other(
    mount: Daemon, roots: tuple[Root, Root], tmp_path: Path
) -> None:
    cloud, disk = roots
    assert feeds.choose(cloud) == ("polling", "feed_remote") and feeds.choose(disk) == ("inotify", "feed_local")
    (tmp_path / "cloud/Show/b.mkv").write_text("x")
    until(lambda: "Show" in hinted(cloud))
    tested = selftest.run(cloud)
    assert tested.code in ("test_time_moves", "test_time_rests") and not list((tmp_path / "behind").glob(".media*"))

    mount.process.send_signal(signal.SIGSTOP)
    write(FeedState.objects.filter(root=cloud), restart=True)
    until(lambda: FeedState.objects.get(root=cloud).code == "guard_hangs")
    assert Root.objects.get(pk=cloud.pk).guard == "down"
    (tmp_path / "disk/Film/x.mkv").write_text("x")
    until(lambda: "Film" in hinted(disk))

    mount.process.send_signal(signal.SIGCONT)
    until(lambda: Root.objects.get(pk=cloud.pk).guard == "ok", 120)
    until(lambda: FeedState.objects.get(root=cloud).state == "fine", 120)

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from mediasync.core.clock import FakeClock
from mediasync.core.errors import Permanent
from mediasync.jobs.models import Event, Job
from monitors import feeds, services
from monitors.accounts import rclone_mounts as mounts
from monitors.accounts.gdrive import GDRIVE
from monitors.feeds import rclone_mount
from monitors.feeds.rclone_mount import EVERY, MountWatch
from monitors.feeds.supervisor import Supervisor
from monitors.models import Account, Change, FeedState, File, Root
from tests.monitors.crawling import Ctx
from tests.monitors.kinds import only_crawl

from .daemon import Daemon, make_account, until

pytestmark = pytest.mark.django_db


class Desk:
    """Remembers what a feed says; ``rest`` waits a moment for real things and then lets the clock jump."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.said: list[Any] = []

    def rest(self, seconds: float) -> bool:
        time.sleep(min(seconds, 0.5))
        self.clock.advance(seconds)
        return False

    def fine(self, **facts: Any) -> None:
        self.said.append(("fine", facts))

    def trouble(self, code: str, **params: Any) -> None:
        self.said.append((code, params))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def jobs() -> Iterator[None]:
    with only_crawl():
        yield


def make_root(account: Account, path: Path | str, name: str = "TV", **fields: Any) -> Root:
    return Root.objects.create(name=name, path=str(path), account=account, remote_path="loc:TV", **fields)


def feed(clock: FakeClock) -> MountWatch:
    (found,) = rclone_mount.wanted(list(Root.objects.select_related("account")))
    assert isinstance(found, MountWatch)
    found.clock = clock
    return found


def codes() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("code", flat=True))


def crawl(root: Root, clock: FakeClock) -> None:
    from monitors.crawl import crawl
    from monitors.run import Asked

    root.refresh_from_db()
    crawl(root, Asked(), Ctx(clock))


def test_there_is_one_for_each_account_with_a_mount(tmp_path: Path) -> None:
    account, other = make_account("http://127.0.0.1:1"), Account.objects.create(name="b", kind="gdrive")
    make_root(account, tmp_path / "a", "a")
    make_root(account, tmp_path / "b", "b")
    make_root(account, tmp_path / "c", "c", mounted=False)
    make_root(other, tmp_path / "d", "d")
    Root.objects.create(name="e", path=str(tmp_path / "e"))
    roots = list(Root.objects.select_related("account"))
    (found,) = feeds.KINDS["rclone_mount"](roots)
    assert (found.key, found.account_id, len(found.root_ids)) == (f"account {account.pk}", account.pk, 2)
    depends = found.depends
    account.options["mount_point"] = "/elsewhere"
    account.save()
    (found,) = rclone_mount.wanted(list(Root.objects.select_related("account")))
    assert found.depends != depends
    Account.objects.update(enabled=False)
    assert not list(rclone_mount.wanted(list(Root.objects.select_related("account"))))


def test_the_mount_of_a_drive_is_watched_through_the_rclone_that_it_names(
    mounted: Daemon, binary: Path, behind: Path, point: Path, clock: FakeClock, jobs: None
) -> None:
    command = f"{binary} mount {behind} {point} --daemon --config /dev/null"
    rclone = mounted.account(mount_point=str(point), remount="command", command=command)
    drive = Account.objects.create(name="Drive", kind="gdrive", options={"mounted_by": rclone.name})
    root = make_root(drive, point / "TV", feed="drive_changes")
    crawl(root, clock)
    watch, desk = feed(clock), Desk(clock)
    assert (watch.account, watch.root_ids) == (rclone, (root.pk,))
    watch.look(desk)
    mounted.kill()
    watch.look(desk)
    root.refresh_from_db()
    assert root.guard == "down"
    clock.advance(rclone_mount.PAUSE)
    watch.look(desk)
    root.refresh_from_db()
    assert root.guard == "ok" and (point / "TV/Show/a.mkv").exists()


@pytest.mark.parametrize("keeper", ["gone", "off"])
def test_a_drive_does_without_an_rclone_account_that_is_gone_or_off(tmp_path: Path, keeper: str) -> None:
    off = make_account("http://127.0.0.1:1")
    Account.objects.filter(pk=off.pk).update(name="off", enabled=False)
    drive = Account.objects.create(name="Drive", kind="gdrive", options={"mounted_by": keeper})
    root = make_root(drive, tmp_path)
    assert not list(rclone_mount.wanted([root]))
    assert services.check_guard(root).ok
    with pytest.raises(Permanent) as raised:
        GDRIVE.nudge(root, "")  # type: ignore[misc]
    assert raised.value.code == "drive_no_keeper"


def test_it_says_that_it_knows_no_mount(clock: FakeClock, tmp_path: Path) -> None:
    make_root(make_account("http://127.0.0.1:1"), tmp_path)
    desk = Desk(clock)
    assert feed(clock).look(desk) == EVERY
    assert desk.said == [("rclone_no_point", {})]


def test_a_lost_mount_is_known_mounted_again_and_looked_at(
    mounted: Daemon, binary: Path, behind: Path, point: Path, clock: FakeClock, jobs: None
) -> None:
    command = f"{binary} mount {behind} {point} --daemon --config /dev/null"
    account = mounted.account(mount_point=str(point), remount="command", command=command, unmount_stale=True)
    root = make_root(account, point / "TV")
    crawl(root, clock)
    watch, desk = feed(clock), Desk(clock)
    assert watch.look(desk) == EVERY
    assert desk.said.pop() == ("fine", {"mounts": str(point)})

    mounted.kill()
    assert watch.look(desk) <= rclone_mount.PAUSE
    root.refresh_from_db()
    assert root.guard == "down" and desk.said[-1] == ("rclone_stale", {"point": str(point)})
    assert (File.objects.count(), Change.objects.count(), Job.objects.count()) == (1, 0, 0)

    clock.advance(rclone_mount.PAUSE)
    watch.look(desk)
    root.refresh_from_db()
    assert root.guard == "ok" and desk.said[-1] == ("fine", {"mounts": str(point)})
    assert codes() == ["guard_unreadable", "rclone_mounted", "guard_ok"]
    assert Job.objects.get().scope == {"root": root.pk}  # what happened meanwhile is looked at
    (behind / "TV/Show/b.mkv").write_bytes(b"x")
    assert (point / "TV/Show/b.mkv").exists()


def test_it_is_mounted_again_by_rclone(daemon: Daemon, point: Path, clock: FakeClock, jobs: None) -> None:
    account = daemon.account(mount_point=str(point), remount="rc", fs="loc:")
    mounts.mount_again(account, str(point), lambda seconds: False)
    root = make_root(account, point / "TV")
    crawl(root, clock)
    watch, desk = feed(clock), Desk(clock)
    watch.look(desk)
    subprocess.run(["fusermount3", "-u", str(point)], check=True)
    watch.look(desk)
    root.refresh_from_db()
    assert (root.guard, root.guard_code) == ("down", "guard_mount_gone")
    clock.advance(rclone_mount.PAUSE)
    watch.look(desk)
    root.refresh_from_db()
    assert root.guard == "ok" and os.path.ismount(point)


def test_it_tries_less_and_less_often_and_tells_the_same_reason_once(
    mounted: Daemon, point: Path, clock: FakeClock
) -> None:
    account = mounted.account(mount_point=str(point), remount="command", command="sh -c 'echo no net; exit 1'")
    make_root(account, point / "TV")
    watch, desk = feed(clock), Desk(clock)
    watch.look(desk)
    mounted.kill()
    tries = []
    for _ in range(200):
        clock.advance(watch.look(desk))
        tries.append(watch.points[str(point)].tries)
    assert tries[-1] in range(6, 12)  # in 50 minutes
    assert codes().count("rclone_mount_failed") == 1
    code, params = desk.said[-1]
    assert code == "rclone_mount_failed" and "no net" in params["error"] and params["point"] == str(point)


def test_it_only_says_so_where_nothing_is_to_be_done(
    mounted: Daemon, binary: Path, behind: Path, point: Path, tmp_path: Path, clock: FakeClock, jobs: None
) -> None:
    root = make_root(mounted.account(), point / "TV")  # its mount point is seen, not said
    crawl(root, clock)
    watch, desk = feed(clock), Desk(clock)
    watch.look(desk)
    mounted.kill()
    for _ in range(3):
        assert watch.look(desk) == EVERY
    assert desk.said[-1] == ("rclone_stale", {"point": str(point)})
    mounts.clear(str(point))
    assert watch.look(desk) == EVERY and desk.said[-1] == ("rclone_lost", {"point": str(point)})
    with Daemon(binary, tmp_path, behind, point):
        watch.look(desk)
        root.refresh_from_db()
        assert root.guard == "ok"
        assert codes()[-2:] == ["rclone_back", "guard_ok"]
        services.check_guard(root)


def test_a_mount_that_hangs_is_left_alone(
    mounted: Daemon, point: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitors.guards.PROBE_SECONDS", 0.5)
    account = mounted.account(mount_point=str(point), remount="command", command="false")
    make_root(account, point / "TV")
    watch, desk = feed(clock), Desk(clock)
    watch.look(desk)
    mounted.process.send_signal(19)  # SIGSTOP
    try:
        for _ in range(3):
            clock.advance(watch.look(desk))
        assert desk.said[-1] == ("rclone_hangs", {"point": str(point)})
        assert watch.points[str(point)].tries == 0
    finally:
        mounted.process.send_signal(18)


@pytest.mark.django_db(transaction=True)
def test_the_watcher_has_it_mounted_again(
    mounted: Daemon, binary: Path, behind: Path, point: Path, jobs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rclone_mount, "EVERY", 0.2)
    monkeypatch.setattr(rclone_mount, "PAUSE", 0.2)
    command = f"{binary} mount {behind} {point} --daemon --config /dev/null"
    account = mounted.account(mount_point=str(point), remount="command", command=command)
    make_root(account, point / "TV")
    supervisor = Supervisor(kinds={"rclone_mount": feeds.KINDS["rclone_mount"]})

    def fine() -> bool:
        with suppress(OperationalError):  # the database of tests does not wait for other threads
            supervisor.sync()
            supervisor.flush()
            return FeedState.objects.filter(kind="rclone_mount", account=account, state="fine").exists()
        return False

    try:
        until(fine)
        mounted.kill()
        until(lambda: fine() and mounts.state_of(str(point)) == "there")
        assert (point / "TV/Show/a.mkv").exists()
    finally:
        until(lambda: closed(supervisor))


def closed(supervisor: Supervisor) -> bool:
    with suppress(OperationalError):
        supervisor.close()
    return not supervisor.runners

"""CloudDrive2's push messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clouddrive2_client.proto import clouddrive_pb2 as pb
from google.protobuf import json_format

from mediasync.core.clock import system
from mediasync.core.errors import AccessDenied, MediasyncError, Snooze, Unreachable
from monitors.accounts.clouddrive_rpc import Push, _push
from monitors.accounts.secrets import set_secrets
from monitors.feeds import clouddrive as feed
from monitors.feeds.desk import FeedDesk
from monitors.hints.notices import Notice
from monitors.models import Account, FeedState, Hint, Root
from tests.fakes.clouddrive import FakeCloudDrive
from tests.monitors.feeding import until

from .clouds import Far, make_account

RECORDED = Path(__file__).resolve().parents[4] / "shared/fixtures/clouddrive2/derived_push_messages.json"
CREATE, DELETE, RENAME = 0, 1, 2


class Paper:
    """A desk that only writes down."""

    cursor = None

    def __init__(self) -> None:
        self.end = threading.Event()
        self.notices: list[Notice] = []
        self.gaps: list[str] = []
        self.fines = 0

    def rest(self, seconds: float) -> bool:
        return self.end.wait(seconds)

    def commit(self, notices: Iterable[Notice] = (), **_more: Any) -> None:
        self.notices += notices

    def gap(self, code: str, root_ids: Iterable[int] | None = None) -> None:
        self.gaps.append(code)

    def fine(self, **facts: Any) -> None:
        self.fines += 1


class Running:
    """A feed in a thread."""

    def __init__(self, account: Account, desk: Any, roots: list[Root]) -> None:
        self.desk = desk
        self.error: Any = None
        self.feed = feed.PushFeed(account, roots)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        from django.db import connections

        try:
            self.feed.run(self.desk)
        except MediasyncError as error:
            self.error = error
        finally:
            connections.close_all()

    def ended(self) -> Any:
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.error


@contextmanager
def hearing(cloud: FakeCloudDrive, account: Account, roots: Iterable[Root] = ()) -> Iterator[tuple[Paper, Running]]:
    desk = Paper()
    run = Running(account, desk, list(roots))
    try:
        until(lambda: (desk.fines and cloud.listeners) or not run.thread.is_alive())
        yield desk, run
    finally:
        desk.end.set()
        run.ended()


def test_it_tells_of_what_is_made_removed_and_renamed(cloud: FakeCloudDrive, account: Account) -> None:
    with hearing(cloud, account) as (desk, _):
        assert desk.gaps == ["feed_connected"]
        cloud.push_change("/115/TV/A/new.mkv")
        cloud.push_change("/115/TV/A/old.mkv", kind=DELETE)
        cloud.push_change("/115/TV/A", kind=RENAME, is_dir=True, new="/115/TV/A (2020)")
        cloud.push(messageType=1)
        until(lambda: len(desk.notices) == 4)
    made, gone, old, new = desk.notices
    assert (made.path, made.change, made.is_dir) == ("/115/TV/A/new.mkv", "upsert", False)
    assert (gone.path, gone.change) == ("/115/TV/A/old.mkv", "delete")
    assert (old.path, old.change, old.is_dir) == ("/115/TV/A", "delete", True)
    assert (new.path, new.change, new.is_dir) == ("/115/TV/A (2020)", "upsert", True)
    assert old.group == new.group != ""


def test_it_ends_when_clouddrive2_does(cloud: FakeCloudDrive, account: Account) -> None:
    with hearing(cloud, account) as (_, run):
        cloud.push(messageType=3)
        assert run.ended() is None


def test_a_cut_stream_is_an_error_and_the_next_one_a_gap(cloud: FakeCloudDrive, account: Account) -> None:
    with hearing(cloud, account) as (desk, run):
        cloud.push_change("/115/TV/A/new.mkv")
        cloud.cut_pushes()
        assert isinstance(run.ended(), Unreachable)
        assert [notice.path for notice in desk.notices] == ["/115/TV/A/new.mkv"]  # what was heard is kept
    with hearing(cloud, account) as (desk, _):
        assert desk.gaps == ["feed_connected"]


def test_it_is_an_error_when_nobody_is_there(cloud: FakeCloudDrive, account: Account) -> None:
    cloud.stop()
    run = Running(account, Paper(), [])
    assert isinstance(run.ended(), Unreachable)
    assert Account.objects.get().fails == 1


def test_a_silent_stream_is_proved_alive(
    cloud: FakeCloudDrive, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SILENT", 0.0)
    monkeypatch.setattr(feed, "TICK", 0.01)
    with hearing(cloud, account) as (_, run):
        until(lambda: sum(method == "GetMountPoints" for method, _ in cloud.calls) > 5)
        cloud.rules.tokens.clear()  # it knows us no more
        assert isinstance(run.ended(), AccessDenied)
    assert Account.objects.get().paused
    assert cloud.asked() == []  # none of that was a request to a cloud


def test_a_refused_account_is_not_asked_again(cloud: FakeCloudDrive, account: Account) -> None:
    set_secrets(account, {"token": "bad"})
    assert isinstance(Running(account, Paper(), []).ended(), AccessDenied)
    error = Running(account, Paper(), []).ended()
    assert isinstance(error, Snooze)
    assert error.code == "account_paused"


def test_it_needs_no_budget(cloud: FakeCloudDrive, account: Account) -> None:
    Account.objects.update(per_day=1, used=1, used_on=system.now().date())
    with hearing(cloud, account) as (desk, _):
        cloud.push_change("/115/TV/A/new.mkv")
        until(lambda: desk.notices)


def push_mount(cloud: FakeCloudDrive, root: Root, *, mounted: bool) -> Root:
    """Mount or unmount, and return the root when the feed has followed. (The database is read when nobody writes.)"""
    assert root.account is not None
    with hearing(cloud, root.account, [root]):
        cloud.mount("/cloud", "/115", mounted=mounted, reason="" if mounted else "by hand")
        asked = cloud.calls.count(("GetMountPoints", ""))
        cloud.push_mount("/cloud", mounted=mounted)
        until(lambda: cloud.calls.count(("GetMountPoints", "")) > asked)
    return Root.objects.select_related("account").get()


def test_a_removed_mount_takes_its_roots_down(cloud: FakeCloudDrive, far: Far) -> None:
    root = push_mount(cloud, far.root, mounted=False)
    assert (root.guard, root.guard_code) == (Root.Guard.DOWN, "guard_cloud_unmounted")
    assert root.guard_params == {"mount": "/cloud", "reason": "by hand"}
    assert push_mount(cloud, root, mounted=True).guard == Root.Guard.OK


class Telling(FeedDesk):
    """A desk that says when something was stored."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.stored = threading.Event()

    def commit(self, *args: Any, **options: Any) -> None:
        super().commit(*args, **options)
        self.stored.set()


def test_a_folder_renamed_in_the_cloud_is_a_move(cloud: FakeCloudDrive, far: Far) -> None:
    """From the push message over hints to the Change."""
    far.crawl()
    its, stop = far.root, threading.Event()
    assert its.account is not None
    row = FeedState.objects.create(kind="clouddrive", key="account 1", account=its.account)
    desk = Telling(feed.PushFeed(its.account, [its]), row, stop)
    run = Running(its.account, desk, [its])
    until(lambda: cloud.listeners)
    cloud.rename("/115/TV/A", "/115/TV/A (2020)")
    cloud.push_change("/115/TV/A", kind=RENAME, is_dir=True, new="/115/TV/A (2020)")
    assert desk.stored.wait(60)
    stop.set()
    assert run.ended() is None
    hints = list(Hint.objects.values_list("root_id", "path", "source"))
    assert {(root, source) for root, _, source in hints} == {(its.pk, "clouddrive")}
    far.crawl(*{path for _, path, _ in hints})
    assert far.changes() == [("moved", "A → A (2020)")]


def test_there_is_one_for_each_account_whose_roots_want_it(cloud: FakeCloudDrive, far: Far) -> None:
    other = make_account(cloud)
    Root.objects.create(name="two", path="/two", account=far.root.account, feed="clouddrive", mounted=False)
    Root.objects.create(name="three", path="/three", account=other, feed="polling")
    roots = list(Root.objects.select_related("account"))
    found = list(feed.wanted(roots))
    assert [each.account_id for each in found] == [far.root.account_id]
    assert len(found[0].root_ids) == 2
    assert found[0].depends == next(iter(feed.wanted(roots))).depends


@pytest.mark.parametrize(
    "push",
    [
        Push("other"),
        Push("mount"),
        Push("change", "create", False, ""),
        Push("change", "create", False, "relative/x"),
        Push("change", "create", False, "/a/../b"),
        Push("change", "create", False, "/a\0b"),
    ],
)
def test_it_makes_nothing_of_rubbish(push: Push) -> None:
    assert list(feed.notices_of(push)) == []


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded messages are not here")
def test_it_understands_the_messages_of_the_documentation() -> None:
    said = json.loads(RECORDED.read_text())
    pushes = [_push(json_format.ParseDict(each, pb.CloudDrivePushMessage())) for each in said]
    assert [(each.what, each.change) for each in pushes] == [
        ("change", "create"),  # changeType is absent
        ("change", "create"),
        ("change", "rename"),
        ("change", "delete"),
        ("mount", ""),
        ("other", ""),
    ]
    assert pushes[0].is_dir
    assert not pushes[1].is_dir
    assert pushes[2].new_path == "/115/tv/Show/Season 01/e1.mkv"


def test_it_skips_kinds_of_messages_that_it_does_not_know() -> None:
    assert _push(pb.CloudDrivePushMessage(messageType=9)).what == "other"
    change = pb.FileSystemChange(changeType=7, path="/115/x")
    assert _push(pb.CloudDrivePushMessage(messageType=4, fileSystemChange=change)).what == "other"

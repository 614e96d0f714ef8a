from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.clock import system
from monitors.feeds import choosing, selftest
from monitors.feeds.kernel import wanted
from monitors.feeds.lead import lead
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher
from monitors.filesystems import Place
from monitors.models import Account, FeedState, Hint, Root
from tests.monitors.feeding import running, until
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Root]:
    """A root whose feed runs, as in another process."""
    root = Root.objects.create(name="TV", path=str(tmp_path), minimum_entries=0, hidden=True)
    with only_crawl(), running(Watcher(system, Supervisor(system, {"inotify": wanted}))):
        until(lambda: FeedState.objects.filter(state="fine").exists())
        yield root


def test_it_writes_is_heard_of_and_leaves_nothing(watched: Root, tmp_path: Path) -> None:
    result = selftest.run(watched)
    assert result.ok and result.code == "test_heard" and float(result.params["seconds"]) < 10
    assert "heard of it after" in str(result)
    assert os.listdir(tmp_path) == [] and not Hint.objects.exists()


def test_it_says_that_others_are_not_heard_on_remote_file_systems(
    watched: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.feed = "inotify"
    monkeypatch.setattr(selftest, "place_of", lambda path: Place(b"/x", "fuse.rclone"))
    result = selftest.run(watched)
    assert (result.ok, result.code) == (True, "test_heard_remote") and "fuse.rclone" in str(result)


def test_it_says_that_nothing_came(watched: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path.parent / "elsewhere").mkdir()
    watched.path = str(tmp_path.parent / "elsewhere")  # where nobody listens
    monkeypatch.setattr(selftest, "WAIT_SECONDS", 1.0)
    result = selftest.run(watched)
    assert (result.ok, result.code) == (False, "test_silent") and os.listdir(watched.path) == []


def alone(path: Path, **options: Any) -> Root:
    """A root, and a watcher that has the lease."""
    lead(system, "somewhere/else/1")
    return Root.objects.create(name="TV", path=str(path), **options)


def test_it_tells_whether_polling_can_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = alone(tmp_path, feed="polling")
    FeedState.objects.create(kind="polling", key="root 1", root=root, state="fine")
    os.utime(tmp_path, (1, 1))
    assert selftest.run(root)[:2] == (True, "test_time_moves")
    monkeypatch.setattr(selftest, "_marker", lambda act, path: {"before": 5, "after": 5})
    assert selftest.run(root)[:2] == (False, "test_time_rests")


def test_it_says_why_it_cannot_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root.objects.create(name="TV", path=str(tmp_path))
    assert selftest.run(root).code == "test_nobody"
    lead(system, "somewhere/else/1")
    assert selftest.run(root).code == "test_feed_down"
    state = FeedState.objects.create(kind="inotify", key="root 1", root=root, state="trouble", code="guard_missing")
    assert "folder is not there" in str(selftest.run(root))
    state.state, state.code = "fine", ""
    state.save()
    root.watch = False
    assert selftest.run(root).code == "test_no_feed" and "only crawls look" in str(selftest.run(root))
    root.watch, root.account = True, Account.objects.create(name="A", kind="clouddrive")
    assert selftest.run(root).code == "test_by_account"
    assert os.listdir(tmp_path) == []


def test_it_says_that_a_root_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = alone(tmp_path)
    FeedState.objects.create(kind="inotify", key="root 1", root=root, state="fine")
    monkeypatch.setattr(choosing, "place_of", lambda path: Place(b"/", "proc"))
    root.path = "/proc"  # where nobody, root neither, can make a file
    result = selftest.run(root)
    assert (result.ok, result.code) == (False, "test_read_only") and "/proc" not in str(result.params["error"])


def test_it_does_not_wait_for_a_mount_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = alone(tmp_path)
    FeedState.objects.create(kind="inotify", key="root 1", root=root, state="fine")
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(selftest.marker, "__file__", str(sleeper))
    monkeypatch.setattr(selftest, "PATIENCE_SECONDS", 0.5)
    result = selftest.run(root)
    assert (result.ok, result.code) == (False, "test_hangs")
    until(lambda: [selftest._reap(), not selftest._left][1])


def test_its_writer_refuses_what_exists_and_links(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("keep")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("there", "link"):
        assert selftest._marker("write", os.fsencode(tmp_path / name))["error"] == "File exists"
    assert (tmp_path / "there").read_text() == "keep" and not (tmp_path / "nowhere").exists()
    assert selftest._marker("remove", os.fsencode(tmp_path / "none")) == {}


def test_a_dead_writer_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest.marker, "__file__", str(tmp_path / "no such script.py"))
    assert "died" in selftest._marker("write", b"/x")["error"]

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.errors import UsageError
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Event, Job
from monitors import held
from monitors.held_stage import check_held
from monitors.models import Change, Directory, File, Root
from monitors.walk import Folder
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root of three folders, a/b below a, with a file of 10 bytes each; on disk there is only an unknown file."""
    (tmp_path / "other").touch()
    root = Root.objects.create(
        name="TV",
        path=str(tmp_path),
        guard="suspect",
        guard_code="guard_removed_count",
        directories=3,
        files=3,
        bytes=30,
    )
    parent = None
    for path in ("", "a", "a/b"):
        parent = Directory.objects.create(root=root, path=path, parent_id=parent and parent.pk, dirty=False)
        File.objects.create(directory=parent, name="x.mkv", size=10, mtime_ns=1)
    return root


def hold(root: Root, path: str, *, is_dir: bool = False) -> Change:
    return Change.objects.create(root=root, kind="removed", state="held", reason="r", path=path, is_dir=is_dir)


def settle(root: Root, *changes: Change, drop: bool = False) -> dict[str, int]:
    pks = [change.pk for change in changes]
    return held.settle(root, pks, held.Looked() if drop else held.look(root, pks), drop=drop, actor="ann")


def counters(root: Root) -> tuple[int, int, int]:
    root.refresh_from_db()
    return root.directories, root.files, root.bytes


def test_it_takes_released_files_out_of_the_snapshot(root: Root) -> None:
    change = hold(root, "a/x.mkv")
    assert settle(root, change) == {"released": 1, "back": 0}
    change.refresh_from_db()
    assert (change.state, change.reason) == ("new", "") and change.settled_at
    assert set(File.objects.values_list("directory__path", flat=True)) == {"", "a/b"}
    assert set(Directory.objects.filter(dirty=True).values_list("path", flat=True)) == {"a"}
    assert counters(root) == (3, 2, 20)


def test_it_takes_a_released_folder_out_with_all_below(root: Root) -> None:
    assert settle(root, hold(root, "a", is_dir=True), hold(root, "a/x.mkv")) == {"released": 2, "back": 0}
    assert list(Directory.objects.values_list("path", "dirty")) == [("", True)]
    assert counters(root) == (1, 1, 10) and File.objects.count() == 1


def test_it_does_not_remove_what_is_there_again(root: Root, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.mkv").touch()
    change = hold(root, "a/x.mkv")
    assert settle(root, change) == {"released": 0, "back": 1}
    change.refresh_from_db()
    assert change.state == "dropped" and counters(root) == (3, 3, 30)


def test_what_a_filter_leaves_out_by_now_can_be_released(root: Root, tmp_path: Path) -> None:
    """It is on the disk; to call it "there again" would hold it anew in each crawl."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.mkv").touch()
    root.exclude = ["x.mkv"]
    root.save()
    assert settle(root, hold(root, "a/x.mkv")) == {"released": 1, "back": 0}


def test_what_cannot_be_looked_at_is_held_on(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Folder, below: bytes) -> object:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(Folder, "listing", broken)
    assert settle(root, hold(root, "a/x.mkv")) == {"released": 0, "back": 0}
    assert Change.objects.get().state == "held" and counters(root) == (3, 3, 30)


def test_it_touches_only_what_is_held(root: Root) -> None:
    change = Change.objects.create(root=root, kind="removed", state="dropped", path="a", is_dir=True)
    assert settle(root, change) == {"released": 0, "back": 0}
    assert Directory.objects.count() == 3 and not Event.objects.exists() and not Job.objects.exists()


def test_it_drops_without_consequences(root: Root) -> None:
    change = hold(root, "a/x.mkv")
    assert settle(root, change, drop=True) == {"dropped": 1, "back": 0}
    change.refresh_from_db()
    assert change.state == "dropped" and counters(root) == (3, 2, 20)
    assert not Change.objects.filter(state="new").exists(), "nobody is told"


def test_it_ends_the_suspicion_with_the_last_one(root: Root) -> None:
    first, second = hold(root, "a/x.mkv"), hold(root, "x.mkv")
    settle(root, first)
    assert Root.objects.get().guard == "suspect"
    settle(root, second)
    assert Root.objects.get().guard == "ok"
    assert list(Event.objects.order_by("pk").values_list("code", flat=True)) == [
        "held_released",
        "held_released",
        "guard_ok",
    ]


def test_it_asks_for_one_job_a_root_and_a_look_follows(root: Root) -> None:
    other = Root.objects.create(name="Movies", path="/none")
    changes = [hold(root, "a/x.mkv"), hold(root, "x.mkv"), hold(other, "m")]
    mine, theirs = held.release_held([change.pk for change in changes], "ann")
    assert mine.job.scope == {"root": root.pk, "changes": [changes[0].pk, changes[1].pk]}
    assert mine.job.title_code == "release" and mine.job.lanes.get().key == f"root:{root.pk}"
    assert drain(mine.job.pk).state == "completed"
    assert mine.job.stages.get().result == {"released": 2, "back": 0}
    assert Job.objects.get(kind="crawl").scope == {"root": root.pk}
    assert drain(theirs.job.pk).state in ("failed", "completed_with_errors"), "its root is DOWN"
    assert Change.objects.get(root=other).state == "held"


def test_it_drops_even_while_the_root_is_down(root: Root) -> None:
    Root.objects.update(path="/none")
    [submitted] = held.drop_held([hold(root, "a/x.mkv").pk], "ann")
    assert submitted.job.title_code == "drop"
    assert drain(submitted.job.pk).state == "completed" and Change.objects.get().state == "dropped"


def test_it_refuses_a_scope_without_changes() -> None:
    for bad in ({}, {"root": 1}, {"root": "x", "changes": []}):
        with pytest.raises(UsageError):
            check_held(bad)

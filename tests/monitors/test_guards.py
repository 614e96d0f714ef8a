from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Event
from monitors import guards, services
from monitors.filesystems import Place
from monitors.guards import Verdict, check, down, judge_removals, record, suspect
from monitors.models import Change, Root

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "Film.mkv").touch()
    return Root.objects.create(name="Movies", path=str(tmp_path), files=1)


@pytest.fixture
def recovered() -> Iterator[list[Root]]:
    heard: list[Root] = []

    def hear(root: Root, **kwargs: Any) -> None:
        heard.append(root)

    guards.recovered.connect(hear)
    yield heard
    guards.recovered.disconnect(hear)


def on(monkeypatch: pytest.MonkeyPatch, kind: str, point: str, *, exactly: bool = False) -> None:
    monkeypatch.setattr(guards, "locate", lambda path: (Place(point.encode(), kind), exactly))


def test_it_finds_a_folder_with_files_all_right(root: Root) -> None:
    verdict = check(root)
    assert verdict.ok and "@" in verdict.place


def test_it_is_down_without_the_folder(root: Root) -> None:
    root.path += "/none"
    assert check(root).code == "guard_missing" and check(root).down


def test_it_is_down_when_a_file_stands_there(root: Root) -> None:
    root.path += "/Film.mkv"
    assert check(root).code == "guard_not_a_directory"


def test_it_is_down_when_the_listing_fails(root: Root) -> None:
    dead = {"error": "Transport endpoint is not connected", "errno": 107, "entries": 0, "anchor": True}
    verdict = check(root, look=lambda *asked: dead)
    assert verdict.code == "guard_unreadable" and verdict.params["error"] == dead["error"]


def test_it_asks_for_a_mount_point(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    root.must_be_mount = True
    assert check(root).code == "guard_not_mounted"
    on(monkeypatch, "ext4", root.path, exactly=True)
    assert check(root).ok


def test_it_notices_that_the_mount_under_it_went_away(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "fuse.rclone", "/a/cloud")
    look = lambda *asked: {"error": "", "errno": 0, "entries": 1, "anchor": True}  # noqa: E731
    record(root, check(root, look=look))
    root.refresh_from_db()
    assert root.device == "fuse.rclone@2!"
    assert check(root, look=look).ok, "another mount of the same place is no matter"
    on(monkeypatch, "ext4", "/")
    assert check(root, look=look).code == "guard_mount_gone"
    on(monkeypatch, "ext4", "/a/cloud")
    assert check(root, look=look).code == "guard_mount_gone", "a local folder where a cloud was"


def test_it_suspects_a_mount_below_that_went_away(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    below = ["disk1", "disk2"]
    monkeypatch.setattr(guards, "mounts_below", lambda path: below)
    record(root, check(root))
    root.refresh_from_db()
    assert root.mounts == ["disk1", "disk2"]
    below.remove("disk1")
    verdict = check(root)
    assert (verdict.state, verdict.code, verdict.params) == ("suspect", "guard_mount_below_gone", {"mounts": "disk1"})
    record(root, verdict)
    root.refresh_from_db()
    assert root.mounts == ["disk1", "disk2"], "it is not forgotten"
    services.accept_place(root)
    root.refresh_from_db()
    assert (root.guard, root.mounts) == ("ok", ["disk2"])


def test_it_wants_the_anchor(root: Root, tmp_path: Path) -> None:
    root.anchor = ".mounted/yes"
    assert check(root).code == "guard_anchor"
    (tmp_path / ".mounted").mkdir()
    (tmp_path / ".mounted/yes").touch()
    assert check(root).ok


def test_it_does_not_take_an_empty_folder_for_the_truth(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Film.mkv").unlink()
    (tmp_path / ".hidden").touch()
    (tmp_path / "lost+found").mkdir()
    assert check(root).code == "guard_empty" and check(root).down
    root.files = 0
    assert check(root).ok, "a new folder may be empty"
    root.files, root.minimum_entries = 1, 0
    assert check(root).ok, "unless it is allowed"


def test_it_suspects_too_few_entries(root: Root) -> None:
    root.minimum_entries = 3
    verdict = check(root)
    assert (verdict.state, verdict.code, verdict.params["entries"]) == ("suspect", "guard_few_entries", 1)


def test_it_looks_at_a_mount_through_a_child(root: Root, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on(monkeypatch, "fuse.rclone", root.path, exactly=True)
    assert check(root).ok
    root.path += "/none"
    assert check(root).code == "guard_missing"


def test_it_does_not_hang_on_a_mount_that_hangs(root: Root, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)")
    on(monkeypatch, "fuse.rclone", root.path)
    monkeypatch.setattr(guards, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(guards.probe, "__file__", str(slow))
    assert check(root).code == "guard_hangs"
    for child in guards._stuck:
        child.wait()
    guards._reap()
    assert not guards._stuck


@pytest.mark.parametrize(
    ("removed", "known", "errors", "code"),
    [
        (0, 0, 5, ""),
        (1, 1, 0, ""),
        (20, 20, 0, ""),
        (21, 100, 0, "guard_removed_share"),
        (21, 106, 0, ""),
        (21, 1000, 1, "guard_listing_errors"),
        (1000, 1_000_000, 0, ""),
        (1001, 1_000_000, 0, "guard_removed_count"),
    ],
)
def test_it_judges_removals(root: Root, removed: int, known: int, errors: int, code: str) -> None:
    verdict = judge_removals(root, removed=removed, known=known, errors=errors)
    assert (verdict.code, verdict.ok) == (code, not code)


def test_it_holds_every_removal_where_asked(root: Root) -> None:
    root.max_removed_count = 0
    assert judge_removals(root, removed=1, known=100, errors=0).code == "guard_removed_count"


def test_it_records_since_when_and_tells_once(root: Root, recovered: list[Root]) -> None:
    clock = FakeClock()
    began = clock.now()
    assert record(root, down("guard_missing"), clock)
    clock.advance(60)
    assert not record(root, down("guard_missing"), clock)
    root.refresh_from_db()
    assert (root.guard, root.guard_since, root.guard_checked) == ("down", began, began + dt.timedelta(seconds=60))
    clock.advance(60)
    assert record(root, Verdict(), clock) and recovered == [root]
    codes = Event.objects.order_by("id").values_list("code", "level")
    assert list(codes) == [("guard_missing", 40), ("guard_ok", 20)]


def test_it_stays_suspect_while_removals_are_held(root: Root, recovered: list[Root]) -> None:
    record(root, suspect("guard_removed_count", removed=9, limit=1))
    held = Change.objects.create(root=root, kind="removed", state="held", path="x")
    assert not record(root, Verdict()) and root.guard == "suspect"
    record(root, down("guard_missing"))
    record(root, Verdict())
    assert (root.guard, root.guard_code) == ("suspect", "guard_held")
    assert recovered == [root], "it can be used again"
    held.delete()
    assert record(root, Verdict()) and root.guard == "ok"


def test_it_builds_on_what_another_process_recorded(root: Root) -> None:
    mine = Root.objects.get(pk=root.pk)
    record(root, down("guard_missing"))
    assert not record(mine, down("guard_missing"))
    assert record(mine, Verdict()) and Root.objects.get().guard == "ok"
    assert Event.objects.count() == 2

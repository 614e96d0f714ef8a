"""Copies in our folders: which one is kept, what points to it, and when nothing may be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import dedupe, signals
from catalog.dedupe import Copy
from catalog.models import FileLocation, Presence, StorageBackend, UploadTask
from mediasync.core.errors import Conflict
from mediasync.jobs.models import Item, Job, Stage

from .rows import make_songs
from .stored import library, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def local(tmp_path: Path) -> StorageBackend:
    return library(tmp_path / "library")


@pytest.fixture
def told() -> Iterator[list[str]]:
    paths: list[str] = []

    def hear(sender: object, paths: list[str], into: list[str] = paths, **_more: object) -> None:
        into.extend(paths)

    signals.removed.connect(hear, weak=False, dispatch_uid="test")
    yield paths
    signals.removed.disconnect(dispatch_uid="test")


def copies(local: StorageBackend, *locators: str, data: bytes = b"same") -> list[FileLocation]:
    first = store(make_songs(1)[0], local, locators[0], data)
    rest = [store(first.file_asset.song, local, each, data, asset=first.file_asset) for each in locators[1:]]
    FileLocation.objects.filter(pk__in=[row.pk for row in rest]).update(is_primary=False)
    return [first, *rest]


def exists(local: StorageBackend, locator: str) -> bool:
    return os.path.lexists(Path(local.container_name, locator))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        # 1: what exists
        (Copy(9, "long/name (1).mp3", "", 4), Copy(1, "a.mp3", "", None)),
        # of those, what is complete
        (Copy(9, "long/name (1).mp3", "", 4), Copy(1, "a.mp3", "", 3)),
        # 2: a name without a number
        (Copy(9, "long/path/name.mp3", "", 4), Copy(1, "name (1).mp3", "", 4)),
        (Copy(9, "long/path/name.mp3", "", 4), Copy(1, "name(2).mp3", "", 4)),
        (Copy(9, "long/path/name", "", 4), Copy(1, "name (12)", "", 4)),
        # 3: the shorter locator
        (Copy(9, "a/name.mp3", "", 4), Copy(1, "a/b/name.mp3", "", 4)),
        # 4: the older row
        (Copy(1, "b/name.mp3", "", 4), Copy(9, "a/name.mp3", "", 4)),
        # what looks like a number but is a title
        (Copy(1, "Song (Live).mp3", "", 4), Copy(9, "Song (Demo).mp3", "", 4)),
        (Copy(1, "a (1)/name.mp3", "", 4), Copy(9, "a (1)/name2.mp3", "", 4)),
    ],
)
def test_it_keeps_the_better_one(better: Copy, worse: Copy) -> None:
    assert dedupe.rank(better, 4) < dedupe.rank(worse, 4)


def test_the_scan_groups_by_version_and_backend_and_changes_nothing(local: StorageBackend, tmp_path: Path) -> None:
    first, second = copies(local, "a/x.mp3", "a/x (1).mp3")
    other = library(tmp_path / "other", "other")
    store(first.file_asset.song, other, "a/x.mp3", b"same", asset=first.file_asset)
    store(first.file_asset.song, local, "a/x.flac", b"another version")
    [group] = dedupe.scan()
    assert (group.keep.location, [each.location for each in group.drop]) == (first.pk, [second.pk])
    assert group.as_json()["duplicates"] == [{"location": second.pk, "locator": "a/x (1).mp3", "exists": True}]
    assert FileLocation.objects.filter(status="active").count() == 4


def test_it_keeps_one_and_everything_points_to_it(local: StorageBackend, told: list[str]) -> None:
    doubled, kept = copies(local, "a/x (1).mp3", "a/x.mp3")
    target = StorageBackend.objects.create(name="s3", kind="object_storage", plugin="s3", container_name="m")
    task = UploadTask.objects.create(
        file_asset=kept.file_asset, source_location=doubled, backend=target, locator="a/x.mp3"
    )
    done = dedupe.run()
    assert (done.groups, done.inactive, done.deleted, done.freed, done.problems) == (1, 1, 1, 4, [])
    doubled.refresh_from_db()
    kept.refresh_from_db()
    task.refresh_from_db()
    assert (doubled.status, doubled.is_primary) == ("inactive", False)
    assert (kept.status, kept.is_primary) == ("active", True)
    assert task.source_location == kept
    assert exists(local, "a/x.mp3") and not exists(local, "a/x (1).mp3")
    assert list(Presence.objects.values_list("files", "size")) == [(1, 4)]
    assert told == [f"{local.container_name}/a/x (1).mp3"]
    assert dedupe.scan() == []


def test_a_file_that_cannot_be_deleted_leaves_the_rows_right(
    local: StorageBackend, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")

    def refuse(path: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    done = dedupe.run()
    assert (done.inactive, done.deleted) == (1, 0)
    assert "x (1).mp3: Permission denied" in done.problems[0]
    assert FileLocation.objects.filter(status="active").count() == 1
    assert told == []


def test_a_copy_that_is_gone_is_only_crossed_out(local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/longer.mp3")
    Path(local.container_name, "a/x.mp3").unlink()
    done = dedupe.run()
    assert (done.inactive, done.deleted) == (1, 0)
    assert FileLocation.objects.get(status="active").locator == "a/longer.mp3"


def test_it_touches_nothing_when_not_one_of_the_files_is_there(local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    for locator in ("a/x.mp3", "a/x (1).mp3"):
        Path(local.container_name, locator).unlink()
    done = dedupe.run()
    assert (done.inactive, len(done.problems)) == (0, 1)
    assert FileLocation.objects.filter(status="active").count() == 2


def test_a_cut_file_is_not_kept_for_its_name(local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    Path(local.container_name, "a/x.mp3").write_bytes(b"s")
    dedupe.run()
    assert FileLocation.objects.get(status="active").locator == "a/x (1).mp3"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_the_kept_file_may_go(link: object, local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    double = Path(local.container_name, "a/x (1).mp3")
    double.unlink()
    link(Path(local.container_name, "a/x.mp3"), double)  # type: ignore[operator]
    assert dedupe.run().deleted == 1
    assert Path(local.container_name, "a/x.mp3").read_bytes() == b"same"


def test_what_the_kept_name_leads_to_stays(local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    kept = Path(local.container_name, "a/x.mp3")
    kept.unlink()
    kept.symlink_to(Path(local.container_name, "a/x (1).mp3"))
    done = dedupe.run()
    assert (done.inactive, done.deleted, len(done.problems)) == (1, 0, 1)
    assert kept.read_bytes() == b"same"


def test_one_name_in_two_cases_is_one_file(local: StorageBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    copies(local, "a/x.mp3", "a/X.mp3")
    monkeypatch.setattr(os.path, "samefile", lambda one, two: True)  # as on a file system that ignores case
    done = dedupe.run()
    assert (done.inactive, done.deleted) == (1, 0)
    assert exists(local, "a/x.mp3") and exists(local, "a/X.mp3")


def test_a_locator_that_leads_out_of_its_folder_is_never_deleted(local: StorageBackend, tmp_path: Path) -> None:
    outside = tmp_path / "precious.mp3"
    outside.write_bytes(b"same")
    _first, second = copies(local, "a/x.mp3", "a/x (1).mp3")
    FileLocation.objects.filter(pk=second.pk).update(locator="../precious.mp3")
    assert dedupe.run().deleted == 0
    assert outside.exists()


@pytest.mark.parametrize("state", ["running", "pause_requested", "cancel_requested"])
def test_it_is_refused_while_any_job_runs(state: str, local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    job = Job.objects.create(kind="crawl", title_code="crawl", state=state)
    with pytest.raises(Conflict) as caught:
        dedupe.run()
    assert (caught.value.code, caught.value.params["job"]) == ("others_run", job.pk)
    assert FileLocation.objects.filter(status="active").count() == 2
    Job.objects.update(state="paused")
    assert dedupe.run().deleted == 1


def test_it_is_refused_while_an_item_runs(local: StorageBackend) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    job = Job.objects.create(kind="crawl", title_code="crawl", state="queued")
    stage = Stage.objects.create(job=job, seq=1, name="crawl")
    Item.objects.create(stage=stage, key="a", state="running")
    with pytest.raises(Conflict):
        dedupe.run()


def test_a_job_that_begins_meanwhile_stops_it_before_the_next_version(
    local: StorageBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies(local, "a/x.mp3", "a/x (1).mp3")
    copies(local, "b/x.mp3", "b/x (1).mp3", data=b"other")
    delete = dedupe._delete

    def start(*arguments: object) -> None:
        delete(*arguments)  # type: ignore[arg-type]
        Job.objects.create(kind="crawl", title_code="crawl", state="running")

    monkeypatch.setattr(dedupe, "_delete", start)
    with pytest.raises(Conflict):
        dedupe.run()
    assert FileLocation.objects.filter(status="active").count() == 3
    assert exists(local, "b/x (1).mp3")

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mediasync.jobs.models import Event, Job
from monitors import held
from monitors.models import Change, Directory, File, Root
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def root() -> Root:
    """A root of three folders, a/b below a, with one file each."""
    root = Root.objects.create(name="TV", path="/tv", guard="suspect", guard_code="guard_removed_count")
    parent = None
    for path in ("", "a", "a/b"):
        parent = Directory.objects.create(root=root, path=path, parent_id=parent and parent.pk, dirty=False)
        File.objects.create(directory=parent, name="x.mkv", size=1, mtime_ns=1)
    return root


def hold(root: Root, path: str, *, is_dir: bool = False) -> Change:
    return Change.objects.create(root=root, kind="removed", state="held", reason="r", path=path, is_dir=is_dir)


def test_it_takes_released_files_out_of_the_snapshot(root: Root) -> None:
    change = hold(root, "a/x.mkv")
    assert held.release_rows(root, [change.pk]) == 1
    change.refresh_from_db()
    assert (change.state, change.reason) == ("new", "") and change.settled_at
    assert set(File.objects.values_list("directory__path", flat=True)) == {"", "a/b"}
    assert set(Directory.objects.filter(dirty=True).values_list("path", flat=True)) == {"a"}


def test_it_takes_a_released_folder_out_with_all_below(root: Root) -> None:
    change = hold(root, "a", is_dir=True)
    assert held.release_rows(root, [change.pk]) == 1
    assert list(Directory.objects.values_list("path", "dirty")) == [("", True)]
    assert File.objects.count() == 1


def test_it_releases_only_what_is_held(root: Root) -> None:
    Change.objects.create(root=root, kind="removed", state="dropped", path="a", is_dir=True)
    assert held.release_rows(root, list(Change.objects.values_list("pk", flat=True))) == 0
    assert Directory.objects.count() == 3


def test_it_releases_through_a_job_a_root(root: Root) -> None:
    other = Root.objects.create(name="Movies", path="/movies")
    changes = [hold(root, "a/x.mkv"), hold(other, "m")]
    submitted = held.release_held([change.pk for change in changes], "ann")
    assert [each.job.scope for each in submitted] == [
        {"root": root.pk, "changes": [changes[0].pk]},
        {"root": other.pk, "changes": [changes[1].pk]},
    ]
    assert Job.objects.filter(lanes__key=f"root:{root.pk}").get().actor == "ann"


def test_it_ends_the_suspicion_with_the_last_one(root: Root) -> None:
    first, second = hold(root, "a/x.mkv"), hold(root, "x.mkv")
    assert held.drop_held([first.pk], "ann") == 1
    assert Root.objects.get().guard == "suspect"
    assert held.drop_held([first.pk, second.pk], "ann") == 1
    assert Root.objects.get().guard == "ok"
    assert set(Change.objects.values_list("state", flat=True)) == {"dropped"}
    assert File.objects.count() == 3, "a dropped removal leaves the snapshot as it is"
    assert list(Event.objects.values_list("code", flat=True)) == ["held_dropped", "held_dropped", "guard_ok"]


def test_it_lets_a_look_follow_a_release(root: Root) -> None:
    count = held.release_rows(root, [hold(root, "a/x.mkv").pk])
    held.after_release(root, count, "ann")
    assert Root.objects.get().guard == "ok"
    assert Job.objects.get().scope == {"root": root.pk}

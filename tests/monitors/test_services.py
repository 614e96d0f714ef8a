from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from mediasync.core.errors import NotFound, UsageError
from mediasync.core.paths import to_text
from mediasync.jobs.models import Job, Schedule
from monitors import placing, scopes, selectors, services
from monitors.filesystems import Place
from monitors.models import Directory, File, Root
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


def schedules() -> dict[str, tuple[int | None, bool]]:
    return {name: (every, on) for name, every, on in Schedule.objects.values_list("name", "every", "enabled")}


def test_it_adds_a_root_with_its_schedules_and_a_first_crawl(tmp_path: Path) -> None:
    root = services.add_root(f"{tmp_path}//.//", every=600)
    assert (root.name, root.path) == (tmp_path.name, str(tmp_path))
    assert schedules() == {f"root:{root.pk} incremental": (600, True), f"root:{root.pk} full": (604800, True)}
    assert Job.objects.get().scope == {"root": root.pk}
    assert Job.objects.get().lanes.get().mode == "exclusive"


def test_it_takes_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\n"
    os.mkdir(path)
    root = services.add_root(to_text(path), crawl=False)
    assert root.name == r"\xff\x0a" and Root.objects.get().path == to_text(path)


def test_it_numbers_roots_of_one_name(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        (tmp_path / parent / "Movies").mkdir(parents=True)
        services.add_root(str(tmp_path / parent / "Movies"))
    assert set(Root.objects.values_list("name", flat=True)) == {"Movies", "Movies 2"}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("relative", "whole path"),
        ("/", "Give the folder"),
        ("/tmp/../etc", "not allowed"),
        ("{tmp}/none", "Make or mount it"),
        ("{tmp}/file", "not a folder"),
        ("{tmp}/root", "is the root “root” already"),
        ("{tmp}/root/below", "lies in the root"),
        ("{tmp}", "contains the root"),
        ("{tmp}/link", "lies in the root"),
        ("{data}", "own data folder"),
        ("{data}/cache", "own data folder"),
    ],
)
def test_it_says_why_a_folder_cannot_be_a_root(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "root/below").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("root/below")
    data = Path(settings.DATA_DIR)
    (data / "cache").mkdir(parents=True, exist_ok=True)
    services.add_root(str(tmp_path / "root"))
    with pytest.raises(UsageError, match=says):
        services.add_root(path.format(tmp=tmp_path, data=data))
    assert Root.objects.count() == 1


def test_it_does_not_hang_on_a_folder_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "place_of", lambda path: Place(b"/cloud", "fuse.rclone"))
    monkeypatch.setattr(placing.guards, "look_in_child", lambda *asked: None)
    with pytest.raises(UsageError, match="mount alive"):
        services.add_root("/cloud")


@pytest.mark.parametrize(
    "options", [{"kinds": ["film"]}, {"include": ["[a"]}, {"every": -1}, {"files": 3}, {"anchor": "../x"}]
)
def test_it_refuses_options_that_cannot_be(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        services.add_root(str(tmp_path), **options)
    assert not Root.objects.exists()


def test_it_keeps_schedules_in_step(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path))
    services.update_root(root, every=0, reconcile_every=60)
    assert schedules() == {f"root:{root.pk} full": (60, True)}
    services.update_root(root, every=5, enabled=False)
    assert schedules() == {f"root:{root.pk} full": (60, False), f"root:{root.pk} incremental": (5, False)}
    services.update_root(root, every=0, reconcile_every=0)
    assert schedules() == {}


def test_it_lists_everything_again_when_other_files_count(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path), crawl=False)
    Directory.objects.create(root=root, path="", dirty=False)
    services.update_root(root, every=60)
    assert not Directory.objects.get().dirty and not Job.objects.exists()
    services.update_root(root, kinds=["video"])
    assert Directory.objects.get().dirty and Job.objects.get().scope == {"root": root.pk, "full": True}


def test_it_keeps_the_snapshot_of_a_root_that_is_mounted_elsewhere(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    root = services.add_root(str(tmp_path / "old"), crawl=False)
    Directory.objects.create(root=root, path="")
    Root.objects.update(device="fuse.rclone@9!")
    root.refresh_from_db()
    services.update_root(root, path=str(tmp_path / "new"))
    root.refresh_from_db()
    assert root.device == "" and root.path.endswith("new") and Directory.objects.count() == 1


def test_it_forgets_a_root_with_all_its_rows(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path))
    directory = Directory.objects.create(root=root, path="")
    File.objects.create(directory=directory, name="x", size=1, mtime_ns=1)
    services.remove_root(root)
    assert not any(model.objects.exists() for model in (Root, Directory, File, Schedule))


def test_it_asks_once_for_the_same_crawl(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path), crawl=False)
    first = services.request_crawl(root, paths=["b", "a/", "a"])
    again = services.request_crawl(root, paths=["a", "b"])
    assert again.deduplicated and again.job == first.job and first.job.scope["paths"] == ["a", "b"]


def test_it_normalises_the_scope_of_a_crawl(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path), name="TV", crawl=False)
    asked = {"root": "TV", "paths": ["/a//b/", "a/b"], "full": 0, "announce": False, "dry_run": True}
    assert scopes.check_crawl(asked) == {"root": root.pk, "paths": ["a/b"], "announce": False, "dry_run": True}
    for bad in ({}, {"root": root.pk, "path": "x"}, {"root": root.pk, "paths": ["../x"]}):
        with pytest.raises(UsageError):
            scopes.check_crawl(bad)
    with pytest.raises(NotFound, match="There are: TV"):
        scopes.check_crawl({"root": "TW"})


def test_it_finds_a_root_by_name_id_or_path(tmp_path: Path) -> None:
    root = services.add_root(str(tmp_path), name="TV", crawl=False)
    assert {selectors.root_named(word) for word in ("TV", str(root.pk), root.path, root.path + "/")} == {root}


def test_it_checks_a_guard_and_accepts_another_file_system(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    root = services.add_root(str(tmp_path), crawl=False)
    Root.objects.update(device="fuse.rclone@40!")
    root.refresh_from_db()
    assert services.check_guard(root).code == "guard_mount_gone"
    assert Root.objects.get().guard == "down"
    assert services.accept_place(root).ok and Root.objects.get().guard == "ok"

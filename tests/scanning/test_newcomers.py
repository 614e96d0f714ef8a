"""Which folders came with the changes at hand."""

from __future__ import annotations

import pytest

from monitors.models import Change, Directory, File, Root
from scanning.newcomers import Newcomers

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="films", path="/mnt/films")


def holds(root: Root, folder: str, *names: str) -> None:
    top, _ = Directory.objects.get_or_create(root=root, path="")
    directory = Directory.objects.create(root=root, path=folder, parent_id=top.pk)
    for name in names:
        File.objects.create(directory=directory, name=name, size=1, mtime_ns=1)


def change(root: Root, path: str, kind: str = "added", **more: object) -> Change:
    return Change(root=root, path=path, kind=kind, **more)


def new(root: Root, folder: str, *changes: Change) -> bool:
    return Newcomers(root.pk, ["/mnt/films", "/links"], changes).is_new(folder)


def test_a_folder_whose_files_all_came_is_new(root: Root) -> None:
    holds(root, "A", "1.mkv", "1.srt")
    both = [change(root, "A/1.mkv"), change(root, "A/1.srt")]
    assert new(root, "/mnt/films/A", *both) and new(root, "/links/A", *both)
    assert not new(root, "/mnt/films/A", both[0])
    assert not new(root, "/mnt/films", *both)


@pytest.mark.parametrize(
    "other",
    [{"path": "A/old.mkv", "kind": "removed"}, {"path": "B/old.mkv", "kind": "moved", "old_path": "A/old.mkv"}],
)
def test_an_upgrade_makes_no_folder_new(root: Root, other: dict[str, str]) -> None:
    holds(root, "A", "new.mkv")
    assert not new(root, "/mnt/films/A", change(root, **other), change(root, "A/new.mkv"))


def test_a_folder_that_was_renamed_is_new(root: Root) -> None:
    holds(root, "B", "1.mkv")
    assert new(root, "/mnt/films/B", change(root, "B", "moved", old_path="A", is_dir=True, files=1))

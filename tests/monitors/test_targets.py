"""Words of the command line that lead onto a mount never hang the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitors import guards, targets
from monitors.filesystems import Place
from monitors.models import Root

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    monkeypatch.setattr(targets, "place_of", lambda path: Place(b"/mnt", "fuse.rclone"))
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "film.mkv").touch()
    return Root.objects.create(name="cloud", path=str(tmp_path))


@pytest.mark.parametrize(
    ("below", "folder"), [("show", "show"), ("show/film.mkv", "show"), ("new/film.mkv", "new/film.mkv")]
)
def test_it_asks_a_mount_from_a_process_of_its_own(root: Root, below: str, folder: str) -> None:
    (target,) = targets.resolve([f"{root.path}/{below}"], may_add=lambda path: False)
    assert target.paths == [folder]


def test_a_mount_that_does_not_answer_is_left_to_the_guard(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(guards, "look_in_child", lambda *asked: looked.append(asked))
    (target,) = targets.resolve([f"{root.path}/show/film.mkv"], may_add=lambda path: False)
    assert target.paths == ["show/film.mkv"]
    assert len(looked) == 1

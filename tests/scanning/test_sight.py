"""Looking before a server is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitors.guards import Verdict, check
from monitors.models import Root
from scanning.models import LinkRule
from scanning.sight import Sight, Unclear

pytestmark = pytest.mark.django_db


def says(verdict: Verdict) -> Sight:
    return Sight(lambda root: verdict)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "tv/A").mkdir(parents=True)
    (tmp_path / "links/A").mkdir(parents=True)
    root = Root.objects.create(name="tv", path=str(tmp_path / "tv"))
    LinkRule.objects.create(root=root, target=str(tmp_path / "links"))
    return root


def test_it_tells_what_is_there_from_what_is_gone(root: Root) -> None:
    sight = Sight(check)
    assert sight.is_folder(f"{root.path}/A")
    assert not sight.is_folder(f"{root.path}/B")
    (Path(root.path) / "file").touch()
    assert not sight.is_folder(f"{root.path}/file")
    assert not sight.is_folder(f"{root.path}/file/below")


@pytest.mark.parametrize("folder", ["tv/A", "tv/B", "links/A", "links/B"])
def test_nobody_can_tell_below_a_root_that_is_down(root: Root, tmp_path: Path, folder: str) -> None:
    with pytest.raises(Unclear, match="guard_empty"):
        says(Verdict("down", "guard_empty")).is_folder(str(tmp_path / folder))


def test_absence_proves_nothing_while_a_root_is_suspect(root: Root) -> None:
    sight = says(Verdict("suspect", "guard_few_entries"))
    assert sight.is_folder(f"{root.path}/A")
    with pytest.raises(Unclear, match="guard_few_entries"):
        sight.is_folder(f"{root.path}/B")


def test_an_error_is_no_absence(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: bytes) -> os.stat_result:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("monitors.presence.os.stat", broken)
    with pytest.raises(Unclear, match="unreadable"):
        says(Verdict()).is_folder(f"{root.path}/A")


def test_a_path_in_no_root_is_believed(root: Root, tmp_path: Path) -> None:
    assert says(Verdict("down", "guard_empty")).is_folder(str(tmp_path))


def test_a_root_is_checked_once_a_round(root: Root) -> None:
    checked: list[Root] = []

    def count(root: Root) -> Verdict:
        checked.append(root)
        return Verdict()

    sight = Sight(count)
    for name in "ABC":
        sight.is_folder(f"{root.path}/{name}")
    assert len(checked) == 1


def test_all_of_a_folder_is_as_doubtful_as_the_worst_root_in_it(root: Root, tmp_path: Path) -> None:
    films = Root.objects.create(name="films", path=str(tmp_path / "films"))
    LinkRule.objects.create(root=films, target=str(tmp_path / "links/films"))
    verdicts = {root.pk: Verdict(), films.pk: Verdict("down", "guard_missing")}

    def state(folder: str) -> str:
        return Sight(lambda root: verdicts[root.pk]).verdict_of_all(str(tmp_path / folder)).code

    assert state("links") == state("") == state("links/films/A") == "guard_missing"
    assert state("tv") == state("elsewhere") == ""
    Root.objects.filter(pk=films.pk).update(enabled=False)
    assert state("links") == ""


def test_removals_that_are_held_would_be_carried_out_by_a_look_through_all(root: Root) -> None:
    Root.objects.update(guard="suspect", guard_code="guard_removed_share")
    sight = says(Verdict())
    assert sight.verdict(root.path).ok
    assert sight.verdict_of_all(root.path).code == "guard_removed_share"

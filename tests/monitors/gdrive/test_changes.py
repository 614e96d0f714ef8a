"""The feed of changes, change by change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from monitors.feeds.drive_changes import DriveChanges
from monitors.models import Account, DriveItem, Hint, Root
from tests.fakes.gdrive import FakeDrive
from tests.fakes.gdrive_tree import FakeTree

from .conftest import Bench

MakeRoot = Callable[..., Root]


@dataclass
class Scene:
    """TV/Show/S01/e1.mkv and Films, a root TV, and a feed that has read the tree."""

    tree: FakeTree
    bench: Bench
    tv: str
    show: str
    season: str
    episode: str
    films: str

    def told(self) -> set[str]:
        self.bench.turn()
        return self.bench.hints()


@pytest.fixture
def scene(fake: FakeDrive, account: Account, make_root: MakeRoot) -> Scene:
    tree = fake.tree
    tv, films = tree.folder("TV"), tree.folder("Films")
    show = tree.folder("Show", tv)
    season = tree.folder("S01", show)
    episode = tree.add("e1.mkv", season)
    bench = Bench(DriveChanges(account, [make_root("TV")]))
    bench.turn()
    assert bench.hints() == set() and bench.gaps()
    return Scene(tree, bench, tv, show, season, episode, films)


def test_it_names_a_new_file(scene: Scene) -> None:
    scene.tree.add("e2.mkv", scene.season)
    assert scene.told() == {"Show/S01: e2.mkv"}
    assert scene.told() == set()


def test_it_names_a_new_folder_and_what_came_with_it(scene: Scene) -> None:
    season = scene.tree.folder("S02", scene.show)
    scene.tree.add("e1.mkv", season)
    assert scene.told() == {"Show: S02", "Show/S02: e1.mkv"}


def test_it_names_both_ends_of_a_renamed_folder(scene: Scene) -> None:
    scene.tree.rename(scene.show, "Serie")
    scene.bench.turn()
    hints = list(Hint.objects.order_by("name"))
    assert [(hint.path, hint.name) for hint in hints] == [("", ""), ("", "Serie")]
    assert hints[0].group and hints[0].group == hints[1].group
    scene.bench.hints()
    scene.tree.add("e2.mkv", scene.season)
    assert scene.told() == {"Serie/S01: e2.mkv"}


def test_it_names_both_ends_of_a_move(scene: Scene) -> None:
    other = scene.tree.folder("Other", scene.tv)
    scene.told()
    scene.tree.move(scene.season, other)
    assert scene.told() == {"Show: ", "Other: S01"}
    scene.tree.move(scene.episode, scene.tv)
    assert scene.told() == {"Other/S01: ", ": e1.mkv"}


def test_it_names_the_old_place_of_what_leaves_and_the_new_one_of_what_comes(scene: Scene) -> None:
    scene.tree.move(scene.show, scene.films)
    assert scene.told() == {": "}
    scene.tree.add("e2.mkv", scene.season)  # no root holds it now
    assert scene.told() == set()
    scene.tree.move(scene.show, scene.tv)
    assert scene.told() == {": Show"}
    scene.tree.delete(scene.episode)
    assert scene.told() == {"Show/S01: "}


def test_it_makes_one_removal_of_a_trashed_folder_and_forgets_what_was_in_it(scene: Scene) -> None:
    scene.tree.trash(scene.show)
    assert scene.told() == {": "}
    assert set(DriveItem.objects.values_list("name", flat=True)) == {"TV", "Films"}


def test_it_knows_what_is_in_a_folder_that_comes_back(scene: Scene) -> None:
    scene.tree.trash(scene.show)
    scene.told()
    scene.tree.restore(scene.show)
    assert scene.told() == {": Show", "Show: S01"}
    scene.tree.delete(scene.episode)
    assert scene.told() == {"Show/S01: "}


def test_it_makes_one_removal_of_a_deleted_folder(scene: Scene) -> None:
    scene.tree.delete(scene.show)
    assert scene.told() == {": "}
    assert not DriveItem.objects.filter(name__in=["Show", "S01", "e1.mkv"]).exists()


def test_it_names_an_edited_file_but_not_the_rights_of_a_folder(scene: Scene) -> None:
    scene.tree.edit(scene.episode)
    scene.tree.share(scene.show)
    assert scene.told() == {"Show/S01: e1.mkv"}


def test_it_takes_all_of_a_page_together(scene: Scene) -> None:
    """A file that moves into a folder that is renamed in the same page has a right old and new path."""
    other = scene.tree.folder("Other", scene.tv)
    scene.told()
    scene.tree.move(scene.episode, other)
    scene.tree.rename(other, "Another")
    scene.tree.rename(scene.season, "Season 1")
    assert scene.told() == {"Show/S01: ", "Another: e1.mkv", ": ", ": Another", "Show: ", "Show: Season 1"}


def test_it_keeps_a_file_that_left_a_folder_before_that_was_trashed(scene: Scene) -> None:
    scene.tree.move(scene.episode, scene.show)
    scene.tree.trash(scene.season)
    assert scene.told() == {"Show/S01: ", "Show: e1.mkv", "Show: "}
    assert DriveItem.objects.filter(ident=scene.episode, parent=scene.show).exists()


def test_it_reads_all_pages(scene: Scene, fake: FakeDrive) -> None:
    fake.most = 2
    for number in range(2, 9):
        scene.tree.add(f"e{number}.mkv", scene.season)
    scene.tree.rename(scene.season, "Season 1")
    names = {f"Show/S01: e{number}.mkv" for number in range(2, 8)}
    assert scene.told() == {*names, "Show/Season 1: e8.mkv", "Show: Season 1", "Show: "}  # e8 is on the last page
    assert DriveItem.objects.filter(parent=scene.season).count() == 8


def test_it_asks_for_parents_that_it_does_not_know(scene: Scene) -> None:
    lost = scene.tree.add("Lost", scene.show, "application/vnd.google-apps.folder", quiet=True)
    deep = scene.tree.add("Deep", lost, "application/vnd.google-apps.folder", quiet=True)
    scene.tree.add("old.mkv", deep, quiet=True)
    scene.tree.add("e9.mkv", deep)
    assert scene.told() == {"Show/Lost/Deep: e9.mkv", "Show/Lost: Deep", "Show: Lost"}
    assert DriveItem.objects.filter(name="old.mkv").exists()


def test_it_leaves_out_what_is_shared_with_the_user(scene: Scene, fake: FakeDrive) -> None:
    scene.tree.add("theirs.mkv", "1folder-of-others")
    scene.tree.add("more.mkv", "1folder-of-others")
    assert scene.told() == set()
    scene.tree.add("again.mkv", "1folder-of-others")
    assert scene.told() == set()
    assert len(fake.asked("1folder-of-others")) == 1


def test_it_leaves_out_shortcuts_and_documents(scene: Scene) -> None:
    scene.tree.add("link", scene.show, "application/vnd.google-apps.shortcut")
    scene.tree.add("notes", scene.show, "application/vnd.google-apps.document")
    assert scene.told() == set()


def test_it_takes_two_of_the_same_name_for_two(scene: Scene) -> None:
    twin = scene.tree.add("e1.mkv", scene.season)
    assert scene.told() == {"Show/S01: e1.mkv"}
    scene.tree.delete(twin)
    assert scene.told() == {"Show/S01: "}
    assert DriveItem.objects.filter(name="e1.mkv").count() == 1


def test_it_survives_a_loop_of_parents(scene: Scene, account: Account) -> None:
    for ident, parent in (("a", "b"), ("b", "a")):
        DriveItem.objects.create(account=account, ident=ident, parent=parent, name=ident, is_dir=True)
    scene.tree.items["a"] = {**scene.tree.items[scene.show], "id": "a", "name": "a", "parents": ["b"]}
    scene.tree.items["b"] = {**scene.tree.items[scene.show], "id": "b", "name": "b2", "parents": []}
    scene.tree.log += ["a", "b"]
    assert scene.told() == set()
    del scene.tree.items["a"], scene.tree.items["b"]
    scene.tree.log += ["b"]
    assert scene.told() == set()
    assert not DriveItem.objects.filter(ident__in="ab").exists()


def test_it_names_things_as_the_mount_does(scene: Scene) -> None:
    scene.tree.add("AC/DC\nlive.mkv", scene.season)
    assert scene.told() == {"Show/S01: AC／DC␊live.mkv"}


def test_it_has_a_root_crawled_whose_folder_went_with_another(scene: Scene) -> None:
    scene.tree.rename(scene.tv, "Series")
    scene.bench.turn()
    assert scene.bench.gaps() == list(scene.bench.feed.root_ids)
    assert scene.bench.row.state == "trouble" and scene.bench.row.code == "drive_no_folder"
    scene.tree.rename(scene.tv, "TV")
    scene.bench.turn()
    assert scene.bench.gaps() and scene.bench.row.state == "fine"


def test_it_serves_several_roots_by_path_and_by_id(
    fake: FakeDrive, account: Account, make_root: MakeRoot, mirror: object
) -> None:
    tv = fake.tree.folder("TV")
    show = fake.tree.folder("Show", tv)
    by_id = make_root("elsewhere", remote_path=tv)
    bench = Bench(DriveChanges(account, [make_root("TV"), by_id, make_root("")]))
    bench.turn()
    fake.tree.add("e1.mkv", show)
    fake.tree.rename(tv, "Series")
    fake.tree.add("e2.mkv", show)
    bench.turn()
    rows = Hint.objects.exclude(name="").values_list("root__name", "path", "name")
    assert set(rows) == {
        ("elsewhere", "Show", "e1.mkv"),
        ("elsewhere", "Show", "e2.mkv"),
        ("all", "Series/Show", "e1.mkv"),
        ("all", "Series/Show", "e2.mkv"),
        ("all", "", "Series"),
    }


def test_it_tells_the_old_place_of_what_moved_into_a_new_folder_on_a_later_page(scene: Scene, fake: FakeDrive) -> None:
    fake.most = 1
    other = scene.tree.folder("Other", scene.tv)
    scene.tree.move(scene.season, other)
    assert scene.told() == {": Other", "Show: ", "Other: S01"}

"""The feed of activity: every kind of deed, windows, pages, and what cannot be known any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediasync.core.errors import Permanent, Transient
from monitors.feeds.drive.activities import stories
from monitors.feeds.drive_activity import DriveActivity, wanted
from monitors.models import Account, Directory, File, Hint, Root
from tests.fakes.gdrive import FakeDrive
from tests.fakes.gdrive_tree import FOLDER, FakeTree
from tests.fakes.server import Response

from .conftest import Bench, recorded, refusal
from .judge import judged

MakeRoot = Callable[..., Root]


@dataclass
class Scene:
    """TV/Show/e1.mkv, a root TV, and a feed whose window has begun."""

    tree: FakeTree
    bench: Bench
    tv: str
    show: str
    episode: str

    def told(self) -> set[str]:
        self.turn()
        return self.bench.hints()

    def turn(self) -> None:
        """Let the feed ask, and rest for an hour."""
        self.bench.clock.advance(60)
        self.bench.turn()
        self.tree.now = self.bench.clock.now()


@pytest.fixture
def scene(fake: FakeDrive, account: Account, make_root: MakeRoot) -> Scene:
    tv = fake.tree.folder("TV")
    show = fake.tree.folder("Show", tv)
    episode = fake.tree.add("e1.mkv", show)
    bench = Bench(DriveActivity(account, make_root("TV", feed="drive_activity")))
    bench.turn()
    assert bench.gaps() and bench.hints() == set()
    fake.tree.activities.clear()
    fake.tree.now = bench.clock.now()
    return Scene(fake.tree, bench, tv, show, episode)


def test_it_names_what_was_created_uploaded_and_edited(scene: Scene) -> None:
    other = scene.tree.folder("Other", scene.tv)
    scene.tree.add("o1.mkv", other)
    scene.tree.edit(scene.episode)
    assert scene.told() == {": Other", "Other: o1.mkv", "Show: e1.mkv"}
    assert scene.bench.row.state == "fine" and scene.bench.rests[-1][1] == 3600
    assert scene.told() == set()


def test_it_names_both_ends_of_a_rename(scene: Scene) -> None:
    scene.tree.rename(scene.show, "Serie")
    scene.turn()
    old, new = Hint.objects.order_by("name")
    assert [(old.path, old.name), (new.path, new.name)] == [("", ""), ("", "Serie")]
    assert old.group and old.group == new.group


def test_it_names_both_ends_of_a_move_and_a_rename_in_one_window(scene: Scene) -> None:
    other = scene.tree.folder("Other", scene.tv)
    scene.told()
    scene.tree.rename(scene.episode, "E01.mkv")
    scene.tree.move(scene.episode, other)
    scene.tree.rename(scene.episode, "E1.mkv")
    scene.turn()
    told = {(notice.path, notice.name) for notice in Hint.objects.all()}
    assert told == {("Show", ""), ("Other", "E1.mkv")}


def test_it_names_what_comes_into_the_root_and_what_leaves_it(scene: Scene, fake: FakeDrive) -> None:
    outside = fake.tree.folder("Outside")
    scene.tree.move(scene.show, outside)
    scene.tree.activities[-1]["above"].append(scene.tv)  # Google tells the old ancestors of it, too
    assert scene.told() == {": "}
    scene.tree.move(scene.show, scene.tv)
    assert scene.told() == {": Show"}


def test_it_names_what_was_trashed_and_restored(scene: Scene) -> None:
    scene.tree.trash(scene.episode)
    assert scene.told() == {"Show: "}
    scene.tree.restore(scene.episode)
    assert scene.told() == {"Show: e1.mkv"}


def test_it_finds_what_was_deleted_for_good_by_its_name_in_the_snapshot(scene: Scene) -> None:
    root = Root.objects.get()
    folder = Directory.objects.create(root=root, path="Show")
    File.objects.create(directory=folder, name="e1.mkv", size=1, mtime_ns=1)
    Directory.objects.create(root=root, path="Deep/Show")
    scene.tree.delete(scene.episode)
    assert scene.told() == {"Show: "}
    scene.tree.delete(scene.show)
    assert scene.told() == {": ", "Deep: "}


def test_it_says_nothing_of_what_came_and_went(scene: Scene) -> None:
    ident = scene.tree.add("e2.mkv", scene.show)
    scene.tree.delete(ident)
    assert scene.told() == set()


def test_it_leaves_out_rights_and_documents(scene: Scene) -> None:
    scene.tree.share(scene.show)
    scene.tree.add("notes", scene.show, "application/vnd.google-apps.document")
    assert scene.told() == set()


def test_it_reads_all_pages(scene: Scene, fake: FakeDrive) -> None:
    fake.most = 2
    for number in range(2, 9):
        scene.tree.add(f"e{number}.mkv", scene.show)
    assert scene.told() == {f"Show: e{number}.mkv" for number in range(2, 9)}
    assert len(fake.asked("activity")) == 4


def test_it_moves_its_window_only_when_all_went_well(scene: Scene, fake: FakeDrive) -> None:
    scene.tree.edit(scene.episode)
    before = scene.bench.row.cursor
    fake.instead("activity", Response(503, b"{}"))
    with pytest.raises(Transient):
        scene.turn()
    scene.bench.row.refresh_from_db()
    assert scene.bench.row.cursor == before
    assert scene.told() == {"Show: e1.mkv"}


def test_it_hears_of_late_entries_and_repeats_none(scene: Scene) -> None:
    scene.tree.edit(scene.episode)
    scene.tree.rename(scene.show, "Serie")
    late = scene.tree.activities.pop()
    scene.bench.clock.advance(10)
    scene.bench.turn()
    assert scene.bench.hints() == {"Serie: e1.mkv"}
    scene.tree.activities.append(late)
    scene.bench.turn()
    assert scene.bench.hints() == {": ", ": Serie"}
    scene.bench.turn()
    assert scene.bench.hints() == set()


def test_it_has_all_crawled_when_too_much_happened(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.feeds.drive.ancestry.MOST", 3)
    for number in range(2, 9):
        scene.tree.add(f"e{number}.mkv", scene.show)
    assert scene.told() == set()
    assert scene.bench.gaps() == [Root.objects.get().pk]
    assert scene.told() == set()


def test_it_has_the_root_crawled_whose_own_folder_was_renamed(scene: Scene) -> None:
    root = Root.objects.get()
    root.remote_path = scene.tv
    root.save()
    scene.bench.feed = DriveActivity(Account.objects.get(), root)
    scene.bench.sit()
    scene.tree.rename(scene.tv, "Series")
    scene.turn()
    assert scene.bench.gaps() == [root.pk] and scene.bench.hints() == set()


def test_it_says_that_the_folder_is_not_there(scene: Scene) -> None:
    scene.tree.rename(scene.tv, "Series")
    with pytest.raises(Permanent) as caught:
        scene.turn()
    assert caught.value.code == "drive_no_folder"


def test_it_says_which_right_is_missing_and_leaves_the_account_alone(scene: Scene, fake: FakeDrive) -> None:
    fake.scopes_missing = True
    with pytest.raises(Permanent) as caught:
        scene.turn()
    assert caught.value.code == "drive_scope"
    assert not Account.objects.get().paused


def test_it_rests_when_the_quota_is_spent(scene: Scene, fake: FakeDrive, fixtures: Path) -> None:
    fake.instead("activity", refusal(fixtures, "403_dailyLimitExceeded"))
    scene.turn()
    assert scene.bench.row.state == "resting" and scene.bench.row.code == "quota_spent"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"activities": 7}', b'{"activities": [{}, 5, {"actions": [5], "targets": 1}]}']
)
def test_it_survives_rubbish(scene: Scene, fake: FakeDrive, body: bytes) -> None:
    fake.instead("activity", Response(200, body))
    try:
        assert scene.told() == set()
    except Transient as error:
        assert error.code == "drive_unreadable"


def test_it_understands_a_recorded_answer(fixtures: Path) -> None:
    """A new folder in the top, its rights, its removal, and a move."""
    answer = recorded(fixtures, "activity_query.json")
    assert judged("driveactivity.v2", "QueryDriveActivityResponse", answer) == []
    assert judged("driveactivity.v2", "QueryDriveActivityRequest", {"ancestor": "items/1"}) != []
    found = stories(answer["activities"])
    folder, moved = found["12wYl0wQWfm05lmw9v2HMj8rOePuDlk4S"], found["1xH9LSUYrbU1Uy-YoBLafQstE-ncuKW_4"]
    assert (folder.name, folder.is_dir) == ("Folder 2", True)
    assert [event.deed for event in folder.events] == ["create", "move", "delete"]
    assert folder.last_parent == "0AIEoMKFUOWuTUk9PVA" and folder.origin("x", "y") is None
    assert moved.origin(moved.last_parent, "test") == ("0AIEoMKFUOWuTUk9PVA", "test")


def test_it_understands_a_span_of_time_an_own_target_and_a_shared_drive() -> None:
    target = {"driveItem": {"name": "items/1a", "title": "new", "mimeType": FOLDER}}
    rename = {"detail": {"rename": {"oldTitle": "old", "newTitle": "new"}}, "target": target}
    move = {"detail": {"move": {"removedParents": [{"drive": {"name": "drives/0AFilms"}}], "addedParents": []}}}
    activities = [
        {"actions": [rename], "targets": [{"drive": {}}], "timeRange": {"endTime": "2026-01-01T00:00:02Z"}},
        {"actions": [move], "targets": [target], "timestamp": "2026-01-01T00:00:01Z"},
    ]
    assert judged("driveactivity.v2", "QueryDriveActivityResponse", {"activities": activities}) == []
    assert stories(activities)["1a"].origin("1b", "new") == ("0AFilms", "old")


def test_it_wants_one_feed_a_root(account: Account, make_root: MakeRoot) -> None:
    roots = [
        make_root(name, feed=feed) for name, feed in (("a", "drive_activity"), ("b", "drive_changes"), ("c", "auto"))
    ]
    assert [feed.key for feed in wanted(roots)] == [f"root {roots[0].pk}"]


def test_it_does_not_trust_a_window_of_a_clock_that_was_ahead(scene: Scene) -> None:
    scene.bench.clock.advance(365 * 86400)
    scene.turn()
    scene.bench.clock.advance(-364 * 86400)
    scene.tree.now = scene.bench.clock.now()
    scene.turn()
    assert scene.bench.gaps()  # what happened between is not in its window any more
    scene.tree.add("e2.mkv", scene.show)
    assert scene.told() == {"Show: e2.mkv"}

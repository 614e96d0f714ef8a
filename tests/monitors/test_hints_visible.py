"""Looks at what is not a local disk: through a child process, or through an account."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mediasync.core.errors import Unreachable
from mediasync.core.paths import to_text
from monitors import guards
from monitors.accounts import KINDS
from monitors.hints import visible
from monitors.hints.notices import Notice
from monitors.models import Account, Hint, Root
from tests.monitors.kinds import only_crawl
from tests.monitors.settling import Place, scopes, until_rested

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(visible, "is_remote", lambda path, table=None: True)
    monkeypatch.setattr(visible, "_looks", {})
    with only_crawl():
        yield
    until_rested()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str = "") -> None:
    """Let looks print something and then hang."""
    script = tmp_path / "hangs.py"
    script.write_text(f"import sys, time\nsys.stdout.write({says!r})\nsys.stdout.flush()\ntime.sleep(300)\n")
    monkeypatch.setattr(visible, "sizes", SimpleNamespace(__file__=str(script)))
    monkeypatch.setattr(visible, "SECONDS", 1.0)


def test_it_asks_a_mount_from_a_process_of_its_own(place: Place) -> None:
    place.write("Show/e1.mkv")
    place.write("Show/e2.mkv", age=0)
    (place.top / "Film").mkdir()
    place.say(Notice("Show/e1.mkv"), Notice("Show/e2.mkv"), Notice("Film", is_dir=True), Notice("No/where/x.mkv"))
    assert place.settle() == []  # the look has begun
    until_rested()
    place.settle()
    assert scopes() == [{"paths": ["", "Film", "Show"], "deep": ["Film"]}]
    assert place.why() == {"e2.mkv": "hint_grows", "x.mkv": "hint_unseen"}


def test_it_sees_names_that_are_no_text(place: Place) -> None:
    name = os.fsencode(place.top) + b"/caf\xe9\n\xff.mkv"
    with open(name, "wb") as file:
        file.truncate(5)
    os.utime(name, (1, 1))
    place.say(Notice(to_text(b"caf\xe9\n\xff.mkv")))
    assert len(place.looked()) == 1


def test_it_never_waits_for_a_mount_that_hangs(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Root.objects.create(name="Other", path=str(tmp_path / "other"))
    hanging(tmp_path, monkeypatch)
    place.say(Notice("Show/e1.mkv"), Notice("Show/e2.mkv"))
    assert place.settle() == [] and visible.busy() == [place.root.pk]
    Hint.objects.create(root=other, path="x", source="watch", due_at=place.clock.now())
    assert [each.job.scope["root"] for each in place.settle()] == [other.pk]  # meanwhile
    until_rested()
    place.settle()
    assert place.why() == {"e1.mkv": "hint_no_answer", "e2.mkv": "hint_no_answer"}
    assert set(Hint.objects.filter(state="waiting").values_list("looks", flat=True)) == {1}


def test_it_has_the_guard_look_at_a_mount_that_hangs(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging(tmp_path, monkeypatch)
    monkeypatch.setattr(guards, "check", lambda root: guards.down("guard_hangs", seconds=20))
    place.say(Notice("Show/e1.mkv"))
    assert place.looked() == []
    place.root.refresh_from_db()
    assert (place.root.guard, place.root.guard_code) == ("down", "guard_hangs")
    assert place.settle(600) == []  # it waits until the root is back


def test_it_believes_what_a_mount_said_before_it_hung(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging(tmp_path, monkeypatch, '["file", 5, 1000, "Show"]\n["file", 5')
    place.say(Notice("Show/e1.mkv"), Notice("Show/e2.mkv"))
    place.looked()
    assert scopes() == [{"paths": ["Show"]}]
    assert place.why() == {"e2.mkv": ""}  # it was not looked at, so it is due still
    until_rested()


@pytest.mark.parametrize("says", ["rubbish\n", '{"a": 1}\n', "[1, 2]\n", "\n\n"])
def test_it_looks_again_when_the_child_talks_rubbish(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = tmp_path / "rubbish.py"
    script.write_text(f"import sys\nsys.stdout.write({says!r})\n")
    monkeypatch.setattr(visible, "sizes", SimpleNamespace(__file__=str(script)))
    place.say(Notice("Show/e1.mkv"))
    assert place.looked() == []
    assert place.why() == {"e1.mkv": "hint_no_answer"}


class Nudged:
    """A kind of account whose nudge makes the cache see what is there."""

    def __init__(self, place: Place, error: Exception | None = None) -> None:
        self.place, self.error, self.folders = place, error, list[str]()

    def nudge(self, root: Root, below: str) -> None:
        self.folders.append(below)
        if self.error:
            raise self.error
        self.place.write(f"{below}/e1.mkv")


def account_of(place: Place, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    place.root.account = Account.objects.create(name="cd", kind="clouddrive")
    place.root.save()
    monkeypatch.setitem(KINDS, "clouddrive", kind)


def test_it_nudges_the_cache_and_looks_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Nudged(place)
    account_of(place, monkeypatch, kind)
    place.say(Notice("Show/e1.mkv"), Notice("Show/e9.mkv"))
    assert place.looked() == [] and kind.folders == ["Show"]
    assert place.why() == {"e1.mkv": "hint_unseen", "e9.mkv": "hint_unseen"}
    [job] = place.looked(after=2)
    assert job.job.scope["paths"] == ["Show"] and place.why() == {"e9.mkv": "hint_unseen"}


def test_it_goes_on_when_the_cache_cannot_be_nudged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Nudged(place, Unreachable("It is off."))
    account_of(place, monkeypatch, kind)
    place.say(Notice("A/e1.mkv"), Notice("B/e1.mkv"))
    assert place.looked() == [] and kind.folders == ["A"]
    place.write("A/e1.mkv")
    assert len(place.looked(after=2)) == 1


class Cloud:
    """A lister of an account, by folders: a listing, or what it raises."""

    def __init__(self, **folders: Any) -> None:
        self.folders, self.asked = folders, list[bytes]()

    def listing(self, below: bytes) -> Any:
        self.asked.append(below)
        found = self.folders.get(below.decode(), OSError(errno.ENOENT, "no such folder"))
        if isinstance(found, Exception):
            raise found
        return found


def unmounted(place: Place, monkeypatch: pytest.MonkeyPatch, **folders: Any) -> Cloud:
    place.root.mounted = False
    place.root.save()
    cloud = Cloud(**folders)
    monkeypatch.setattr(visible, "lister_of", lambda root: cloud)
    return cloud


def test_it_asks_an_account_once_a_folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(b"e1.mkv", 5, 1000, None), (b"e2.mkv", 0, 1000, None)]
    cloud = unmounted(place, monkeypatch, Show=(0, 0, [b"Season 1"], files, "", 0))
    place.say(Notice("Show/e1.mkv"), Notice("Show/e2.mkv"), Notice("Show/e3.mkv"), Notice("Show/Season 1", is_dir=True))
    place.looked()
    assert cloud.asked == [b"Show"]
    assert scopes() == [{"paths": ["Show", "Show/Season 1"], "deep": ["Show/Season 1"]}]
    assert place.why() == {"e2.mkv": "hint_grows", "e3.mkv": "hint_unseen"}


def test_it_tells_gone_from_unsure(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {
        "Slow": OSError(errno.ETIMEDOUT, "late"),
        "Off": Unreachable("It is off."),
        "Part": (0, 0, [], [], "timeout", 0),
    }
    unmounted(place, monkeypatch, **folders)
    place.say(*(Notice(f"{folder}/{folder}.mkv") for folder in (*folders, "Gone")))
    assert place.looked() == []
    assert place.why() == {
        "Gone.mkv": "hint_unseen",
        **dict.fromkeys(("Slow.mkv", "Off.mkv", "Part.mkv"), "hint_no_answer"),
    }


def test_the_halves_of_a_rename_in_a_cloud_find_each_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The half that is gone waits for nothing, the other one for a look that takes its time."""
    unmounted(place, monkeypatch, New=(0, 0, [], [(b"e1.mkv", 5, 1000, None)], "", 0))
    place.say(Notice("Old/e1.mkv", "delete", group="1"), Notice("New/e1.mkv", group="1"))
    for _ in range(6):
        place.settle(0.5)
        until_rested()
    assert scopes() == [{"paths": ["New", "Old"]}]


def test_it_asks_an_account_for_some_folders_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = unmounted(place, monkeypatch)
    place.say(*(Notice(f"F{n}/x.mkv") for n in range(visible.MOST_FOLDERS + 5)))
    place.looked()
    assert len(cloud.asked) == visible.MOST_FOLDERS
    place.looked()
    assert len(cloud.asked) == visible.MOST_FOLDERS + 5 == len(set(cloud.asked))

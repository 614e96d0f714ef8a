"""Hints of what is gone, where a mount may show it for a while."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitors.hints import intake, resting, translating, visible
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root
from tests.monitors.kinds import only_crawl
from tests.monitors.settling import HOOK, Place, scopes, until_rested
from tests.monitors.test_hints_visible import Nudged, account_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(visible, "_looks", {})
    with only_crawl():
        yield
    until_rested()


@pytest.fixture
def disk(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def place(disk: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A root that lies on a mount, as far as anybody can tell."""
    monkeypatch.setattr(visible, "is_remote", lambda path, table=None: True)
    monkeypatch.setattr(translating, "reaches_remote", lambda path: True)
    return disk


def waiting() -> dict[str, str]:
    rows = Hint.objects.filter(state="waiting").values_list("path", "name", "code")
    return {"/".join(filter(None, (path, name))): code for path, name, code in rows}


def test_it_waits_until_what_is_gone_is_shown_no_more(place: Place) -> None:
    place.write("Show/e1.mkv")
    place.write("Old/x.mkv")
    place.say(Notice("Show/e1.mkv", "delete"), Notice("Old", "delete", is_dir=True), Notice("Gone/x.mkv", "delete"))
    place.looked()
    assert scopes() == [{"paths": ["Gone"]}]
    assert waiting() == {"Show/e1.mkv": "hint_still_there", "Old": "hint_still_there"}
    (place.top / "Show/e1.mkv").unlink()
    shutil.rmtree(place.top / "Old")
    place.looked(after=resting.PAUSES[0])
    assert scopes() == [{"paths": ["", "Gone", "Show"]}]
    assert set(Hint.objects.values_list("state", "code")) == {("taken", "")}


def test_it_looks_anyway_when_it_is_shown_for_ever(place: Place) -> None:
    place.write("Show/e1.mkv")
    place.say(Notice("Show/e1.mkv", "delete"))
    start = place.clock.now()
    for pause in (0.0, *resting.PAUSES):
        assert not scopes()
        place.looked(after=pause)
    assert 290 <= (place.clock.now() - start).total_seconds() <= 330
    assert scopes() == [{"paths": ["Show"]}]
    assert Hint.objects.get().code == "hint_not_gone"


def test_it_costs_nothing_on_a_local_disk(disk: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(visible, "facts_of")  # nobody looks
    disk.write("Show/e1.mkv")
    disk.say(*(Notice(f"Show/e{number}.mkv", "delete") for number in range(50)))
    assert Hint.objects.count() == 1
    disk.settle()
    assert scopes() == [{"paths": ["Show"]}]


@pytest.mark.parametrize("options", [{"mounted": False}, {"lister": "rclone"}, {"lister": "clouddrive"}])
def test_it_does_not_wait_where_listings_come_past_the_mount(place: Place, options: dict[str, object]) -> None:
    Root.objects.update(**options)
    place.say(Notice("Show/e1.mkv", "delete"))
    assert waiting() == {"Show": ""}


def test_it_does_not_wait_for_whom_nobody_need_believe_or_who_says_so(place: Place) -> None:
    place.say(Notice("A/e1.mkv", "delete", distrusted=True))
    place.say(Notice("B/e1.mkv", "delete"), source=Source("a", "sonarr", 0.0, wait_for_file=False))
    place.say(Notice("", "delete"))
    assert waiting() == {"A": "", "B": "", "": ""}


def test_the_last_word_on_a_name_counts(place: Place) -> None:
    place.write("e1.mkv")
    place.say(Notice("e1.mkv", "delete"))
    place.looked()
    assert Hint.objects.get().looks == 1
    place.say(Notice("e1.mkv"))
    hint = Hint.objects.get()
    assert (hint.gone, hint.looks) == (False, 0)
    place.looked(after=resting.PAUSES[0])
    assert scopes() == [{"paths": [""]}]
    place.say(Notice("e1.mkv"), Notice("e1.mkv", "delete"))
    assert Hint.objects.get(state="waiting").gone


def test_it_takes_another_case_for_another_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where case does not matter, the old name of a file finds it under the new one."""
    script = place.top.parent / "blind.py"
    script.write_text(
        "import os, runpy\nreal = os.stat\n"
        "os.stat = lambda path, **more: real(path.replace(b'Show', b'SHOW'), **more)\n"
        f"runpy.run_path({visible.sizes.__file__!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(visible.sizes, "__file__", str(script))
    place.write("SHOW/e1.mkv")
    place.say(Notice("Show", "delete", is_dir=True, group="1"), Notice("SHOW", is_dir=True, group="1"))
    place.looked()
    assert scopes() == [{"paths": ["", "SHOW"], "deep": ["SHOW"]}]


def test_it_waits_for_each_file_of_a_disc_and_looks_at_all_of_it(place: Place) -> None:
    place.write("Film/BDMV/STREAM/1.m2ts")
    place.say(Notice("Film/BDMV/STREAM/1.m2ts", "delete"), Notice("Film/BDMV/STREAM/2.m2ts", "delete"))
    place.looked()
    assert scopes() == [{"paths": ["Film"], "deep": ["Film"]}]
    assert waiting() == {"Film/BDMV/STREAM/1.m2ts": "hint_still_there"}


def test_it_has_the_folder_read_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cache(Nudged):
        def nudge(self, root: Root, below: str) -> None:
            self.folders.append(below)
            shutil.rmtree(self.place.top / below)

    kind = Cache(place)
    account_of(place, monkeypatch, kind)
    place.write("Show/e1.mkv")
    place.write("Film/BDMV/STREAM/1.m2ts")
    place.say(Notice("Show/e1.mkv", "delete"), Notice("Film/BDMV/STREAM/1.m2ts", "delete"), Notice("x/y", "delete"))
    place.looked()
    assert kind.folders == ["Film/BDMV/STREAM", "Show"] and scopes() == [{"paths": ["x"]}]
    place.looked(after=resting.PAUSES[0])
    assert scopes() == [{"paths": ["Film", "Show", "x"], "deep": ["Film"]}]


def test_the_new_half_of_a_rename_waits_for_the_old_one_to_go(place: Place) -> None:
    place.write("A/e1.mkv")
    place.write("B/e1.mkv")
    place.say(Notice("A/e1.mkv", "delete", group="1"), Notice("B/e1.mkv", group="1"))
    place.looked()
    assert not scopes() and waiting() == {"A/e1.mkv": "hint_still_there", "B/e1.mkv": "hint_group"}
    os.unlink(place.top / "A/e1.mkv")
    place.looked(after=resting.PAUSES[0])
    place.looked(after=1)
    assert scopes() == [{"paths": ["A", "B"]}]


def test_it_looks_now_at_the_folder_alone(place: Place) -> None:
    place.write("Show/e1.mkv")
    intake.take_in([Notice(f"{place.top}/Show/e1.mkv", "delete")], HOOK)
    assert hints.look_now(Hint.objects.get())
    assert scopes() == [{"paths": ["Show"]}]

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError

from mediasync.core.errors import Conflict
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Job
from monitors.filesystems import Place as Mount
from monitors.hints import resting, visible
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root
from tests.monitors.kinds import only_crawl
from tests.monitors.settling import HOOK, Place, scopes, until_rested

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_looks_at_once_at_a_file_that_rests(place: Place) -> None:
    place.write("Show/e1.mkv")
    place.say(Notice("Show/e1.mkv"))
    place.settle()
    assert scopes() == [{"paths": ["Show"]}]
    assert set(Hint.objects.values_list("state", "code")) == {("taken", "")}


def test_it_waits_until_the_size_of_a_new_file_rests(place: Place) -> None:
    place.write("e1.mkv", size=10, age=0)
    place.say(Notice("e1.mkv"))
    assert place.settle() == [] and place.why() == {"e1.mkv": "hint_grows"}
    for size in (20, 30):
        place.write("e1.mkv", size=size, age=-60)  # a clock that goes before ours
        assert place.settle(resting.REST) == []
        place.clock.advance(15)
    assert len(place.settle(10)) == 1


def test_it_never_takes_two_looks_at_the_same_moment_for_rest(place: Place) -> None:
    place.write("e1.mkv", age=0)
    for _ in range(3):  # news makes it due at once
        place.say(Notice("e1.mkv"))
        assert place.settle() == []
    place.clock.advance(resting.REST - 1)
    place.say(Notice("e1.mkv"))
    place.write("e1.mkv", age=-60)
    assert place.settle() == []
    assert len(place.settle(1)) == 1


def test_it_waits_for_an_empty_file_to_rest(place: Place) -> None:
    place.write("e1.nfo", size=0)
    place.say(Notice("e1.nfo"))
    assert place.settle() == []
    assert len(place.settle(resting.REST)) == 1


def test_it_looks_in_the_end_at_what_never_stops_growing(place: Place) -> None:
    place.say(Notice("e1.mkv"))
    for size in range(1, 200):
        place.clock.advance(60)
        place.write("e1.mkv", size=size, age=0)
        if place.settle():
            break
    assert 60 <= size <= 70
    assert Hint.objects.get().code == "hint_still_grows"


def test_it_waits_until_what_is_named_is_visible(place: Place) -> None:
    place.say(Notice("Show/e1.mkv"))
    assert place.settle() == [] and place.why() == {"e1.mkv": "hint_unseen"}
    place.write("Show/e1.mkv")
    assert place.settle(1) == []
    assert len(place.settle(1)) == 1


def test_it_gives_up_after_five_minutes_and_looks_at_the_folder_above(place: Place) -> None:
    (place.top / "Show").mkdir()
    place.say(Notice("Show/Season 1/e1.mkv"))
    start = place.clock.now()
    while not place.settle():
        place.clock.advance(1)
    assert 290 <= (place.clock.now() - start).total_seconds() <= 330
    assert scopes() == [{"paths": ["Show"]}]
    assert Hint.objects.values_list("code", "params").get() == ("hint_gave_up", {"folder": "Show"})
    assert Hint.objects.get().looks == len(resting.PAUSES)


def test_it_looks_at_a_folder_and_all_below_it(place: Place) -> None:
    (place.top / "Show").mkdir()
    place.say(Notice("Show", is_dir=True))
    place.settle()
    assert scopes() == [{"paths": ["", "Show"], "deep": ["Show"]}]


def test_it_does_not_wait_for_what_the_filter_leaves_out(place: Place) -> None:
    place.root.kinds = ["video"]
    place.root.exclude = ["Extras/"]
    place.root.save()
    place.say(Notice("Show/.hidden"), Notice("Extras/x.mkv"))
    place.settle()
    assert scopes() == [{"paths": ["Extras", "Show"]}]


def test_it_looks_at_both_halves_of_a_rename_together(place: Place) -> None:
    place.write("Old/b.mkv")
    halves = [Notice("Old/a.mkv", "delete", group="1"), Notice("New/a.mkv", group="1")]
    place.say(*halves, Notice("Old/b.mkv"))
    place.settle()
    assert scopes() == [{"paths": ["Old"]}]  # for b.mkv
    assert dict(Hint.objects.filter(state="waiting").values_list("path", "code")) == {
        "Old": "hint_group",
        "New": "hint_unseen",
    }
    Job.objects.update(state="completed")
    place.write("New/a.mkv")
    place.settle(5)
    place.settle(5)
    assert scopes()[1:] == [{"paths": ["New", "Old"]}]


def test_the_halves_of_many_renames_find_each_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "MOST_PATHS", 5)  # looked at in one round: less than there are
    for number in range(10):
        place.write(f"New/{number}.mkv")
    halves = [
        (Notice(f"Old/{n}/x.mkv", "delete", group=str(n)), Notice(f"New/{n}.mkv", group=str(n))) for n in range(10)
    ]
    place.say(*(half for pair in halves for half in pair))
    for _ in range(40):
        place.settle(0.5)
    assert not Hint.objects.filter(state="waiting").exists()


@pytest.mark.parametrize("apart", [0.1, 0.6, 0.9, 1.3])
def test_halves_that_are_due_at_different_times_find_each_other(place: Place, apart: float) -> None:
    place.write("New/a.mkv")
    place.say(Notice("Old/a.mkv", "delete", group="1"), Notice("New/a.mkv", group="1"))
    later = place.clock.now() + dt.timedelta(seconds=apart)
    Hint.objects.filter(path="New").update(due_at=later)
    for _ in range(40):
        place.settle(0.5)
    assert scopes() == [{"paths": ["New", "Old"]}]


def test_it_keeps_what_a_sender_may_be_wrong_about_apart(place: Place) -> None:
    place.write("Show/e1.mkv")
    place.say(Notice("Gone/e2.mkv", "delete", distrusted=True), Notice("Show/e1.mkv"))
    assert len(place.settle()) == 2
    assert scopes() == [{"paths": ["Show"]}, {"paths": ["Gone"], "hold": True}]
    place.say(Notice("More/e3.mkv", "delete", distrusted=True))
    assert [each.deduplicated for each in place.settle()] == [True]
    assert scopes() == [{"paths": ["Show"]}, {"paths": ["Gone", "More"], "hold": True}]


def test_it_joins_no_other_job_than_its_own(place: Place) -> None:
    scope = {"root": place.root.pk, "paths": ["x"]}
    jobs.submit("crawl", scope)
    jobs.submit("crawl", {"root": place.root.pk})
    jobs.submit("crawl", scope | {"shallow": True, "dry_run": True})
    begun = jobs.submit("crawl", scope | {"shallow": True}).job
    Job.objects.filter(pk=begun.pk).update(dedupe_key="", state="scheduled")  # it sleeps in the middle
    place.say(Notice("Show", "delete"))
    [submitted] = place.settle()
    assert not submitted.deduplicated and submitted.job.scope["paths"] == [""]


def test_it_leaves_the_rest_to_the_next_job(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.hints.dispatch.MOST_PATHS", 2)
    for name in "abc":
        place.say(Notice(f"{name}/x.mkv", "delete"))
        place.settle()
    assert scopes() == [{"paths": ["a", "b"]}]
    assert set(Hint.objects.filter(path="c").values_list("state", "code")) == {("waiting", "hint_job_full")}
    Job.objects.update(state="running")
    assert place.settle() == []  # others get their turn meanwhile
    place.settle(5)
    assert scopes() == [{"paths": ["a", "b"]}, {"paths": ["c"]}]


def test_it_keeps_one_bad_root_from_stopping_the_others(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    bad = Root.objects.create(name="Bad", path="/bad", include=["[z"])
    hints.add(bad.pk, [], HOOK, names=[("", "x.mkv")], clock=place.clock)
    hints.add(place.root.pk, ["Show"], HOOK, clock=place.clock)
    assert [each.job.scope["root"] for each in place.settle()] == [place.root.pk]
    assert "Bad" in caplog.text
    caplog.clear()
    assert place.settle(1) == [] and not caplog.text  # not each second
    Root.objects.filter(pk=bad.pk).update(include=[])
    place.settle(hints.LATER)
    assert Hint.objects.get(root=bad).code == "hint_unseen"


def test_it_loses_nothing_when_the_database_fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    place.say(Notice("Show/e1.mkv", "delete"))
    with monkeypatch.context() as patch:
        patch.setattr("monitors.hints.dispatch._take", locked)
        with pytest.raises(OperationalError):
            place.settle()
    assert not Job.objects.exists() and Hint.objects.get().state == "waiting"
    assert len(place.settle()) == 1


def test_it_asks_no_mount_that_a_link_or_a_mount_in_the_root_leads_to(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could hang for ever: only a process of its own looks there."""
    far, inside = place.top.parent / "far", place.top / "inside"
    far.mkdir()
    (place.top / "link").symlink_to(far)
    points = [os.fsencode(point) for point in (far, inside)]
    mounts = {b"/": Mount(b"/", "ext4")} | {point: Mount(point, "fuse.rclone") for point in points}
    monkeypatch.setattr(visible, "places", lambda: mounts)
    monkeypatch.setattr(visible, "_looks", {})
    for path in ("Show/e1.mkv", "link/e2.mkv", "inside/e3.mkv"):
        place.write(path)
        place.say(Notice(path))
    place.settle()
    assert scopes() == [{"paths": ["Show"]}]
    assert {hint.path for hint in visible._looks[place.root.pk].hints} == {"link", "inside"}
    until_rested()
    place.settle()
    assert scopes() == [{"paths": ["Show", "inside", "link"]}]


def test_it_looks_now_when_told_to(place: Place) -> None:
    place.say(Notice("Show/e1.mkv"), source=Source("sonarr", debounce=60.0))
    submitted = hints.look_now(Hint.objects.get(), place.clock)
    assert submitted is not None and Hint.objects.get().job_id == submitted.job.pk
    with pytest.raises(Conflict):
        hints.look_now(Hint.objects.get(), place.clock)


def test_it_does_not_look_now_at_a_root_that_is_off(place: Place) -> None:
    place.say(Notice("Show/e1.mkv"), source=HOOK)
    place.root.enabled = False
    place.root.save()
    with pytest.raises(Conflict):
        hints.look_now(Hint.objects.get(), place.clock)

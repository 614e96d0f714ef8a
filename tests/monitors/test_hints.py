from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Job
from monitors.hints import delays, intake
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/tv")


def after(seconds: float) -> dt.datetime:
    return FakeClock().now() + dt.timedelta(seconds=seconds)


def test_it_waits_for_silence_but_not_for_ever(root: Root) -> None:
    clock = FakeClock()
    dues = []
    for _ in range(30):
        hints.add(root.pk, ["Show"], "watch", clock=clock)
        dues.append(Hint.objects.get().due_at)
        clock.advance(10)
    assert dues[0] == after(30) and dues[1] == after(40)
    assert max(dues) == after(delays.MAX_WAIT)
    assert Hint.objects.get().hits == 30


def test_it_keeps_one_waiting_row_a_folder(root: Root) -> None:
    assert hints.add(root.pk, ["a", "b", "a"], "watch") == 2
    hints.add(root.pk, ["b", "c"], "sonarr")
    assert dict(Hint.objects.values_list("path", "hits")) == {"a": 1, "b": 2, "c": 1}


def test_it_makes_one_job_of_what_is_due(root: Root) -> None:
    clock = FakeClock()
    hints.add(root.pk, ["b", "a"], "watch", clock=clock)
    assert hints.settle(clock) == []
    clock.advance(20)
    hints.add(root.pk, ["late"], "watch", clock=clock)
    clock.advance(10)
    [submitted] = hints.settle(clock)
    assert submitted.job.scope == {"root": root.pk, "paths": ["a", "b"], "shallow": True}
    assert submitted.job.trigger == "watcher"
    assert set(Hint.objects.filter(state="taken").values_list("path", "job_id")) == {
        ("a", submitted.job.pk),
        ("b", submitted.job.pk),
    }


def test_it_widens_the_job_that_has_not_begun(root: Root) -> None:
    clock = FakeClock()
    hints.add(root.pk, ["a"], "watch", clock=clock)
    clock.advance(30)
    [first] = hints.settle(clock)
    for path in ("b", "c"):
        hints.add(root.pk, [path], "watch", clock=clock)
        clock.advance(30)
        [joined] = hints.settle(clock)
        assert joined.deduplicated and joined.job == first.job
    job = Job.objects.get()
    assert job.scope == {"root": root.pk, "paths": ["a", "b", "c"], "shallow": True}
    assert job.title_params["count"] == 3
    Job.objects.update(state="running")
    hints.add(root.pk, ["b"], "watch", clock=clock)
    clock.advance(30)
    [second] = hints.settle(clock)
    assert second.job != job and second.job.scope["paths"] == ["b"]
    assert set(Hint.objects.values_list("path", "job_id")) == {
        *(("a", job.pk), ("b", job.pk), ("c", job.pk)),
        ("b", second.job.pk),
    }


def test_it_takes_a_hint_during_the_job_for_a_new_one(root: Root) -> None:
    clock = FakeClock()
    for state in ("running", "completed"):
        hints.add(root.pk, ["a"], "watch", clock=clock)
        clock.advance(30)
        [submitted] = hints.settle(clock)
        Job.objects.filter(pk=submitted.job.pk).update(state=state)
    assert Hint.objects.filter(state="taken").count() == 2 == Job.objects.count()


def test_it_waits_while_the_root_is_down_or_off(root: Root) -> None:
    clock = FakeClock()
    hints.add(root.pk, ["a"], "watch", clock=clock)
    clock.advance(30)
    Root.objects.update(guard="down")
    assert hints.settle(clock) == []
    Root.objects.update(guard="ok", enabled=False)
    assert hints.settle(clock) == []
    Root.objects.update(enabled=True)
    assert len(hints.settle(clock)) == 1


def test_it_keeps_roots_apart(root: Root) -> None:
    other = Root.objects.create(name="Movies", path="/movies")
    clock = FakeClock()
    hints.add(root.pk, ["a"], "watch", clock=clock)
    hints.add(other.pk, ["a"], "sonarr", clock=clock)
    clock.advance(30)
    assert {(each.job.scope["root"], each.job.trigger) for each in hints.settle(clock)} == {
        (root.pk, "watcher"),
        (other.pk, "webhook"),
    }


def test_it_forgets_what_is_long_done(root: Root) -> None:
    clock = FakeClock()
    intake.take_in([Notice("C:\\x")], Source("sonarr"), clock=clock)
    hints.add(root.pk, ["a"], "watch", clock=clock)
    clock.advance(8 * 24 * 3600)
    assert hints.forget(clock) == 1 and Hint.objects.get().path == "a"


def test_it_takes_ten_thousand_folders_in_few_statements(root: Root, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(200):  # type: ignore[operator]
        assert hints.add(root.pk, [f"d{n}" for n in range(10_000)], "watch") == 10_000
    assert Hint.objects.count() == 10_000


def test_it_takes_in_ten_thousand_files_in_few_statements(django_assert_max_num_queries: object) -> None:
    for number in range(3):
        Root.objects.create(name=f"R{number}", path=f"/r{number}")
    paths = [f"/r{number % 2000 % 3}/Show {number % 2000}/e{number}.mkv" for number in range(10_000)]
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        assert intake.take_in(map(Notice, paths), Source("sonarr", "sonarr")) == 10_000
    rows = Hint.objects.select_related("root")
    assert {f"{row.root}/{row.path}/{row.name}" for row in rows} == {path[1:].replace("r", "R", 1) for path in paths}


def test_it_settles_ten_thousand_files_as_a_few_jobs(django_assert_max_num_queries: object) -> None:
    roots = [Root.objects.create(name=f"R{number}", path=f"/no/r{number}") for number in range(3)]
    clock = FakeClock()
    source = Source("sonarr", "sonarr", wait_for_file=False)
    paths = [f"/no/r{number % 2000 % 3}/Show {number % 2000}/e{number}.mkv" for number in range(10_000)]
    assert intake.take_in(map(Notice, paths), source, clock=clock) == 2000
    clock.advance(10)
    with django_assert_max_num_queries(80):  # type: ignore[operator]
        made = hints.settle(clock)
    assert {each.job.scope["root"] for each in made} == {root.pk for root in roots} and len(made) == 3
    assert sum(len(each.job.scope["paths"]) for each in made) == 2000

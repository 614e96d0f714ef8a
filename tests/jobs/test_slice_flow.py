"""One slice from claim to ending: stages, counters, hand-over, results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mediasync.core.errors import NeedsOperator, Permanent, Transient
from mediasync.jobs.choices import JobState, OnError
from mediasync.jobs.models import Event
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped
from mediasync.jobs.registry import Failed as FailedItem

from .slicing import Bench, Scripted, counted, running

pytestmark = pytest.mark.django_db


def test_it_runs_all_items_and_completes_the_job() -> None:
    stage = Scripted(["x/1", "x/2", "y/1"])
    with running(stage) as bench:
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED
        assert stage.ran == ["x/1", "x/2", "y/1"]
        assert bench.job.total_final and bench.job.lease_until is None
        counted(bench.job)


def test_it_runs_stages_in_order_and_an_empty_stage_succeeds() -> None:
    ran: list[str] = []

    def note(item: ItemInfo, ctx: Context) -> Outcome:
        ran.append(item.key)
        return Done()

    stages = [Scripted([key] if key else [], note, name=f"s{key}") for key in ("1", "", "2")]
    with running(*stages) as bench:
        assert bench.slice() == "done"
        assert ran == ["1", "2"]
        assert [bench.stage(seq).state for seq in (1, 2, 3)] == ["succeeded"] * 3


def test_it_sums_up_the_numbers_that_items_return() -> None:
    stage = Scripted(["a", "b"], lambda item, ctx: Done({"bytes": 10, "name": item.key, "ok": True}))
    with running(stage) as bench:
        bench.slice()
        assert bench.stage().result == {"bytes": 20}
        assert bench.item("a").result == {"bytes": 10, "name": "a", "ok": True}


def test_it_hands_over_when_its_time_is_up_and_goes_on_from_there() -> None:
    stage = Scripted([str(number) for number in range(6)])
    with running(stage) as bench:
        stage.do = lambda item, ctx: bench.clock.sleep(4) or Done()
        epoch = bench.job.epoch
        assert bench.slice(budget=10) == "handed_over"
        assert bench.sent == [(bench.job.pk, epoch + 2)]
        assert bench.job.state == JobState.RUNNING and bench.job.lease_owner == ""
        assert bench.slice(budget=100) == "done"
        assert sorted(stage.ran) == stage.keys
        counted(bench.job)


def test_it_lists_the_first_200_skips_and_counts_the_rest() -> None:
    stage = Scripted([str(number) for number in range(230)], lambda item, ctx: Skipped("same", {"key": item.key}))
    with running(stage) as bench:
        assert bench.slice() == "done"
        assert Event.objects.filter(job=bench.job, code="same").count() == 200
        assert Event.objects.get(job=bench.job, code="skips_not_listed").params == {"count": 30}
        assert bench.job.skipped == 230 and bench.item("7").error_code == "same"


class Batches(Scripted):
    batch = 3

    def run_batch(self, items: list[ItemInfo], ctx: Context) -> list[Outcome]:
        self.ran.append(" ".join(item.key for item in items))
        return [FailedItem(Permanent("No.", code="no")) if item.key == "c" else Done() for item in items]


def test_it_gives_batches_to_stages_that_take_them() -> None:
    stage = Batches(["a", "b", "c", "d"])
    with running(stage) as bench:
        assert bench.slice() == "done"
        assert stage.ran == ["a b c", "d"]
        assert bench.states() == {"a": "succeeded", "b": "succeeded", "c": "failed", "d": "succeeded"}
        assert bench.job.state == JobState.COMPLETED_WITH_ERRORS
        counted(bench.job)


def test_it_fails_the_batch_that_returns_too_few_outcomes() -> None:
    stage = Batches(["a", "b"], attempts=1)
    stage.run_batch = lambda items, ctx: [Done()]
    with running(stage) as bench:
        assert bench.slice() == "done"
        assert bench.states() == {"a": "failed", "b": "failed"}


class Blocks(Scripted):
    """Plans a block a second, each with a cursor."""

    bench: Bench

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        for number in range(cursor or 0, 8):
            self.bench.clock.sleep(1)
            yield Planned([NewItem(f"g/{number}", {"n": number}, group="g")], cursor=number + 1)


def test_it_plans_on_from_its_cursor_in_the_next_slice() -> None:
    stage = Blocks()
    with running(stage) as bench:
        stage.bench = bench
        assert bench.slice(budget=3) == "handed_over"
        assert bench.stage().state == "planning" and 0 < bench.job.total < 8 and not bench.job.total_final
        while (came_out := bench.slice(budget=3)) == "handed_over":
            pass
        assert came_out == "done"
        assert bench.job.total == 8 and len(stage.ran) == 8
        counted(bench.job)


def test_it_plans_to_the_end_where_planning_cannot_be_resumed() -> None:
    stage = Blocks()
    original = stage.plan
    stage.plan = lambda job, cursor: (Planned(block.items) for block in original(job, cursor))
    with running(stage) as bench:
        stage.bench = bench
        assert bench.slice(budget=3) == "handed_over"
        assert bench.stage().planned and bench.job.total == 8


def test_planning_twice_is_harmless() -> None:
    stage = Scripted(["g/a", "g/b", "g/a"])
    with running(stage) as bench:
        assert bench.slice() == "done"
        assert bench.job.total == 2 and bench.stage().groups.get().total == 2
        counted(bench.job)


@pytest.mark.parametrize(
    ("error", "came_out", "state"),
    [
        (Permanent("Gone.", code="gone"), "failed", JobState.FAILED),
        (ValueError("what"), "failed", JobState.FAILED),
        (NeedsOperator("Login.", code="login"), "needs_operator", JobState.PAUSED),
        (Transient("Later.", code="later"), "snoozed", JobState.SCHEDULED),
    ],
)
def test_it_says_why_it_cannot_plan(error: Exception, came_out: str, state: JobState) -> None:
    stage = Scripted()

    def plan(job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        raise error
        yield

    stage.plan = plan
    with running(stage, Scripted(name="later")) as bench:
        assert bench.slice() == came_out
        assert bench.job.state == state
        assert bench.job.reason_code == getattr(error, "code", "unexpected")
        if state == JobState.FAILED:
            assert (bench.stage(1).state, bench.stage(2).state) == ("failed", "skipped")


def test_planning_that_fails_transiently_is_given_up_in_the_end() -> None:
    stage = Scripted(attempts=3)

    def plan(job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        raise Transient("Later.")
        yield

    stage.plan = plan
    with running(stage) as bench:
        outcomes = []
        while bench.job.state != JobState.FAILED:
            outcomes.append(bench.slice())
            if bench.job.state == JobState.SCHEDULED:
                bench.again()
        assert outcomes == ["snoozed", "snoozed", "failed"]


def test_it_fails_fast_and_skips_the_stages_behind() -> None:
    def fail(item: ItemInfo, ctx: Context) -> Outcome:
        raise Permanent("No.", code="no")

    with running(Scripted(do=fail, on_error=OnError.FAIL_FAST), Scripted(name="later")) as bench:
        assert bench.slice() == "failed"
        assert (bench.job.reason_code, bench.job.reason_params["message"]) == ("no", "No.")
        assert (bench.stage(1).state, bench.stage(2).state) == ("failed", "skipped")
        assert list(bench.states().values()).count("failed") == 1
        counted(bench.job)


def test_it_stops_after_so_many_failures() -> None:
    def fail(item: ItemInfo, ctx: Context) -> Outcome:
        raise Permanent("No.", code="no")

    keys = [str(number) for number in range(9)]
    with running(Scripted(keys, fail, on_error=OnError.STOP_AFTER, stop_after=3)) as bench:
        assert bench.slice() == "failed"
        assert 3 <= bench.job.failed < 9
        counted(bench.job)

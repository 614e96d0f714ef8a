"""What a slice does with the items that a dead worker left running."""

from __future__ import annotations

import pytest

from mediasync.jobs import items, rescue, trees
from mediasync.jobs.choices import Effect, JobState
from mediasync.jobs.models import Event, Item
from mediasync.jobs.registry import Context, Done, ItemInfo, Outcome
from mediasync.jobs.transitions import transition
from mediasync.jobs.verbs import UNFINISHED_ITEMS

from .slicing import Bench, Scripted, counted, running

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Stands for kill -9: passes through everything."""


def kill(bench: Bench) -> None:
    """Run a slice that dies, and wait until its lease is over."""
    with pytest.raises(Killed):
        bench.slice()
    bench.clock.advance(61)


def killer(*keys: str, times: int = 1, **attributes: object) -> Scripted:
    left = [times]

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if item.key in keys and left[0]:
            left[0] -= 1
            raise Killed
        return Done()

    return Scripted(["g/a", "g/b", "g/c", "g/d"], do, **attributes)


def test_interrupted_items_run_again_alone() -> None:
    stage = killer("g/a")
    with running(stage) as bench:
        kill(bench)
        assert bench.states()["g/a"] == "running" and bench.item("g/a").attempt == 1
        seen: list[list[str]] = []

        def look(item: ItemInfo, ctx: Context) -> Outcome:
            seen.append([key for key, state in bench.states().items() if state == "running"])
            return Done()

        stage.do = look
        assert bench.slice() == "done"
        assert seen[0] == ["g/a"]
        assert bench.item("g/a").crashes == 1 and bench.item("g/a").attempt == 2
        assert Event.objects.get(job=bench.job, code="items_interrupted").params == {"count": 1}
        counted(bench.job)


def test_an_item_that_kills_its_worker_fails_alone() -> None:
    stage = killer("g/b", times=99)
    with running(stage) as bench:
        for _ in range(3):
            kill(bench)
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED_WITH_ERRORS
        assert bench.states() == {"g/a": "succeeded", "g/b": "failed", "g/c": "succeeded", "g/d": "succeeded"}
        assert bench.item("g/b").error_code == "worker_died_on_item"
        assert bench.stage().groups.get().failed == 1
        counted(bench.job)


def test_an_item_that_gets_on_between_its_crashes_is_no_killer() -> None:
    """A crawl of a day is one item, and the machine may be switched off often in a day."""
    deaths = [1, 2, 3, 4, 5]

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if not deaths:
            return Done()
        with ctx.transaction({"after": deaths.pop()}):
            pass
        raise Killed

    with running(Scripted(["a"], do)) as bench:
        for _ in range(5):
            kill(bench)
            assert bench.item("a").crashes <= 1
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED


def test_an_item_that_crashed_before_stays_alone_when_it_is_retried() -> None:
    stage = killer("g/a")
    with running(stage) as bench:
        kill(bench)
        Item.objects.filter(key="g/c").update(crashes=1)
        running_at: dict[str, int] = {}

        def look(item: ItemInfo, ctx: Context) -> Outcome:
            running_at[item.key] = Item.objects.filter(state="running").count()
            return Done()

        stage.do = look
        assert bench.slice() == "done"
        assert running_at["g/c"] == 1
        counted(bench.job)


def test_what_may_not_be_repeated_is_not() -> None:
    stage = killer("g/a", effect=Effect.ONCE)
    with running(stage) as bench:
        kill(bench)
        assert bench.slice() == "done"
        assert stage.ran.count("g/a") == 1
        assert bench.item("g/a").error_code == "not_repeated"
        counted(bench.job)


def test_once_marks_each_item_only_when_it_is_its_turn() -> None:
    stage = killer("g/c", effect=Effect.ONCE)
    with running(stage) as bench:
        kill(bench)
        assert bench.states() == {"g/a": "succeeded", "g/b": "succeeded", "g/c": "running", "g/d": "pending"}


@pytest.mark.parametrize("was_done", [True, False])
def test_an_interrupted_item_is_looked_at_before_it_is_repeated(was_done: bool) -> None:
    stage = killer("g/a", effect=Effect.VERIFY)
    stage.verify = lambda item, ctx: Done({"seen": 1}) if was_done else None
    with running(stage) as bench:
        kill(bench)
        assert bench.slice() == "done"
        assert stage.ran.count("g/a") == (1 if was_done else 2)
        assert bench.stage().result == ({"seen": 1} if was_done else {})
        counted(bench.job)


@pytest.mark.parametrize("force", [False, True])
def test_an_item_that_died_before_a_cancel_is_looked_at_when_it_is_retried(force: bool) -> None:
    stage = killer("g/a", effect=Effect.VERIFY)
    stage.verify = lambda item, ctx: Done()
    with running(stage) as bench:
        kill(bench)
        bench.ask(JobState.CANCEL_REQUESTED)
        assert rescue.settle_dead(bench.clock.now()) == 1
        trees.reopen(bench.job.pk, UNFINISHED_ITEMS, only=None, force=force)
        transition(bench.job.pk, JobState.QUEUED, expect=JobState.CANCELED, bump_epoch=True)
        bench.again()
        assert bench.slice() == "done"
        assert stage.ran.count("g/a") == 1 + force
        counted(bench.job)


def test_a_slice_that_lost_its_lease_writes_nothing() -> None:
    taken: list[str] = []

    def lose(item: ItemInfo, ctx: Context) -> Outcome:
        if len(stage.ran) == 1:
            bench.clock.advance(61)
            taken.append(bench.slice())
        return Done({"by": 1})

    stage = Scripted(["a", "b"], lose)
    with running(stage) as bench:
        assert bench.slice() == "lost"
        assert taken == ["done"]
        assert bench.job.state == JobState.COMPLETED and bench.stage().result == {"by": 2}
        counted(bench.job)


@pytest.mark.parametrize("threads", [False, True])
def test_a_mistake_in_the_engine_or_a_kind_fails_the_job_at_once(
    monkeypatch: pytest.MonkeyPatch, threads: bool
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(items, "record", broken)
    with running(Scripted(["g/a", "g/b"]), Scripted(name="later")) as bench:
        assert bench.slice(threads=threads) == "failed"
        assert (bench.job.state, bench.job.reason_code) == (JobState.FAILED, "unexpected")
        assert bench.job.reason_params == {"message": "oops"}
        assert bench.job.lease_until is None
        assert "running" not in bench.states().values()
        counted(bench.job)


def test_a_kind_that_cannot_say_how_many_threads_it_needs_fails_its_job() -> None:
    stage = Scripted()
    with running(stage) as bench:
        stage.workers_for = lambda job: int(job.scope["none"])
        assert bench.slice() == "failed"
        assert bench.job.reason_params == {"message": "'none'"}

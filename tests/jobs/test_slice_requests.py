"""Pause, cancel, shutdown and the panic button reach a slice at the next safe point."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from mediasync.core.errors import LostLease
from mediasync.jobs.choices import JobState, WorkerState
from mediasync.jobs.models import EngineState, Event, Job, Worker
from mediasync.jobs.registry import Context, Done, ItemInfo, Outcome
from mediasync.jobs.transitions import transition

from .slicing import Scripted, counted, running

pytestmark = pytest.mark.django_db


def asking(key: str, ask: Callable[[], object]) -> Scripted:
    """Return a stage of four items in which ``ask`` happens while ``key`` runs; each takes a second."""

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if item.key == key:
            ask()
        ctx._signals.lease.clock.sleep(1)
        return Done()

    return Scripted(["g/a", "g/b", "g/c", "g/d"], do)


def test_a_pause_takes_effect_between_items() -> None:
    with running(stage := asking("g/a", lambda: bench.ask(JobState.PAUSE_REQUESTED))) as bench:
        assert bench.slice() == "paused"
        assert bench.job.state == JobState.PAUSED and bench.job.lease_owner == ""
        assert stage.ran == ["g/a"] and "running" not in bench.states().values()
        assert bench.item("g/b").attempt == 0 and bench.sent == []
        counted(bench.job)


def test_a_pause_during_the_last_item_pauses_and_completes_after_the_resume() -> None:
    with running(asking("g/d", lambda: bench.ask(JobState.PAUSE_REQUESTED))) as bench:
        assert bench.slice() == "paused"
        assert transition(bench.job.pk, JobState.QUEUED, expect=JobState.PAUSED, bump_epoch=True)
        bench.again()
        assert bench.slice() == "done" and bench.job.state == JobState.COMPLETED
        counted(bench.job)


def test_a_resume_while_it_drains_hands_over_instead() -> None:
    with running(stage := asking("g/a", lambda: bench.ask(JobState.PAUSE_REQUESTED))) as bench:
        ask = stage.do

        def resume(item: ItemInfo, ctx: Context) -> Outcome:
            outcome = ask(item, ctx)
            assert ctx.stopping  # the pause was seen …
            assert transition(bench.job.pk, JobState.RUNNING, expect=JobState.PAUSE_REQUESTED)
            return outcome

        stage.do = resume
        assert bench.slice(budget=0.5) == "handed_over"
        assert bench.job.state == JobState.RUNNING and len(bench.sent) == 1


def test_a_cancel_marks_what_is_left() -> None:
    with running(asking("g/b", lambda: bench.ask(JobState.CANCEL_REQUESTED)), Scripted(name="later")) as bench:
        assert bench.slice() == "canceled"
        assert bench.states() == {"g/a": "succeeded", "g/b": "succeeded", "g/c": "canceled", "g/d": "canceled"}
        assert (bench.stage(1).state, bench.stage(2).state) == ("canceled", "canceled")
        counted(bench.job)


def test_a_cancel_after_a_pause_request_cancels() -> None:
    def both() -> None:
        bench.ask(JobState.PAUSE_REQUESTED)
        assert transition(bench.job.pk, JobState.CANCEL_REQUESTED, expect=JobState.PAUSE_REQUESTED)

    with running(asking("g/a", both)) as bench:
        assert bench.slice() == "canceled"


def test_a_cancel_when_nothing_is_left_completes() -> None:
    with running(asking("g/d", lambda: bench.ask(JobState.CANCEL_REQUESTED))) as bench:
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED


def test_a_long_item_stops_at_its_checkpoint_and_goes_on_from_its_cursor() -> None:
    def count(item: ItemInfo, ctx: Context) -> Outcome:
        for number in range(item.cursor or 0, 10):
            if number == 4 and not item.cursor:
                bench.ask(JobState.PAUSE_REQUESTED)
            steps.append(number)
            bench.clock.sleep(1)
            ctx.checkpoint(number + 1)
        return Done()

    steps: list[int] = []
    with running(Scripted(["a"], count)) as bench:
        assert bench.slice() == "paused"
        item = bench.item("a")
        assert (item.state, item.cursor, item.attempt) == ("pending", 5, 0)
        assert transition(bench.job.pk, JobState.QUEUED, expect=JobState.PAUSED, bump_epoch=True)
        bench.again()
        assert bench.slice() == "done"
        assert steps == list(range(10))


def test_a_long_item_with_a_cursor_makes_room_when_the_time_is_up() -> None:
    def count(item: ItemInfo, ctx: Context) -> Outcome:
        for number in range(item.cursor or 0, 10):
            bench.clock.sleep(1)
            ctx.checkpoint(number + 1)
        return Done()

    with running(Scripted(["a"], count)) as bench:
        assert [bench.slice(budget=4) for _ in range(3)] == ["handed_over", "handed_over", "done"]


def test_items_that_stopped_at_a_checkpoint_are_not_forgotten() -> None:
    """The batch that was claimed last is smaller than what was asked for, and one of it stops: the stage goes on."""

    def count(item: ItemInfo, ctx: Context) -> Outcome:
        if item.key == "z":
            for number in range(item.cursor or 0, 10):
                bench.clock.sleep(1)
                ctx.checkpoint(number + 1)
        return Done()

    with running(Scripted([*"abcdefghijk", "z"], count)) as bench:
        assert [bench.slice(budget=4) for _ in range(3)] == ["handed_over", "handed_over", "done"]
        assert set(bench.states().values()) == {"succeeded"}
        counted(bench.job)


def test_a_long_item_without_a_cursor_runs_to_its_end() -> None:
    def count(item: ItemInfo, ctx: Context) -> Outcome:
        for _ in range(10):
            bench.clock.sleep(1)
            ctx.checkpoint()
        return Done()

    with running(Scripted(["a", "b"], count)) as bench:
        assert [bench.slice(budget=4) for _ in range(2)] == ["handed_over", "done"]


def test_a_worker_that_is_told_to_stop_hands_over() -> None:
    with running(asking("g/a", lambda: Worker.objects.update(stop_requested_at=bench.clock.now()))) as bench:
        Worker.objects.create(host="host", boot="boot", pid=1, state=WorkerState.READY)
        assert bench.slice() == "handed_over"
        assert len(bench.sent) == 1 and bench.job.done == 1


def test_the_panic_button_releases_the_job_without_a_message() -> None:
    with running(asking("g/b", lambda: EngineState.objects.create(pk=1, paused_all=True))) as bench:
        assert bench.slice() == "engine_paused"
        assert (bench.job.state, bench.job.reason_code, bench.sent) == (JobState.RUNNING, "engine_paused", [])
        EngineState.objects.update(paused_all=False)
        assert bench.slice() == "done"
        assert bench.job.reason_code == ""


def test_a_job_whose_pause_was_asked_before_the_slice_is_settled_by_it() -> None:
    with running(stage := Scripted()) as bench:
        bench.ask(JobState.PAUSE_REQUESTED)
        assert bench.slice() == "paused"
        assert stage.ran == []


def test_a_snooze_does_not_overtake_a_pause() -> None:
    from mediasync.core.errors import Snooze

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        bench.ask(JobState.PAUSE_REQUESTED)
        raise Snooze(until=bench.clock.now() + dt.timedelta(hours=1))

    with running(Scripted(["a"], do)) as bench:
        assert bench.slice() == "paused"


def test_a_transaction_of_an_item_is_fenced_and_saves_its_cursor() -> None:
    def write(item: ItemInfo, ctx: Context) -> Outcome:
        with ctx.transaction({"page": 2}):
            Job.objects.filter(pk=ctx.job.id).update(actor="written")
        assert bench.item("a").cursor == {"page": 2}
        Job.objects.filter(pk=ctx.job.id).update(epoch=99)
        with pytest.raises(LostLease), ctx.transaction():
            raise AssertionError("not reached")
        Job.objects.filter(pk=ctx.job.id).update(epoch=ctx._signals.lease.epoch)
        return Done()

    with running(Scripted(["a"], write)) as bench:
        assert bench.slice() == "done"
        assert bench.job.actor == "written"


def test_an_item_can_log() -> None:
    with running(Scripted(["a"], lambda item, ctx: ctx.log("found", path="/x") or Done())) as bench:
        assert bench.slice() == "done"
        event = Event.objects.get(job=bench.job, code="found")
        assert (event.item_key, event.params) == ("a", {"path": "/x"})

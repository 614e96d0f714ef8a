"""A job run to its end in this process, with no worker."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import NeedsOperator, Permanent, Transient
from mediasync.jobs import boot, registry, services
from mediasync.jobs.choices import JobState, LaneMode, Source
from mediasync.jobs.drain import drain
from mediasync.jobs.models import EngineState, Item, Job, Worker
from mediasync.jobs.registry import Context, Done, ItemInfo, JobKind, Lane, Outcome
from mediasync.jobs.snapshots import Snapshot

from .slicing import Scripted, counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def submit() -> Any:
    """Return a function that submits a job of the given stages."""
    with registry.registered():

        def make(*stages: Scripted, **more: Any) -> Job:
            registry.register(JobKind("scripted", "Scripted", stages, **more))
            return services.submit("scripted", {}).job

        yield make


Submit = Callable[..., Job]


def raising(*errors: BaseException) -> Scripted:
    left = list(errors)

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if left:
            raise left.pop(0)
        return Done()

    return Scripted(["a"], do)


def test_it_runs_a_job_to_its_end(submit: Submit) -> None:
    job = drain(submit(Scripted(), Scripted(name="more")).pk, clock=FakeClock())
    assert job.state == JobState.COMPLETED and job.total == 6
    assert not Worker.objects.exists()
    counted(job)


def test_it_sleeps_through_retries(submit: Submit) -> None:
    clock = FakeClock()
    before = clock.now()
    job = drain(submit(raising(Transient(), Transient())).pk, clock=clock)
    assert job.state == JobState.COMPLETED
    assert 15 <= (clock.now() - before).total_seconds() <= 60
    assert Item.objects.get().attempt == 3


def test_it_goes_on_over_many_slices(submit: Submit) -> None:
    clock = FakeClock()

    def slow(item: ItemInfo, ctx: Context) -> Outcome:
        clock.sleep(10)
        return Done()

    job = drain(submit(Scripted([str(n) for n in range(20)], slow)).pk, clock=clock)
    assert job.state == JobState.COMPLETED and job.done == 20


def test_it_returns_a_job_that_needs_a_person(submit: Submit) -> None:
    job = drain(submit(raising(NeedsOperator("Login.", code="login"))).pk, clock=FakeClock())
    assert (job.state, job.reason_code) == (JobState.PAUSED, "login")


def test_it_tells_of_errors(submit: Submit) -> None:
    job = drain(submit(raising(Permanent("No."))).pk, clock=FakeClock())
    assert job.state == JobState.COMPLETED_WITH_ERRORS


def test_it_honours_commands_by_itself(submit: Submit) -> None:
    clock = FakeClock()

    def ask(item: ItemInfo, ctx: Context) -> Outcome:
        if item.key == "a":
            services.pause(Job.objects.get(), actor="me", source=Source.CLI)
        clock.sleep(20)
        return Done()

    pk = submit(Scripted(do=ask)).pk
    job = drain(pk, clock=clock)
    assert (job.state, job.done) == (JobState.PAUSED, 1)
    services.resume(job, actor="me", source=Source.CLI)
    assert drain(pk, clock=clock).state == JobState.COMPLETED


def test_it_cancels_on_command(submit: Submit) -> None:
    clock = FakeClock()

    def ask(item: ItemInfo, ctx: Context) -> Outcome:
        services.cancel(Job.objects.get(), actor="me", source=Source.CLI)
        clock.sleep(20)
        return Done()

    job = drain(submit(Scripted(do=ask)).pk, clock=clock)
    assert (job.state, job.done) == (JobState.CANCELED, 1)


def test_it_stops_when_told_and_can_be_started_again(submit: Submit) -> None:
    clock = FakeClock()
    seen: list[str] = []

    def slow(item: ItemInfo, ctx: Context) -> Outcome:
        seen.append(item.key)
        clock.sleep(1)
        return Done()

    pk = submit(Scripted(do=slow)).pk
    job = drain(pk, clock=clock, stop=lambda: bool(seen))
    assert job.state == JobState.RUNNING and job.lease_owner == "" and job.handed_over_at is not None
    assert job.done == 1
    assert drain(pk, clock=clock).state == JobState.COMPLETED
    assert seen == ["a", "b", "c"]


def test_it_waits_for_its_lane(submit: Submit) -> None:
    clock = FakeClock()
    pk = submit(Scripted(), lanes=lambda scope: [Lane("root:1", LaneMode.EXCLUSIVE)]).pk
    until = clock.now().replace(minute=5)
    running = {"state": JobState.RUNNING, "lease_owner": "other", "lease_until": until}
    other = Job.objects.create(kind="scripted", title_code="x", **running)
    other.lanes.create(key="root:1", mode=LaneMode.EXCLUSIVE)
    began = clock.now()

    def stop() -> bool:
        if (clock.now() - began).total_seconds() > 30:
            Job.objects.filter(pk=other.pk).update(state=JobState.COMPLETED)
        return False

    job = drain(pk, clock=clock, stop=stop)
    assert job.state == JobState.COMPLETED
    assert 30 < (clock.now() - began).total_seconds() < 40


@pytest.mark.parametrize("worker", [False, True])
def test_it_takes_the_lane_of_a_job_that_nobody_works_on(submit: Submit, worker: bool) -> None:
    """After Ctrl-C and after a kill: there may be no worker, and nobody else would ever make way."""
    clock = FakeClock()
    dead = subprocess.Popen(["true"])
    dead.wait()
    pk = submit(Scripted(), lanes=lambda scope: [Lane("root:1", LaneMode.EXCLUSIVE)]).pk
    for owner, until in (("", None), (boot.owner(dead.pid), clock.now().replace(minute=59))):
        other = Job.objects.create(
            kind="scripted", title_code="x", state=JobState.RUNNING, lease_owner=owner, lease_until=until
        )
        other.lanes.create(key="root:1", mode=LaneMode.EXCLUSIVE)
    asked = iter(range(10))
    if worker:  # a conductor that ticks has the message sent again, and so the lane is not ours to take
        EngineState.objects.update_or_create(pk=1, defaults={"last_tick": clock.now()})
    job = drain(pk, clock=clock, stop=lambda: next(asked) == 9)
    assert job.state == (JobState.QUEUED if worker else JobState.COMPLETED)
    assert Job.objects.filter(state=JobState.QUEUED).count() == 2


def test_what_was_stopped_is_free_at_once(submit: Submit) -> None:
    clock = FakeClock()
    begun: list[str] = []

    def slow(item: ItemInfo, ctx: Context) -> Outcome:
        begun.append(item.key)
        clock.sleep(1)
        return Done()

    pk = submit(Scripted(do=slow), lanes=lambda scope: [Lane("root:1", LaneMode.EXCLUSIVE)]).pk
    drain(pk, clock=clock, stop=lambda: len(begun) == 1)
    assert Job.objects.get(pk=pk).state == JobState.RUNNING
    before = clock.now()
    assert drain(services.submit("scripted", {}).job.pk, clock=clock).state == JobState.COMPLETED
    assert len(begun) == 4 and (clock.now() - before).total_seconds() == 3  # no waiting between


def test_it_reports_progress(submit: Submit) -> None:
    told: list[Snapshot] = []
    clock = FakeClock()

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        for _ in range(3):
            clock.sleep(0.15)
            ctx.progress(f"reading {item.key}", directories=5)
        return Done({"directories": 7})

    drain(submit(Scripted(["a"], do)).pk, clock=clock, on_progress=told.append)
    assert [(each.text, each.planning) for each in told] == [("", True), ("reading a", False), ("", False)]
    assert told[1].numbers == {"directories": 5}
    assert told[-1].numbers == {"directories": 7} and told[-1].finished == 1


def test_it_looks_on_while_another_process_works(submit: Submit) -> None:
    clock = FakeClock()
    told: list[Snapshot] = []
    pk = submit(Scripted()).pk
    until = clock.now().replace(minute=5)
    Job.objects.update(state=JobState.RUNNING, lease_owner="other", lease_until=until, current="elsewhere")
    job = drain(pk, clock=clock, on_progress=told.append)
    assert job.state == JobState.COMPLETED and clock.now() > until
    assert told[0].text == "elsewhere"


def test_it_does_not_wait_for_a_dead_process(submit: Submit) -> None:
    clock = FakeClock()
    pk = submit(Scripted()).pk
    until = clock.now().replace(minute=5)
    dead = subprocess.Popen(["true"])
    dead.wait()
    Job.objects.update(state=JobState.RUNNING, lease_owner=boot.owner(dead.pid), lease_until=until)
    assert drain(pk, clock=clock).state == JobState.COMPLETED
    assert clock.now() < until

"""A tick: commands, promotion, dead workers, lost messages; with a courier that only remembers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import DataError

from mediasync.core.clock import FakeClock
from mediasync.jobs import boot, conductor, promotion, registry, services, verbs
from mediasync.jobs.choices import CommandState, ItemState, JobState, LaneMode, Source, StageState, Verb, WorkerState
from mediasync.jobs.models import Command, EngineState, Event, Item, Job, Worker

pytestmark = pytest.mark.django_db
S = JobState


class Nothing(registry.Stage):
    name = "nothing"


def _precondition(scope: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    if scope.get("bug"):
        raise ZeroDivisionError("oops")
    return ("server_offline", {"server": 3}) if scope.get("offline") else None


KIND = registry.JobKind(
    name="trial",
    label="Trial",
    stages=(Nothing(),),
    precondition=_precondition,
    lanes=lambda scope: [registry.Lane(key, LaneMode.SHARED) for key in scope.get("lanes", ["general"])],
)


class Play:
    """An engine with a clock, and the messages that it sent."""

    def __init__(self) -> None:
        self.clock = FakeClock(dt.datetime.now(dt.UTC))
        self.sent: list[tuple[int, int]] = []
        self.queue: set[tuple[int, int]] = set()

    def tick(self, seconds: float = 1.0, **options: Any) -> bool:
        self.clock.advance(seconds)
        return conductor.tick(
            self.clock, send=lambda *m: self.sent.append(m), in_flight=lambda *m: m in self.queue, workers=2, **options
        )

    def submit(self, state: JobState | None = None, **scope: Any) -> Job:
        job = services.submit("trial", scope, dedupe=False).job
        return self.put(job, state=state) if state else job

    def put(self, job: Job, **fields: Any) -> Job:
        Job.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
        return job

    def claimed(self, state: JobState = S.RUNNING, **fields: Any) -> Job:
        """A job in the hands of a worker that lives."""
        lease = {"lease_owner": boot.owner(), "lease_until": self.clock.now() + dt.timedelta(seconds=60)}
        job = self.put(self.submit(), state=state, epoch=5, **lease | fields)
        for number, item_state in enumerate((ItemState.SUCCEEDED, ItemState.RUNNING, ItemState.PENDING)):
            Item.objects.create(stage=job.stages.get(), key=str(number), state=item_state)
        return job


def _state(job: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


def _items(job: Job) -> list[str]:
    return list(Item.objects.filter(stage__job=job).order_by("key").values_list("state", flat=True))


@pytest.fixture
def play() -> Iterator[Play]:
    with registry.registered(KIND):
        yield Play()


def test_it_starts_a_queued_job_with_one_message(play: Play) -> None:
    job = play.submit()
    play.tick()
    job.refresh_from_db()
    assert (job.state, play.sent) == (S.RUNNING, [(job.pk, job.epoch)])
    assert job.handed_over_at == play.clock.now()


def test_it_queues_and_starts_what_is_due(play: Play) -> None:
    job = play.put(play.submit(), state=S.SCHEDULED, not_before=play.clock.now() + dt.timedelta(seconds=10))
    play.tick()
    assert _state(job) == S.SCHEDULED
    play.tick(10)
    assert _state(job) == S.RUNNING


def test_it_says_why_a_job_waits(play: Play) -> None:
    first = play.submit(lanes=["download"])
    play.tick()
    second, offline, bug = play.submit(lanes=["download"]), play.submit(offline=True), play.submit(bug=True)
    play.tick()
    for job in (second, offline, bug):
        job.refresh_from_db()
    assert (second.reason_code, second.reason_params["job"]) == ("lane_busy", first.pk)
    assert (offline.reason_code, offline.reason_params) == ("server_offline", {"server": 3})
    assert bug.reason_code == "precondition_failed"
    rev = second.rev
    play.tick()
    second.refresh_from_db()
    assert second.rev == rev  # nothing new, nothing written


def test_it_skips_a_kind_that_no_longer_exists(play: Play) -> None:
    job = play.put(play.submit(), kind="removed")
    play.tick()
    assert _state(job) == S.SKIPPED


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [
        (S.QUEUED, Verb.PAUSE, S.PAUSED),
        (S.SCHEDULED, Verb.CANCEL, S.CANCELED),
        (S.PAUSED, Verb.CANCEL, S.CANCELED),
        (S.INTERRUPTED, Verb.RESUME, S.RUNNING),  # queued, and started by the same tick
        (S.PAUSED, Verb.RESUME, S.RUNNING),
        (S.FAILED, Verb.RETRY_FAILED, S.RUNNING),
    ],
)
def test_it_carries_out_commands_on_jobs_that_rest(play: Play, before: JobState, verb: Verb, after: JobState) -> None:
    later = play.clock.now() + dt.timedelta(hours=1)
    job = play.put(play.submit(), state=before, not_before=later)
    command = services.command(job, verb, actor="ann", source=Source.WEB)
    play.tick()
    command.refresh_from_db()
    assert (command.state, _state(job)) == (CommandState.APPLIED, after)


def test_it_only_asks_a_job_that_is_in_a_workers_hands(play: Play) -> None:
    job = play.claimed()
    services.pause(job, actor="ann", source=Source.WEB)
    play.tick()
    assert _state(job) == S.PAUSE_REQUESTED
    services.resume(job, actor="ann", source=Source.WEB)
    play.tick()
    assert _state(job) == S.RUNNING
    services.cancel(job, actor="ann", source=Source.WEB)
    play.tick()
    assert (_state(job), _items(job)) == (S.CANCEL_REQUESTED, ["succeeded", "running", "pending"])


def test_it_settles_requests_that_nobody_is_there_to_answer(play: Play) -> None:
    pausing = play.claimed(S.PAUSE_REQUESTED, lease_owner="", lease_until=None)
    canceling = play.claimed(S.CANCEL_REQUESTED, lease_until=play.clock.now())
    play.tick()
    assert (_state(pausing), _state(canceling)) == (S.PAUSED, S.CANCELED)
    assert _items(canceling) == ["succeeded", "canceled", "canceled"]
    assert canceling.stages.get().state == StageState.CANCELED
    nothing_left = play.claimed(S.CANCEL_REQUESTED, lease_owner="", lease_until=None)
    nothing_left.stages.update(state=StageState.SUCCEEDED)
    play.tick()
    assert _state(nothing_left) == S.COMPLETED


def test_it_refuses_a_command_that_came_too_late(play: Play) -> None:
    job = play.claimed()
    command = services.pause(job, actor="ann", source=Source.WEB)
    play.put(job, state=S.COMPLETED)
    play.tick()
    command.refresh_from_db()
    assert (command.state, command.result_code) == (CommandState.REFUSED, "illegal_transition")
    assert _state(job) == S.COMPLETED


@pytest.mark.parametrize(
    "lease",
    [
        {"lease_until": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
        {"lease_owner": f"{boot.host()}/another-boot/1"},
        {"lease_owner": f"{boot.host()}/{boot.boot_id()}/4194304"},  # above the kernel's largest pid
    ],
    ids=["expired", "another boot", "dead process"],
)
def test_it_runs_the_job_of_a_dead_worker_again_at_once(play: Play, lease: dict[str, Any]) -> None:
    job = play.claimed(**lease)
    play.tick()
    job.refresh_from_db()
    assert (job.state, job.epoch, job.interruptions) == (S.RUNNING, 7, 1)
    assert play.sent == [(job.pk, 7)]
    assert _items(job) == ["succeeded", "interrupted", "pending"]
    assert Item.objects.get(key="1").crashes == 1
    codes = Event.objects.filter(job=job).order_by("pk").values_list("code", flat=True)
    assert list(codes) == ["job_interrupted", "item_interrupted", "worker_lost", "job_queued", "job_running"]


def test_it_leaves_a_living_worker_and_another_host_alone(play: Play) -> None:
    mine = play.claimed()
    other = play.claimed(lease_owner="elsewhere/boot/4194304")
    play.tick()
    assert (_state(mine), _state(other), play.sent) == (S.RUNNING, S.RUNNING, [])


def test_it_gives_up_after_five_interruptions_without_progress(play: Play) -> None:
    job = play.claimed()
    for _ in range(4):
        play.put(job, lease_owner="h/b/1", lease_until=play.clock.now())
        play.tick()
        assert _state(job) == S.RUNNING
    play.put(job, lease_owner="h/b/1", lease_until=play.clock.now(), done=1)
    play.tick()
    assert Job.objects.get(pk=job.pk).interruptions == 1  # it got somewhere
    play.put(job, lease_owner="h/b/1", lease_until=play.clock.now())
    Item.objects.filter(key="1").update(cursor={"after": "Films"})
    play.tick()
    assert Job.objects.get(pk=job.pk).interruptions == 1  # one item alone may be days of work
    for _ in range(4):
        play.put(job, lease_owner="h/b/1", lease_until=play.clock.now())
        play.tick()
    job.refresh_from_db()
    assert (job.state, job.reason_code) == (S.INTERRUPTED, "not_resumed")


def test_it_sends_a_lost_message_once(play: Play) -> None:
    job = play.put(play.submit(), state=S.RUNNING, epoch=3, handed_over_at=play.clock.now() - dt.timedelta(minutes=1))
    waiting = play.put(play.submit(), state=S.RUNNING, epoch=8, handed_over_at=play.clock.now())
    play.queue = {(waiting.pk, 8)}
    play.tick(60)
    play.queue |= set(play.sent)
    play.tick(60)
    assert play.sent == [(job.pk, 4)]


def test_it_pauses_and_resumes_everything(play: Play) -> None:
    job = play.submit()
    let_go = play.put(play.submit(), state=S.RUNNING, epoch=2, handed_over_at=play.clock.now())
    services.pause_all(actor="ann", source=Source.WEB)
    play.tick(60)
    assert EngineState.objects.get().paused_by == "ann"
    assert (_state(job), play.sent) == (S.QUEUED, [])
    services.resume_all(actor="ann", source=Source.WEB)
    play.tick()
    assert set(play.sent) == {(job.pk, 1), (let_go.pk, 3)}


def test_it_unlocks_only_what_was_silent_for_two_leases(play: Play) -> None:
    alive = play.claimed()
    services.force_unlock(alive, actor="ann", source=Source.WEB)
    play.tick()
    assert Command.objects.get().result_code == "lease_alive"
    assert _state(alive) == S.RUNNING


def test_it_sets_a_priority_and_runs_a_scheduled_job_now(play: Play) -> None:
    job = play.put(play.submit(), state=S.SCHEDULED, not_before=play.clock.now() + dt.timedelta(hours=1))
    services.set_priority(job, 77, actor="ann", source=Source.WEB)
    services.run_now(job, actor="ann", source=Source.WEB)
    play.tick()
    job.refresh_from_db()
    assert (job.state, job.priority) == (S.RUNNING, 77)


def test_it_conducts_on_one_host_at_a_time(play: Play) -> None:
    assert play.tick(me="a/b/1")
    assert not play.tick(me="c/d/2")
    assert play.tick(me="a/b/1")
    assert play.tick(11, me="c/d/2")  # the lease ran out
    conductor.resign("c/d/2")
    assert play.tick(me="a/b/1")


def test_it_does_not_wait_for_a_dead_conductor_of_this_host(play: Play) -> None:
    assert play.tick(me=f"{boot.host()}/{boot.boot_id()}/4194304")
    assert play.tick()


def test_it_writes_off_workers_that_are_gone(play: Play) -> None:
    def worker(host: str, pid: int, minutes: float = 0) -> Worker:
        beat = play.clock.now() - dt.timedelta(minutes=minutes)
        return Worker.objects.create(host=host, boot=boot.boot_id(), pid=pid, state=WorkerState.READY, beat_at=beat)

    me = worker(boot.host(), int(boot.owner().rpartition("/")[2]), minutes=60)
    dead, far, silent = worker(boot.host(), 4194304), worker("far", 1), worker("far", 2, minutes=4)
    play.tick()
    states = {each: Worker.objects.get(pk=each.pk).state for each in (me, dead, far, silent)}
    assert states == {me: "ready", dead: "gone", far: "ready", silent: "gone"}


def test_it_goes_on_when_a_step_fails(play: Play, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail(now: dt.datetime) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(conductor.firing, "fire_due", fail)
    job = play.submit()
    play.tick()
    assert _state(job) == S.RUNNING
    assert "could not fire schedules" in caplog.text


def test_a_command_with_a_value_that_the_database_refuses_stops_no_other(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(command: Command, now: dt.datetime) -> dict[str, Any]:
        raise DataError("integer out of range")

    monkeypatch.setitem(verbs.HANDLERS, Verb.SET_PRIORITY, refuse)
    job = play.submit()
    bad = services.set_priority(job, 10**12, actor="ann", source=Source.API)
    good = services.pause(job, actor="ann", source=Source.API)
    play.tick()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.result_code, good.state) == (CommandState.REFUSED, "error", CommandState.APPLIED)


@pytest.mark.parametrize(
    ("before", "verb"), [(S.PAUSED, Verb.RESUME), (S.INTERRUPTED, Verb.RESUME), (S.FAILED, Verb.RETRY_FAILED)]
)
def test_waiting_counts_from_when_a_job_was_queued_again(play: Play, before: JobState, verb: Verb) -> None:
    old = play.submit(lanes=["root:7"])
    play.put(old, state=before, created=play.clock.now() - dt.timedelta(days=1))
    young = play.submit(lanes=["root:7"])
    play.put(young, priority=60)
    services.command(old, verb, actor="ann", source=Source.WEB)
    play.tick()
    assert (_state(old), _state(young)) == (S.QUEUED, S.RUNNING)


def test_nothing_starts_in_the_moment_of_a_pause_of_everything(play: Play) -> None:
    job = play.submit()
    EngineState.objects.create(pk=1, paused_all=True)
    assert not promotion.start_one(job, play.clock.now())
    assert not promotion.start_queued(play.clock.now(), send=lambda *message: None, workers=2)
    assert _state(job) == S.QUEUED

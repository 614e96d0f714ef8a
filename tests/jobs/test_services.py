"""Requests to the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mediasync.core import clock
from mediasync.core.errors import Conflict, IllegalTransition, UsageError
from mediasync.jobs import registry, services
from mediasync.jobs.choices import CommandState, JobState, LaneMode, Source, Trigger, Verb
from mediasync.jobs.models import Command, Job

pytestmark = pytest.mark.django_db


class Nothing(registry.Stage):
    name = "nothing"

    def plan(self, job: registry.JobInfo, cursor: Any) -> Iterator[registry.Planned]:
        return iter(())


class Second(Nothing):
    name = "second"
    workers = 3


def _root(scope: Mapping[str, Any]) -> dict[str, Any]:
    if "root" not in scope:
        raise UsageError("which root?")
    return {"root": int(scope["root"])}


KIND = registry.JobKind(
    name="trial",
    label="Trial",
    stages=(Nothing(), Second()),
    lanes=lambda scope: [registry.Lane(f"root:{scope['root']}", LaneMode.EXCLUSIVE)],
    check_scope=_root,
)


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    with registry.registered(KIND):
        yield


def _submit(**kwargs: Any) -> Job:
    return services.submit("trial", {"root": 7}, **kwargs).job


def test_it_inserts_the_job_with_its_stages_and_lanes() -> None:
    job = _submit(trigger=Trigger.WEBHOOK, actor="sonarr")
    assert (job.state, job.priority, job.actor) == (JobState.QUEUED, 40, "sonarr")
    assert [(s.seq, s.name, s.workers) for s in job.stages.order_by("seq")] == [(1, "nothing", 1), (2, "second", 3)]
    assert [(lane.key, lane.mode) for lane in job.lanes.all()] == [("root:7", LaneMode.EXCLUSIVE)]


def test_it_refuses_an_unknown_kind_and_a_wrong_scope() -> None:
    with pytest.raises(UsageError, match=r"no job kind 'nonsense'.*trial"):
        services.submit("nonsense", {})
    with pytest.raises(UsageError, match="which root"):
        services.submit("trial", {})


def test_it_returns_the_waiting_job_for_the_same_normalised_scope() -> None:
    first = services.submit("trial", {"root": "7"}, trigger=Trigger.SCHEDULE)
    second = services.submit("trial", {"root": 7}, trigger=Trigger.MANUAL)
    assert (first.deduplicated, second.deduplicated) == (False, True)
    assert second.job.pk == first.job.pk
    assert second.job.priority == 50  # the more urgent of the two
    assert not services.submit("trial", {"root": 7}, config={"full": True}).deduplicated
    assert not services.submit("trial", {"root": 7}, dedupe=False).deduplicated


def test_it_opens_exactly_one_follow_up_while_a_job_runs() -> None:
    job = _submit()
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    follow_up = _submit()
    assert follow_up.pk != job.pk
    assert _submit().pk == follow_up.pk


def test_it_schedules_what_is_not_due_and_takes_the_earlier_start() -> None:
    hour = clock.system.now() + dt.timedelta(hours=1)
    job = _submit(not_before=hour)
    assert (job.state, job.not_before) == (JobState.SCHEDULED, hour)
    sooner = hour - dt.timedelta(minutes=30)
    assert _submit(not_before=sooner).not_before == sooner
    assert _submit(not_before=hour).not_before == sooner
    assert _submit().not_before <= clock.system.now()


def test_it_returns_the_first_job_of_an_idempotency_key() -> None:
    first = _submit(idempotency_key="abc")
    Job.objects.filter(pk=first.pk).update(state=JobState.COMPLETED)
    again = services.submit("trial", {"root": 8}, idempotency_key="abc")
    assert (again.job.pk, again.deduplicated) == (first.pk, True)


def test_it_runs_a_job_again() -> None:
    job = _submit(config={"full": True})
    Job.objects.filter(pk=job.pk).update(state=JobState.COMPLETED)
    again = services.run_again(job).job
    assert (again.rerun_of_id, again.scope, again.config) == (job.pk, job.scope, job.config)


def test_it_keeps_a_command_for_the_conductor() -> None:
    job = _submit()
    command = services.pause(job, actor="ann", source=Source.WEB)
    assert (command.state, command.verb, command.actor) == (CommandState.PENDING, Verb.PAUSE, "ann")
    services.resume(job, actor="ann", source=Source.WEB)  # legal once the pause was applied
    assert services.pause_all(actor="ann", source=Source.WEB).job_id is None


def test_it_refuses_an_illegal_command_and_keeps_the_refusal() -> None:
    job = _submit()
    with pytest.raises(IllegalTransition) as caught:
        services.resume(job, actor="ann", source=Source.API)
    command = Command.objects.get()
    assert caught.value.params["command"] == command.pk
    assert (command.state, command.result_code) == (CommandState.REFUSED, "illegal_transition")


def test_it_refuses_a_retry_while_its_twin_waits() -> None:
    job = _submit()
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    twin = _submit()
    with pytest.raises(Conflict) as caught:
        services.retry_failed(job, actor="ann", source=Source.WEB)
    assert (caught.value.code, caught.value.params["twin"]) == ("twin_waiting", twin.pk)


@pytest.mark.parametrize(
    ("verb", "args"), [(Verb.RETRY_ITEM, {}), (Verb.SET_PRIORITY, {"priority": "high"}), (Verb.PAUSE_ALL, {})]
)
def test_it_refuses_arguments_that_make_no_sense(verb: Verb, args: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        services.command(_submit(), verb, actor="", source=Source.CLI, args=args)


def test_it_returns_the_first_command_of_an_idempotency_key() -> None:
    job = _submit()
    asked = {"actor": "", "source": Source.API, "idempotency_key": "k"}
    assert services.command(job, Verb.PAUSE, **asked) == services.command(job, Verb.PAUSE, **asked)

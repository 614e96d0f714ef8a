"""``manage.py jobs``: what it prints, and its exit codes (docs/engine.md)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mediasync.core import clock as clocks
from mediasync.core.clock import FakeClock
from mediasync.core.errors import Permanent
from mediasync.jobs import asking, conductor, registry, services
from mediasync.jobs.choices import CommandState, JobState, Source, Verb
from mediasync.jobs.models import Command, EngineState, Event, Item, Job

pytestmark = pytest.mark.django_db
S = JobState


class Step(registry.Stage):
    name = "step"
    label = "Step"

    def plan(self, job: registry.JobInfo, cursor: Any) -> Iterator[registry.Planned]:
        yield registry.Planned([registry.NewItem(key) for key in job.scope.get("items", ["a", "b"])])

    def run(self, item: registry.ItemInfo, ctx: registry.Context) -> registry.Outcome:
        if item.key == "bad":
            raise Permanent("This one is bad.", code="bad_one")
        return registry.Done({"files": 2})


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    with registry.registered(registry.JobKind(name="trial", label="Trial", stages=(Step(),))):
        yield


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Somebody conducts while a command waits."""

    class Conducted(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            conductor.apply_commands()

    clock = Conducted()
    monkeypatch.setattr(asking.wait_for, "__kwdefaults__", {"clock": clock, "seconds": 3.0})
    monkeypatch.setattr(asking.events, "__kwdefaults__", {"clock": clock, "every": 0.5})
    return clock


def _jobs(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("jobs", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, out.getvalue(), err.getvalue()


def _job(state: JobState = S.QUEUED, **scope: Any) -> Job:
    job = services.submit("trial", scope, dedupe=False).job
    Job.objects.filter(pk=job.pk).update(state=state)
    return job


def test_it_lists_the_newest_first_and_filters() -> None:
    first, second = _job(), _job(S.FAILED)
    code, out, _ = _jobs("list", "--json")
    assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (0, [second.pk, first.pk])
    code, out, _ = _jobs("list", "--state", "failed", "--kind", "trial", "--limit", "5")
    assert f"#{second.pk}" in out
    assert f"#{first.pk} " not in out


def test_it_shows_a_job_with_its_stages() -> None:
    job = _job()
    code, out, _ = _jobs("show", str(job.pk), "--json")
    assert (code, json.loads(out)["stages"][0]["name"]) == (0, "step")
    assert "1. step" in _jobs("show", str(job.pk))[1]


def test_it_says_when_there_is_no_such_job() -> None:
    code, _, err = _jobs("show", "4711")
    assert (code, err) == (5, "There is no job 4711.")


@pytest.mark.parametrize(
    ("scope", "code"), [({}, 0), ({"items": ["a", "bad"]}, 3), ({"items": []}, 0)], ids=["fine", "errors", "empty"]
)
def test_it_runs_a_job_here(scope: dict[str, Any], code: int) -> None:
    came, out, _ = _jobs("run", "trial", "--scope", json.dumps(scope), "--here", "--json")
    document = json.loads(out)
    assert came == code
    assert document["state"] == (S.COMPLETED_WITH_ERRORS if code else S.COMPLETED)
    assert document["stages"][0]["result"] == ({"files": 4} if not scope else {"files": 2} if code else {})


@pytest.mark.parametrize("arguments", [("nonsense",), ("trial", "--scope", "[1]"), ("trial", "--config", "{")])
def test_it_refuses_what_it_cannot_understand(arguments: tuple[str, ...]) -> None:
    code, _, err = _jobs("run", *arguments)
    assert code == 2
    assert err


def test_it_submits_and_says_when_nobody_works() -> None:
    code, out, err = _jobs("run", "trial", "--json")
    assert (code, json.loads(out)["state"]) == (75, S.QUEUED)
    assert "No worker is running" in err
    EngineState.objects.create(pk=1, last_tick=clocks.system.now())
    code, _, err = _jobs("run", "trial", "--json")
    assert (code, "waits to do the same" in err) == (0, True)


MOVES = [("pause", S.QUEUED, S.PAUSED), ("resume", S.PAUSED, S.QUEUED), ("cancel", S.PAUSED, S.CANCELED)]


@pytest.mark.parametrize(("verb", "before", "after"), MOVES)
def test_it_asks_and_waits_for_the_answer(answered: FakeClock, verb: str, before: JobState, after: JobState) -> None:
    job = _job(before)
    code, out, _ = _jobs(verb, str(job.pk), "--json")
    assert (code, json.loads(out)["state"]) == (0, CommandState.APPLIED)
    job.refresh_from_db()
    assert job.state == after
    assert Command.objects.get().actor == asking.actor()


def test_it_is_refused_with_four(answered: FakeClock) -> None:
    job = _job(S.COMPLETED)
    code, _, err = _jobs("pause", str(job.pk))
    assert code == 4
    assert "not possible while the job is completed" in err
    late = services.command(_job(), Verb.PAUSE, actor="", source=Source.CLI)
    Job.objects.filter(pk=late.job_id).update(state=S.COMPLETED)
    assert asking.wait_for(late)[0] == 4


def test_it_gives_up_waiting_after_three_seconds() -> None:
    command = services.pause(_job(), actor="", source=Source.CLI)
    clock = FakeClock()
    code, sentence = asking.wait_for(command, clock=clock)
    assert (code, round(clock.monotonic())) == (75, 3)
    assert "nobody has answered" in sentence


def test_it_retries_all_failed_items_or_named_ones(answered: FakeClock) -> None:
    _jobs("run", "trial", "--scope", '{"items": ["a", "bad"]}', "--here")
    job = Job.objects.get()
    good = Item.objects.get(key="a")
    assert _jobs("retry", str(job.pk))[0] == 0
    job.refresh_from_db()
    assert (job.state, job.failed, job.done, job.attempt) == (S.QUEUED, 0, 1, 2)
    Job.objects.update(state=S.COMPLETED)
    assert _jobs("retry", str(job.pk), "--force")[0] == 2
    assert _jobs("retry", str(job.pk), "--item", str(good.pk), "--force")[0] == 0
    good.refresh_from_db()
    job.refresh_from_db()
    assert (good.state, good.force, job.done) == ("pending", True, 0)


def test_it_follows_to_the_end(answered: FakeClock) -> None:
    _jobs("run", "trial", "--scope", '{"items": ["bad"]}', "--here")
    code, out, _ = _jobs("follow", str(Job.objects.get().pk))
    assert code == 3
    assert out.index("Started") < out.index("Completed, but some items failed") < out.index("1. step")


def test_it_does_not_follow_for_ever_when_nobody_works(answered: FakeClock) -> None:
    code, _, err = _jobs("run", "trial", "--follow")
    assert (code, round(answered.monotonic())) == (75, 16)
    assert "No worker is running" in err


def test_it_detaches_on_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(job: Job) -> Iterator[Event]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(asking, "events", interrupted)
    job = _job()
    code, _, err = _jobs("follow", str(job.pk))
    assert (code, err.strip()) == (0, f"No longer following; job {job.pk} goes on.")
    assert not Command.objects.exists()

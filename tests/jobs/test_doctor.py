"""The counters of jobs against the rows of their items (``manage.py jobs doctor``)."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mediasync.core import clock as clocks
from mediasync.core.clock import FakeClock
from mediasync.jobs import doctor
from mediasync.jobs.choices import ItemState, JobState
from mediasync.jobs.models import Group, Item, Job, Stage

pytestmark = pytest.mark.django_db
STATES = (
    ItemState.SUCCEEDED,
    ItemState.SUCCEEDED,
    ItemState.FAILED,
    ItemState.SKIPPED,
    ItemState.RUNNING,
    ItemState.PENDING,
)
RIGHT = {"total": 6, "done": 2, "failed": 1, "skipped": 1}
WRONG = {"total": 5, "done": 7, "failed": 0, "skipped": 2}


def _job(states: tuple[ItemState, ...] = STATES, **lease: Any) -> Job:
    """A job of two stages, the second without items, whose counters are right."""
    job = Job.objects.create(kind="trial", title_code="trial", state=JobState.RUNNING, **RIGHT, **lease)
    stage = Stage.objects.create(job=job, seq=1, name="step", **RIGHT)
    Stage.objects.create(job=job, seq=2, name="after")
    group = Group.objects.create(stage=stage, key="films", running=1, **RIGHT)
    Item.objects.bulk_create(
        Item(stage=stage, group=group, key=f"{number}", state=state) for number, state in enumerate(states)
    )
    return job


def _spoil(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(**WRONG)
    Stage.objects.filter(job=job, seq=1).update(**WRONG)
    Group.objects.filter(stage__job=job).update(**WRONG, running=4)


def _counters(job: Job) -> list[dict[str, int]]:
    tables = (Job.objects.filter(pk=job.pk), Stage.objects.filter(job=job, seq=1), Group.objects.filter(stage__job=job))
    return [rows.values(*RIGHT).get() for rows in tables]


def _doctor(*arguments: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = 0
    try:
        call_command("jobs", "doctor", *arguments, stdout=out)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except CommandError as error:
        code = error.returncode
    return code, out.getvalue().splitlines()


def test_it_finds_nothing_where_nothing_differs() -> None:
    job = _job()
    assert _doctor() == (0, ["Nothing differs."])
    assert _doctor(str(job.pk), "--json") == (0, [])
    assert _doctor("--recount")[0] == 0
    job.refresh_from_db()
    assert job.rev == 0, "what is right is not written again"


def test_it_says_where_counters_differ_and_changes_nothing() -> None:
    job = _job()
    _spoil(job)
    numbers = "total 5 (rows: 6), done 7 (rows: 2), failed 0 (rows: 1), skipped 2 (rows: 1)"
    assert _doctor() == (
        1,
        [
            f"#{job.pk}: differs: {numbers}",
            f"#{job.pk} / step: differs: {numbers}",
            f"#{job.pk} / step / films: differs: {numbers}, running 4 (rows: 1)",
        ],
    )
    assert _counters(job) == [WRONG] * 3


def test_it_mends_a_job_that_nobody_holds() -> None:
    job, other = _job(lease_until=clocks.system.now() - dt.timedelta(seconds=1)), _job()
    _spoil(job)
    _spoil(other)
    code, lines = _doctor(str(job.pk), "--recount", "--json")
    assert (code, [json.loads(line)["verdict"] for line in lines]) == (0, ["mended"] * 3)
    assert json.loads(lines[2])["differs"]["running"] == {"counter": 4, "rows": 1}
    assert _counters(job) == [RIGHT] * 3
    assert _counters(other) == [WRONG] * 3
    group = Group.objects.get(stage__job=job)
    assert (group.running, group.rev) == (1, 1), "the page finds the row by its revision"
    assert _doctor(str(job.pk)) == (0, ["Nothing differs."])


def test_it_names_and_leaves_a_job_that_somebody_holds() -> None:
    clock = FakeClock()
    job = _job(lease_owner="somebody", lease_until=clock.now() + dt.timedelta(seconds=30))
    _spoil(job)
    assert {each.verdict for each in doctor.recount(job.pk, clock=clock)} == {doctor.Verdict.HELD}
    assert _counters(job) == [WRONG] * 3
    clock.advance(31)
    assert {each.verdict for each in doctor.recount(job.pk, clock=clock)} == {doctor.Verdict.MENDED}


def test_it_fails_while_a_job_is_held() -> None:
    free, held = _job(), _job(lease_until=clocks.system.now() + dt.timedelta(hours=1))
    _spoil(free)
    _spoil(held)
    code, lines = _doctor("--recount")
    assert code == 1
    assert [line.split(": ")[1] for line in lines] == ["mended"] * 3 + ["held"] * 3


def test_it_leaves_a_stage_alone_whose_items_were_pruned() -> None:
    job = _job((ItemState.FAILED, ItemState.SKIPPED))
    after = Stage.objects.get(job=job, seq=2)
    Item.objects.create(stage=after, key="x", state=ItemState.FAILED)
    code, lines = _doctor("--recount", "--json")
    found = [(each["stage"], each["group"], each["verdict"]) for each in map(json.loads, lines)]
    assert (code, found) == (0, [("step", "", "pruned"), ("after", "", "mended")])
    assert _counters(job) == [RIGHT] * 3
    after.refresh_from_db()
    assert (after.total, after.failed) == (1, 1)
    assert _doctor("--recount")[0] == 0


def test_it_costs_the_same_for_many_items() -> None:
    costs = []
    for job in (_job(), _job(STATES * 50)):
        _spoil(job)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            doctor.recount(job.pk)
        costs.append(len(queries))
    assert costs[0] == costs[1] < 20


def test_it_says_when_there_is_no_such_job() -> None:
    assert _doctor("4711") == (5, [])

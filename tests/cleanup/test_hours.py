"""The hours of scheduled runs, and a schedule that plans and carries out by itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from cleanup import hours, services
from cleanup.models import Run
from cleanup.policy import Policy
from mediasync.core.clock import FakeClock
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup import facing


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, 1, hour, minute, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("begin", "end", "now", "until"),
    [
        (0, 0, at(13), None),
        (2, 6, at(2), None),
        (2, 6, at(5, 59), None),
        (2, 6, at(6), at(2) + dt.timedelta(days=1)),
        (2, 6, at(1, 30), at(2)),
        (22, 4, at(23), None),
        (22, 4, at(3), None),
        (22, 4, at(4), at(22)),
    ],
)
def test_it_knows_when_its_hours_begin(begin: int, end: int, now: dt.datetime, until: dt.datetime | None) -> None:
    with timezone.override(dt.UTC):
        assert hours.opens(Policy(hours_from=begin, hours_to=end), now) == until


def test_they_are_of_the_installations_zone() -> None:
    with timezone.override("Asia/Seoul"):  # nine hours ahead
        assert hours.opens(Policy(hours_from=2, hours_to=6), at(18)) is None
        assert hours.opens(Policy(hours_from=2, hours_to=6), at(12)) == at(17)


@pytest.mark.django_db
def test_a_schedule_plans_accepts_and_waits_for_its_hours(tmp_path: Path) -> None:
    made = facing.build(tmp_path)
    now = timezone.localtime()
    begin = (now.hour + 2) % 24
    folder = facing.known(made, hours_from=begin, hours_to=(begin + 1) % 24)
    scope = {"folder": folder.pk, "steps": ["movie:1", "cache"], "apply": True}
    job = jobs.submit(services.PLAN, scope, trigger=Trigger.SCHEDULE).job
    drain(job.pk, threads=False)
    run = Run.objects.get()
    assert run.state == "accepted" and run.job and run.job.kind == "cleanup_apply"
    before = facing.tree(made.folder)
    tries = iter(range(50))
    waits = drain(run.job.pk, threads=False, clock=FakeClock(now), stop=lambda: next(tries) > 40)
    assert waits.state == "scheduled" and waits.reason_code == "cleanup_hours" and facing.tree(made.folder) == before
    opens = timezone.localtime(waits.not_before)
    assert (opens.hour, opens.minute) == (begin, 0)
    drain(run.job.pk, threads=False, clock=FakeClock(opens + dt.timedelta(minutes=1)))
    assert Run.objects.get().state == "applied" and facing.tree(made.folder) != before


@pytest.mark.django_db
def test_who_accepts_in_person_does_not_wait(tmp_path: Path) -> None:
    now = timezone.localtime().hour
    facing.known(facing.build(tmp_path), hours_from=(now + 2) % 24, hours_to=(now + 3) % 24)
    _text, code = facing.command("--step", "cache", "--apply", "--yes")
    assert code == 0 and Run.objects.get().state == "applied"


@pytest.mark.django_db
def test_a_schedule_above_the_limits_carries_nothing_out(tmp_path: Path) -> None:
    folder = facing.known(facing.build(tmp_path), most_files=1)
    scope = {"folder": folder.pk, "steps": ["all"], "apply": True}
    drain(jobs.submit(services.PLAN, scope, trigger=Trigger.SCHEDULE).job.pk, threads=False)
    assert Run.objects.get().state == "refused" and not Job.objects.filter(kind="cleanup_apply").exists()

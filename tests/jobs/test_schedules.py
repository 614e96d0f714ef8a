"""When schedules fire: intervals, cron lines in time zones, missed slots, and one that is broken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DataError

from mediasync.core.errors import UsageError
from mediasync.jobs import registry, services
from mediasync.jobs.choices import Trigger
from mediasync.jobs.firing import fire_due
from mediasync.jobs.models import Event, Job, Schedule
from mediasync.jobs.schedules import first_run, next_runs

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Nothing(registry.Stage):
    name = "nothing"


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    with registry.registered(registry.JobKind(name="trial", label="Trial", stages=(Nothing(),))):
        yield


def _put(name: str = "daily", **fields: Any) -> Schedule:
    fields = {"every": 60} | fields
    schedule = services.put_schedule(name, "trial", {"root": 7}, **fields)
    Schedule.objects.filter(pk=schedule.pk).update(next_at=NOW)
    schedule.refresh_from_db()
    return schedule


def test_it_fires_once_and_notes_the_job() -> None:
    schedule = _put(config={"full": True})
    assert fire_due(NOW) == 1
    assert fire_due(NOW) == 0
    schedule.refresh_from_db()
    job = Job.objects.get()
    assert (job.trigger, job.actor, job.config) == (Trigger.SCHEDULE, "schedule: daily", {"full": True})
    assert (schedule.last_job, schedule.last_at, schedule.next_at) == (job, NOW, NOW + MINUTE)


def test_it_makes_up_for_missed_slots_once_and_keeps_its_phase() -> None:
    schedule = _put()
    late = NOW + 10.5 * MINUTE
    assert fire_due(late) == 1
    schedule.refresh_from_db()
    assert (Job.objects.count(), schedule.next_at) == (1, NOW + 11 * MINUTE)


def test_it_does_not_queue_what_waits_already() -> None:
    schedule = _put()
    fire_due(NOW)
    fire_due(NOW + MINUTE)
    schedule.refresh_from_db()
    assert schedule.last_job == Job.objects.get()


@pytest.mark.parametrize(
    "broken",
    [{"cron": "not a cron", "every": None}, {"kind": "removed"}, {"cron": "0 0 * * *", "every": None, "timezone": "X"}],
)
def test_it_lets_a_broken_row_stop_no_other_and_says_what_is_wrong(broken: dict[str, Any]) -> None:
    row = _put("broken")
    Schedule.objects.filter(pk=row.pk).update(**broken)
    _put("healthy")
    assert fire_due(NOW) == 1
    row.refresh_from_db()
    assert row.problem
    assert row.next_at is not None
    assert row.next_at > NOW
    fire_due(row.next_at)
    assert Event.objects.filter(code="schedule_problem").count() == 1  # told once, not at every try


def test_it_reads_cron_lines_in_their_time_zone_across_the_change_of_the_clock() -> None:
    schedule = Schedule(cron="30 1 * * *", timezone="Europe/Berlin", next_at=None)
    runs = next_runs(schedule, now=NOW)
    assert [run.astimezone(ZoneInfo("Europe/Berlin")).hour for run in runs] == [1, 1, 1]
    assert [run.hour for run in runs] == [0, 23, 23]  # from 29 March on an hour earlier in UTC
    assert all(run.tzinfo is dt.UTC for run in runs)


def test_it_shows_the_next_three_runs() -> None:
    schedule = _put()
    assert next_runs(schedule, now=NOW - MINUTE) == [NOW, NOW + MINUTE, NOW + 2 * MINUTE]
    schedule.enabled = False
    assert next_runs(schedule) == []
    assert first_run(schedule) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"every": None, "cron": ""}, "either"),
        ({"every": 5, "cron": "* * * * *"}, "either"),
        ({"every": 0}, "at least one second"),
        ({"every": None, "cron": "61 * * * *"}, "Not a cron line"),
        ({"every": None, "cron": "0 0 31 4 *"}, "Not a cron line"),
        ({"every": None, "cron": "* * * * *", "timezone": "Mars/Olympus"}, "no time zone"),
        ({"every": None, "cron": "* * * * *", "timezone": "../etc"}, "no time zone"),
    ],
)
def test_it_refuses_times_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        services.put_schedule("x", "trial", {}, **fields)


def test_it_keeps_the_next_run_unless_the_times_change() -> None:
    _put()
    assert services.put_schedule("daily", "trial", {"root": 8}, every=60).next_at == NOW
    assert services.put_schedule("daily", "trial", {"root": 8}, every=90).next_at != NOW
    assert services.put_schedule("daily", "trial", {"root": 8}, every=90, enabled=False).next_at is None


def test_it_drops_the_schedules_of_an_owner_only() -> None:
    _put("a", owner="root:7")
    _put("b", owner="root:8")
    assert services.drop_schedules("root:7") == 1
    assert Schedule.objects.get().name == "b"
    with pytest.raises(ValueError, match="empty owner"):
        services.drop_schedules("")


def test_it_lets_a_row_that_the_database_refuses_stop_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = services.submit

    def refuse(kind: str, scope: Any, **more: Any) -> services.Submitted:
        if more["actor"] == "schedule: broken":
            raise DataError("value too long")
        return submit(kind, scope, **more)

    monkeypatch.setattr(services, "submit", refuse)
    broken = _put("broken")
    _put("healthy")
    assert fire_due(NOW) == 1
    broken.refresh_from_db()
    assert broken.problem == "value too long"

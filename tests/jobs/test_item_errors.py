"""What becomes of an item that raises."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError

from mediasync.core.errors import NeedsOperator, Permanent, Snooze, Transient, Unreachable
from mediasync.jobs.choices import JobState, Level
from mediasync.jobs.models import Event
from mediasync.jobs.outcomes import back_off
from mediasync.jobs.registry import Context, Done, ItemInfo, Outcome

from .slicing import Scripted, counted, running

pytestmark = pytest.mark.django_db


def raising(error: BaseException, *keys: str, times: int = 99) -> Scripted:
    """Return a stage in which the items ``keys`` (all of them by default) raise, ``times`` times in all."""
    left = [times]

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if (not keys or item.key in keys) and left[0]:
            left[0] -= 1
            raise error
        return Done()

    return Scripted(do=do)


def test_a_permanent_error_fails_the_item_only() -> None:
    with running(raising(Permanent("Too big.", code="too_big", size=7), "b")) as bench:
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED_WITH_ERRORS
        item = bench.item("b")
        assert (item.state, item.error_code, item.error_params) == (
            "failed",
            "too_big",
            {"message": "Too big.", "size": 7},
        )
        event = Event.objects.get(job=bench.job, code="too_big")
        assert (event.item_key, event.level) == ("b", Level.ERROR)
        counted(bench.job)


def test_a_transient_error_waits_and_is_tried_again() -> None:
    with running(raising(Unreachable(), "b", times=1)) as bench:
        assert bench.slice() == "snoozed"
        item = bench.item("b")
        assert item.state == "retry_wait" and item.attempt == 1 and item.not_before is not None
        assert dt.timedelta(seconds=5) <= item.not_before - bench.clock.now() <= dt.timedelta(seconds=15)
        assert bench.job.state == JobState.SCHEDULED and bench.job.not_before == item.not_before
        assert bench.job.reason_code == "waiting_to_retry"
        bench.again()
        assert bench.slice() == "done"
        assert bench.job.state == JobState.COMPLETED and bench.item("b").attempt == 2
        counted(bench.job)


def test_the_other_side_says_when_to_come_back() -> None:
    with running(raising(Transient(retry_after=120), "a", times=1)) as bench:
        bench.slice()
        assert bench.job.not_before == bench.clock.now() + dt.timedelta(seconds=120)


def test_attempts_are_used_up() -> None:
    with running(raising(Transient("Later.", code="later"), "a")) as bench:
        slices = 1
        while bench.slice() == "snoozed":
            bench.again()
            slices += 1
        assert slices == 5
        assert bench.item("a").state == "failed" and bench.item("a").attempt == 5
        counted(bench.job)


def test_back_off_doubles_up_to_a_quarter_of_an_hour() -> None:
    for attempt, middle in ((1, 10), (2, 20), (5, 160), (30, 900)):
        assert middle * 0.5 <= back_off(attempt) <= middle * 1.5


@pytest.mark.parametrize("error", [RuntimeError("bug"), SystemExit(1)])
def test_an_unknown_error_is_tried_once_more(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with running(raising(RuntimeError("bug"), "a")) as bench:
        assert bench.slice() == "snoozed"
        assert bench.item("a").error_code == "unexpected"
        bench.again()
        assert bench.slice() == "done"
        assert bench.item("a").state == "failed" and bench.item("a").attempt == 2
        assert "bug" in caplog.text and "Traceback" in caplog.text


def test_something_else_than_an_outcome_is_an_unknown_error() -> None:
    with running(Scripted(["a"], lambda item, ctx: None, attempts=1)) as bench:
        assert bench.slice() == "done"
        assert bench.item("a").error_code == "unexpected"


def test_a_busy_database_is_transient() -> None:
    with running(raising(OperationalError("database is locked"), "a", times=2)) as bench:
        assert bench.slice() == "snoozed"
        assert bench.item("a").error_code == "database_busy"


def test_snooze_puts_the_job_to_sleep_and_is_no_attempt() -> None:
    until = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)
    with running(raising(Snooze("Quiet hours.", until=until, code="quiet_hours"), "b", times=1)) as bench:
        assert bench.slice() == "snoozed"
        assert (bench.job.state, bench.job.reason_code, bench.job.not_before) == ("scheduled", "quiet_hours", until)
        assert bench.item("b").state == "pending" and bench.item("b").attempt == 0
        bench.again()
        assert bench.slice() == "done"
        counted(bench.job)


def test_needs_operator_pauses_the_job() -> None:
    with running(raising(NeedsOperator("The disk is full.", code="disk_full"), "a", times=1)) as bench:
        assert bench.slice() == "needs_operator"
        assert (bench.job.state, bench.job.reason_code) == ("paused", "disk_full")
        assert bench.item("a").state == "pending"


def test_too_many_transient_errors_rest_the_job() -> None:
    keys = [str(number) for number in range(200)]
    with running(Scripted(keys, raising(Transient()).do)) as bench:
        assert bench.slice() == "snoozed"
        assert bench.job.reason_code == "too_many_retries"
        assert list(bench.states().values()).count("pending") > 0
        counted(bench.job)


def test_an_error_that_the_database_cannot_store_is_stored_readably() -> None:
    with running(raising(Permanent("a\0b\udc80", code="odd", path=b"\xff"), "a")) as bench:
        assert bench.slice() == "done"
        assert bench.item("a").error_params == {"message": "a\ufffdb\\udc80", "path": "b'\\xff'"}


def test_a_job_of_an_unknown_kind_fails_with_that_reason() -> None:
    with running(Scripted()) as bench:
        pass
    assert bench.slice() == "failed"
    assert bench.job.reason_code == "unknown_kind"

"""Pace and back-off."""

from __future__ import annotations

import datetime as dt

from mediasync.core.ratelimit import backoff, gcra

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def test_the_first_goes_at_once_and_the_next_waits() -> None:
    wait, next_at = gcra(None, NOW, SECOND)
    assert (wait, next_at) == (None, NOW + SECOND)
    assert gcra(next_at, NOW, SECOND) == (NOW + SECOND, next_at)
    assert gcra(next_at, NOW + SECOND, SECOND) == (None, NOW + 2 * SECOND)


def test_a_burst_may_go_together_and_then_the_pace_holds() -> None:
    sent, next_at, now = 0, None, NOW
    while True:
        wait, next_at = gcra(next_at, now, SECOND, 3 * SECOND)
        if wait is not None:
            break
        sent += 1
    assert sent == 4
    assert wait == NOW + SECOND


def test_a_long_rest_saves_up_nothing_but_the_burst() -> None:
    assert gcra(NOW - dt.timedelta(days=1), NOW, SECOND) == (None, NOW + SECOND)


def test_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff(n, first=30, most=900) for n in (0, 1, 2, 3, 6, 4000)] == [30, 30, 60, 120, 900, 900]

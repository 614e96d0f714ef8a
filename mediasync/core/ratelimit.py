"""Small rules of waiting, as pure functions: a pace with bursts (GCRA), a growing pause, what a server asks for."""

from __future__ import annotations

import datetime as dt
import email.utils


def gcra(
    next_at: dt.datetime | None, now: dt.datetime, interval: dt.timedelta, burst: dt.timedelta = dt.timedelta(0)
) -> tuple[dt.datetime | None, dt.datetime]:
    """Return (None, new ``next_at``) if one more may go now, else (when it may, ``next_at`` unchanged).

    Generic cell rate algorithm: ``next_at`` is when the next would go at an even pace; it may go ``burst`` earlier.
    """
    if next_at is not None and next_at > now + burst:
        return next_at - burst, next_at
    return None, max(now, next_at or now) + interval


def backoff(failures: int, *, first: float, most: float) -> float:
    """Return the seconds to wait after ``failures`` (≥ 1): ``first``, doubled each time, never above ``most``."""
    return min(most, first * 2.0 ** min(max(failures, 1) - 1, 30))


def retry_after(value: str, now: dt.datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for (number or date), or None."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - (now or dt.datetime.now(dt.UTC))).total_seconds())

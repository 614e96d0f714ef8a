"""Two small rules of waiting, as pure functions: a pace with bursts (GCRA) and a growing pause after failures."""

from __future__ import annotations

import datetime as dt


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

"""When the engine starts something by itself: every N seconds, or by a cron line in a time zone.

A slot that was missed (nobody was there, the engine was paused) is made up for once, however many were missed.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from cronsim import CronSim, CronSimError

from mediasync.core import clock
from mediasync.core.errors import UsageError

from .models import Schedule


def put_schedule(
    name: str,
    kind: str,
    scope: Mapping[str, Any],
    *,
    every: int | None = None,
    cron: str = "",
    timezone: str = "UTC",
    owner: str = "",
    enabled: bool = True,
    config: Mapping[str, Any] | None = None,
) -> Schedule:
    """Make or change the schedule called ``name``: ``every`` seconds, or ``cron`` (five fields) in ``timezone``.

    Its next run is kept unless the times changed. Raises UsageError for times that cannot be.
    """
    schedule = Schedule.objects.filter(name=name).first() or Schedule(name=name)
    before = schedule.every, schedule.cron, schedule.timezone, schedule.enabled
    schedule.kind, schedule.scope, schedule.config = kind, dict(scope), dict(config or {})
    schedule.every, schedule.cron, schedule.timezone = every, cron, timezone
    schedule.owner, schedule.enabled = owner, enabled
    check_times(schedule)
    if schedule.next_at is None or before != (every, cron, timezone, enabled):
        schedule.next_at = first_run(schedule)
    schedule.save()
    return schedule


def drop_schedules(owner: str) -> int:
    """Delete the schedules that a service keeps under ``owner`` and return how many there were."""
    if not owner:
        raise ValueError("an empty owner would mean everything that people made")
    return Schedule.objects.filter(owner=owner).delete()[0]


def check_times(schedule: Schedule) -> None:
    """Raise UsageError, with the reason, unless the schedule says when."""
    if (schedule.every is None) == (not schedule.cron):
        raise UsageError("Give either an interval or a cron line.", code="schedule_times")
    if schedule.every is not None and schedule.every < 1:
        raise UsageError("The interval must be at least one second.", code="schedule_interval")
    _runs(schedule, clock.system.now())


def next_runs(schedule: Schedule, n: int = 3, *, now: dt.datetime | None = None) -> list[dt.datetime]:
    """Return the next ``n`` times (aware, UTC) at which it fires; UsageError if it cannot say."""
    if not schedule.enabled:
        return []
    now = now or clock.system.now()
    first = schedule.next_at
    if first is None:
        return list(islice(_runs(schedule, now), n))
    return [first, *islice(_runs(schedule, max(first, now)), n - 1)][:n]


def first_run(schedule: Schedule, now: dt.datetime | None = None) -> dt.datetime | None:
    """Return the first run after ``now``; None for a disabled schedule. UsageError if there is none."""
    if not schedule.enabled:
        return None
    for run in _runs(schedule, now or clock.system.now()):
        return run
    raise UsageError(f"{schedule.cron!r} never comes.", code="schedule_never")


def following_run(schedule: Schedule, now: dt.datetime) -> dt.datetime | None:
    """Return the run after one that is due: an interval keeps its phase, missed slots are left out."""
    if schedule.every is not None and schedule.next_at is not None:
        missed = (now - schedule.next_at) // dt.timedelta(seconds=schedule.every)
        return schedule.next_at + dt.timedelta(seconds=schedule.every) * (missed + 1)
    return first_run(schedule, now)


def _runs(schedule: Schedule, after: dt.datetime) -> Iterator[dt.datetime]:
    """Yield the times after ``after``; UsageError for a cron line or a time zone that does not exist."""
    if schedule.every is not None:
        step = dt.timedelta(seconds=schedule.every)
        return (after + step * (index + 1) for index in range(1_000_000))
    try:
        zone = zoneinfo.ZoneInfo(schedule.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"There is no time zone {schedule.timezone!r}.", code="schedule_zone") from None
    try:
        times = CronSim(schedule.cron, after.astimezone(zone))
    except CronSimError as error:
        raise UsageError(f"Not a cron line: {schedule.cron!r} ({error}).", code="schedule_cron") from None
    return (time.astimezone(dt.UTC) for time in times)

"""Submit what the schedules ask for; one that cannot fire says why and stops no other."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import OperationalError, transaction
from django.db.models import Q

from mediasync.core.errors import MediasyncError

from . import services
from .choices import Level, Trigger
from .models import Event, Schedule
from .schedules import first_run, following_run

logger = logging.getLogger(__name__)
TRY_AGAIN = dt.timedelta(hours=1)  # for a schedule whose next time cannot even be computed


def fire_due(now: dt.datetime) -> int:
    """Fire each due schedule once, however many of its slots were missed; return how many jobs that gave."""
    due = Schedule.objects.filter(Q(next_at__isnull=True) | Q(next_at__lte=now), enabled=True)
    return sum(_fire(schedule, now) for schedule in due.order_by("next_at", "id"))


def _fire(schedule: Schedule, now: dt.datetime) -> bool:
    rows = Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at, enabled=True)
    try:
        if schedule.next_at is None:  # never planned: from now on it is
            rows.update(next_at=first_run(schedule, now), problem="")
            return False
        with transaction.atomic():
            if not rows.update(next_at=following_run(schedule, now), last_at=now, problem=""):
                return False  # another conductor, or a person, was faster
            actor = f"schedule: {schedule.name}"
            made = services.submit(
                schedule.kind, schedule.scope, config=schedule.config, trigger=Trigger.SCHEDULE, actor=actor
            )
            Schedule.objects.filter(pk=schedule.pk).update(last_job=made.job)
    except OperationalError:
        raise
    except Exception as error:
        _note_problem(schedule, error, now)
        return False
    return True


def _note_problem(schedule: Schedule, error: Exception, now: dt.datetime) -> None:
    if not isinstance(error, MediasyncError):
        logger.exception("Schedule %s", schedule.name)
    text = str(error)[:300] or type(error).__name__
    try:
        next_at = following_run(schedule, now)
    except MediasyncError:
        next_at = now + TRY_AGAIN
    Schedule.objects.filter(pk=schedule.pk).update(next_at=next_at, problem=text)
    if schedule.problem != text:
        params = {"schedule": schedule.name, "error": text}
        Event.objects.create(at=now, level=Level.ERROR, code="schedule_problem", params=params)

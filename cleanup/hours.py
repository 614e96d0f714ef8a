"""The hours of the day between which a run that a schedule has accepted may work."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from mediasync.core.errors import Snooze

from .apply_open import Scene
from .policy import Policy

DAY = dt.timedelta(days=1)


def keep(found: Scene, now: dt.datetime) -> None:
    """Raise Snooze outside the hours of the policy; whoever accepted a plan in person is never kept waiting."""
    if not found.run.filters.get("apply"):
        return
    until = opens(found.policy, now)
    if until is not None:
        raise Snooze("The hours of this folder are over.", until=until, code="cleanup_hours")


def opens(policy: Policy, now: dt.datetime) -> dt.datetime | None:
    """Return when the hours begin again (UTC), None if ``now`` lies in them. They are of the installation's zone."""
    start, end = int(policy.hours_from) % 24, int(policy.hours_to) % 24
    local = timezone.localtime(now)
    inside = start <= local.hour < end if start < end else local.hour >= start or local.hour < end
    if start == end or inside:
        return None
    begins = local.replace(hour=start, minute=0, second=0, microsecond=0)
    return (begins if begins > local else begins + DAY).astimezone(dt.UTC)

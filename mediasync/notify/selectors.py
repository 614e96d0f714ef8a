"""Who wants to be told, and when something may be sent."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from mediasync.core.ratelimit import backoff

from .models import ADMINS, Channel, Message, Rule

FIRST_DELAY, LONGEST_DELAY = 60.0, 3600.0  # seconds between attempts
GIVES_UP = dt.timedelta(hours=24)
State = Message.State


def listening() -> list[Rule]:
    """Return the rules that are in force; mail to administrators needs some."""
    rules = Rule.objects.filter(enabled=True, channel__enabled=True).select_related("channel").order_by("pk")
    return [rule for rule in rules if rule.channel.service != ADMINS or settings.ADMINS]


def wanted() -> frozenset[str]:
    """Return the codes of the events that anybody wants."""
    return frozenset(code for rule in listening() for code in rule.events)


def quiet(channel: Channel, now: dt.datetime) -> bool:
    """Tell whether it is a quiet hour of the channel; ``quiet_to`` may lie on the next day."""
    begin, end = channel.quiet_from, channel.quiet_to
    if begin is None or end is None or begin == end:
        return False
    time = timezone.localtime(now).time()
    return begin <= time < end if begin < end else time >= begin or time < end


def sendable(now: dt.datetime) -> QuerySet[Message]:
    """Return the messages that may go out now.

    Those of a channel that failed lately wait for its next try, so that one that hangs costs one attempt at a time; in
    quiet hours only those go that are urgent. Neither holds for one that a person wants sent again.
    """
    waiting = Message.objects.filter(state=State.WAITING)
    resting = waiting.filter(attempts__gt=0, next_try_at__gt=now).values("channel_id")
    asleep = [channel.pk for channel in Channel.objects.exclude(quiet_from=None) if quiet(channel, now)]
    held = Q(channel_id__in=resting) | Q(channel_id__in=asleep) & ~Q(rule__urgent=True)
    ready = waiting.filter(next_try_at__lte=now, channel__enabled=True)
    return ready.exclude(held & Q(asked_at=F("created")))


def due(channel_id: int, now: dt.datetime) -> list[int]:
    """Return the ids of the messages that a channel has to send now, the oldest first."""
    rows = sendable(now).filter(channel_id=channel_id)
    return list(rows.order_by("created", "pk").values_list("pk", flat=True)[:200])


def later(message: Message, now: dt.datetime) -> dt.datetime | None:
    """Return when to try again after a failure; None: not any more."""
    if now - message.asked_at >= GIVES_UP:
        return None
    return now + dt.timedelta(seconds=backoff(message.attempts, first=FIRST_DELAY, most=LONGEST_DELAY))

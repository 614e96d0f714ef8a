"""From notices to messages, and from messages to people.

The conductor's chore only moves rows: it makes a message of what one rule gathered in its window, and starts a job for
each channel that has something to send. So a channel that hangs costs a turn of one job, never the work of others.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from mediasync.jobs import services as jobs
from mediasync.jobs.choices import ACTIVE, WAITING, JobState, Trigger
from mediasync.jobs.models import Job

from . import digest
from .models import Channel, Message, Notice, Rule
from .selectors import listening, quiet, sendable

logger = logging.getLogger(__name__)
State = Message.State
MOST = 20_000  # notices in one message
STUCK = dt.timedelta(minutes=15)  # who sends has died
CHUNK = 1000  # rows removed at once


def run(now: dt.datetime) -> None:
    """Do what is due; called by the conductor every few seconds."""
    for rule in listening():
        try:
            bundle(rule, now)
        except Exception:  # one poisoned notice must not stop the other rules
            logger.exception("The notices of rule %s cannot be made a message.", rule)
    settle_stuck(now)
    start_jobs(now)


def bundle(rule: Rule, now: dt.datetime) -> Message | None:
    """Make one message of what a rule gathered, if its window is over and nobody sleeps."""
    waiting = Notice.objects.filter(rule=rule, message=None)
    first = waiting.aggregate(first=Min("at"))["first"]
    if first is None or first + dt.timedelta(seconds=rule.window) > now:
        return None
    if (not rule.urgent and quiet(rule.channel, now)) or _struggles(rule.channel):
        return None
    notices = list(waiting.order_by("at", "pk")[:MOST])
    subject, body, tone = digest.compose(notices)
    with transaction.atomic():
        message = Message.objects.create(
            channel=rule.channel,
            rule=rule,
            subject=subject,
            body=body,
            tone=tone,
            created=now,
            asked_at=now,
            next_try_at=now,
        )
        ids = [notice.pk for notice in notices]
        taken = sum(
            Notice.objects.filter(pk__in=ids[start : start + 500], message=None).update(message=message)
            for start in range(0, len(ids), 500)
        )
        if taken != len(ids):
            transaction.set_rollback(True)  # another conductor was faster
            return None
    return message


def _struggles(channel: Channel) -> bool:
    """Tell whether a message failed and waits: until it is out, more is gathered rather than tried in vain."""
    return Message.objects.filter(channel=channel, state=State.WAITING, attempts__gt=0).exists()


def start_jobs(now: dt.datetime) -> int:
    """Have the messages sent that are due: one job a channel at a time (a paused one too). Returns how many."""
    held = Job.objects.filter(kind="notify", state__in=(*WAITING, *ACTIVE, JobState.PAUSED))
    taken = {scope.get("channel") for scope in held.values_list("scope", flat=True)}
    channels = sorted(set(sendable(now).values_list("channel_id", flat=True)) - taken)
    for channel in channels:
        jobs.submit("notify", {"channel": channel}, trigger=Trigger.SYSTEM, priority=30)
    return len(channels)


def claim(pk: int, now: dt.datetime) -> Message | None:
    """Take a message to send it, and write that down first; None if it is not to be sent now."""
    message = sendable(now).select_related("channel").filter(pk=pk).first()
    if message is None:
        return None
    values = {"state": State.SENDING, "attempts": message.attempts + 1, "tried_at": now}
    rows = Message.objects.filter(pk=pk, state=State.WAITING, attempts=message.attempts)
    if not rows.update(**values):
        return None
    for name, value in values.items():
        setattr(message, name, value)
    return message


def settle_stuck(now: dt.datetime) -> int:
    """Mark messages whose sender died: they may have been sent, so nobody sends them again by themselves."""
    rows = Message.objects.filter(state=State.SENDING, tried_at__lt=now - STUCK)
    return rows.update(state=State.UNSURE, ended_at=now)


def prune(now: dt.datetime) -> int:
    """Remove messages, and notices that no rule in force will ever send, that are older than KEEP_MESSAGES_DAYS."""
    before = now - dt.timedelta(days=settings.KEEP_MESSAGES_DAYS)
    ended = (State.SENT, State.FAILED, State.UNSURE)
    old = Message.objects.filter(state__in=ended, created__lt=before).values_list("pk", flat=True)[:CHUNK]
    count: int = Message.objects.filter(pk__in=list(old)).delete()[0]
    left = Notice.objects.filter(message=None, at__lt=before).values_list("pk", flat=True)[:CHUNK]
    count += Notice.objects.filter(pk__in=list(left)).delete()[0]
    return count

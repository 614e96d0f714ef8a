"""What may be done with messages: tell of something, set up channels, send again."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, transaction

from mediasync.core import clock, secrets
from mediasync.core.errors import NotFound
from mediasync.jobs.outcomes import storable

from . import postman
from .events import EVENTS
from .models import Channel, Message, Notice, Rule
from .selectors import later, listening, wanted

logger = logging.getLogger(__name__)
State = Message.State
__all__ = ["finish", "give_up", "note", "send_again", "send_test", "set_address", "tell", "tell_all", "wanted"]


def tell(
    event: str,
    params: Mapping[str, Any],
    *,
    key: str = "",
    now: dt.datetime | None = None,
    rules: Sequence[Rule] | None = None,
) -> int:
    """Note that something happened, for every rule that wants it, or for these; returns for how many.

    Only rows are written, and a database that refuses them is logged: whoever tells is never stopped by it. A ``key``
    that was told before (to the same rule) is not told again. ValueError for an unknown event.
    """
    return tell_all(event, [params], key=key, now=now, rules=rules)


def tell_all(
    event: str,
    many: Sequence[Mapping[str, Any]],
    *,
    key: str = "",
    now: dt.datetime | None = None,
    rules: Sequence[Rule] | None = None,
) -> int:
    """Note that something happened many times, with few statements; ``key`` as for ``tell``, for one only."""
    try:
        return note(event, many, key=key, now=now or clock.system.now(), rules=rules)
    except DatabaseError as error:
        logger.warning("Nobody can be told of %s: %s", event, error)
        return 0


@transaction.atomic
def note(
    event: str, many: Sequence[Mapping[str, Any]], *, key: str, now: dt.datetime, rules: Sequence[Rule] | None = None
) -> int:
    """Do what ``tell_all`` does, but raise DatabaseError; for who can come again."""
    if event not in EVENTS:
        raise ValueError(f"no event {event!r}; there are: {', '.join(EVENTS)}")
    facts = [storable(dict(params)) for params in many]
    if rules is None:
        rules = [rule for rule in listening() if event in rule.events]
    rows = [Notice(rule=rule, event=event, key=key[:200], params=each, at=now) for rule in rules for each in facts]
    Notice.objects.bulk_create(rows, ignore_conflicts=bool(key), batch_size=500)
    return len(rules)


def set_address(channel: Channel, url: str) -> None:
    """Seal the address of a channel; UsageError if apprise cannot send to it."""
    channel.service = postman.service_of(url)
    channel.url_sealed = secrets.seal(url.strip(), postman.keys())
    channel.last_error = ""


def send_test(channel: Channel, subject: str, body: str, now: dt.datetime | None = None) -> Message:
    """Send one message at once, and return its row: sent or failed."""
    now = now or clock.system.now()
    values = {
        "state": State.SENDING,
        "attempts": 1,
        "tried_at": now,
        "created": now,
        "asked_at": now,
        "next_try_at": now,
    }
    message = Message.objects.create(channel=channel, subject=subject[:200], body=body, **values)
    return finish(message, postman.deliver(message), now, try_again=False)


def finish(message: Message, error: str, now: dt.datetime, *, try_again: bool = True) -> Message:
    """Write down what became of an attempt ("" is success); does nothing if the row is no longer ours."""
    values: dict[str, Any] = {"state": State.SENT, "error": "", "ended_at": now}
    if error:
        again = later(message, now) if try_again else None
        values = {"state": State.FAILED, "error": error[:500], "ended_at": now}
        if again is not None:
            values |= {"state": State.WAITING, "next_try_at": again, "ended_at": None}
    if Message.objects.filter(pk=message.pk, state=State.SENDING, attempts=message.attempts).update(**values):
        for name, value in values.items():
            setattr(message, name, value)
        about: dict[str, Any] = {"last_error": error[:500]} if error else {"last_error": "", "sent_at": now}
        Channel.objects.filter(pk=message.channel_id).update(**about)
    return message


def send_again(message: Message, now: dt.datetime | None = None) -> None:
    """Let a message that failed, waits or may have been sent go out now; NotFound if it is in another state."""
    now = now or clock.system.now()
    rows = Message.objects.filter(pk=message.pk, state__in=(State.FAILED, State.UNSURE, State.WAITING))
    values = {"state": State.WAITING, "asked_at": now, "next_try_at": now, "ended_at": None}
    if not rows.update(**values):
        raise NotFound("The message is being sent or was sent.", code="message_elsewhere")


def give_up(message: Message, now: dt.datetime | None = None) -> None:
    """Try a message that waits no more."""
    rows = Message.objects.filter(pk=message.pk, state=State.WAITING)
    rows.update(state=State.FAILED, ended_at=now or clock.system.now())

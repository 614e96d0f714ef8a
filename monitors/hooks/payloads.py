"""What hooks received: stored first, parsed later by the watcher, kept for a while, and replayed when asked."""

from __future__ import annotations

import datetime as dt
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import QuerySet

from mediasync.core.clock import Clock, system
from monitors import triggers
from monitors.hints import intake
from monitors.models import Hook, Payload
from monitors.triggers import Parsed, Received, Rejected
from monitors.triggers.base import plain

from . import services as hooks
from . import spool

logger = logging.getLogger(__name__)

State = Payload.State
BLOCK = 200  # payloads that one call of parse_waiting handles
TRIES = 10  # to follow one; then it is set aside, and *Replay* tries again
BUSY_MS = 40  # that a call waits for whoever writes to SQLite, before it goes to the spool
BREATH = 0.002  # seconds between two payloads: SQLite is not fair, and calls that come in want to write as well
MOST_SHOWN = 1000  # notices that are stored for people to see


# -- Receiving


def store(payload: Payload) -> bool:
    """Store a call as it came, by one INSERT; False if the database did not answer and it lies in the spool instead.

    SQLite is not waited for as long as elsewhere: whoever calls waits too, and does not try again.
    Raises spool.Full or OSError when neither was possible.
    """
    try:
        with _impatient():
            payload.save(force_insert=True)
    except (DatabaseError, InterfaceError) as error:
        logger.info("a call for %s goes to the spool: %s", payload.hook.name, error)
        spool.keep(payload)
        return False
    return True


@contextmanager
def _impatient() -> Iterator[None]:
    """Let SQLite give up soon when somebody else writes."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    usual = settings.SQLITE_OPTIONS["timeout"] * 1000
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


# -- Parsing


def parse_waiting(clock: Clock = system, limit: int = BLOCK) -> int:
    """Follow what was received, oldest first, and return how many payloads are through. For the watcher's tick.

    Each is followed in a transaction of its own, so one that cannot be stops no other. A database that does not answer
    raises DatabaseError, and everything is still there the next time.
    """
    spool.take()
    waiting = Payload.objects.filter(state=State.RECEIVED).order_by("id").values_list("pk", flat=True)
    done = 0
    for pk in list(waiting[:limit]):  # loaded one by one: each may hold a megabyte
        payload = Payload.objects.select_related("hook").filter(pk=pk).first()
        done += payload is not None and parse(payload, clock)
        time.sleep(BREATH)
    return done


def parse(payload: Payload, clock: Clock = system) -> bool:
    """Follow one payload: its state and its hints are written together. False if it is not through (any more)."""
    parsed, state, error = read(payload)
    values = {
        "state": state,
        "event": parsed.event,
        "code": parsed.code,
        "params": {**parsed.params, "paths": len(parsed.notices)},
        "notices": [notice.as_json() for notice in parsed.notices[:MOST_SHOWN]],
        "parsed_at": clock.now(),
    }
    if error:
        logger.error("payload %s: %s", payload.pk, error)
    mine = Payload.objects.filter(pk=payload.pk, state=State.RECEIVED)
    try:
        with transaction.atomic():
            if not mine.update(**values):  # another watcher has it
                return False
            Hook.objects.filter(pk=payload.hook_id).update(received_at=payload.at)
            if parsed.notices:
                source, reference = hooks.source_of(payload.hook), f"payload {payload.pk}"
                hints = intake.take_in(parsed.notices, source, reference=reference, clock=clock)
                Payload.objects.filter(pk=payload.pk).update(hints=hints)
    except Exception as problem:
        return _failed(payload, values, problem)
    return True


def read(payload: Payload) -> tuple[Parsed, str, str]:
    """Return what a payload says, the state that follows, and, if our own code failed, how. Writes nothing."""
    received = Received(bytes(payload.body), payload.query, payload.headers, payload.path)
    kind = triggers.KINDS.get(payload.hook.kind)
    try:
        if kind is None:
            raise Rejected("hook_kind")
        parsed = kind.parse(received)
    except Rejected as error:
        return Parsed(error.event, code=error.code, params=error.params), State.REJECTED, ""
    except Exception as error:
        params = {"error": plain(f"{type(error).__name__}: {error}", 200)}
        return Parsed(code="call_failed", params=params), State.REJECTED, traceback.format_exc(limit=-3)
    return parsed, State.DONE if parsed.notices else State.IGNORED, ""


def _failed(payload: Payload, values: dict[str, Any], problem: Exception) -> bool:
    """Count a payload that could not be followed; set it aside when the database answers and it still cannot be.

    While the database does not answer, the count cannot be written either, so nothing is given up: it raises.
    """
    tries = int(payload.params.get("tries", 0)) + 1
    logger.warning("payload %s was not followed, try %d", payload.pk, tries, exc_info=problem)
    mine = Payload.objects.filter(pk=payload.pk, state=State.RECEIVED)
    if tries < TRIES:
        mine.update(params={"tries": tries})
        return False
    reason = {"error": plain(f"{type(problem).__name__}: {problem}", 200), "tries": tries}
    return bool(mine.update(**values | {"state": State.REJECTED, "code": "call_failed", "params": reason}))


# -- Afterwards


def replay(payload: Payload, clock: Clock = system) -> Payload:
    """Store the same call once more, to be parsed as if it came now."""
    again = Payload(at=clock.now(), replay_of=payload)
    for name in ("hook_id", "method", "path", "query", "headers", "body", "sender"):
        setattr(again, name, getattr(payload, name))
    again.save(force_insert=True)
    return again


def forget(clock: Clock = system) -> int:
    """Delete what was received more than KEEP_PAYLOADS_DAYS ago and return how many rows that were.

    What was not parsed yet stays: no watcher has run for so long.
    """
    before = clock.now() - dt.timedelta(days=settings.KEEP_PAYLOADS_DAYS)
    old = Payload.objects.filter(at__lt=before).exclude(state=State.RECEIVED)
    return _delete(old)


def remove_hook(hook: Hook) -> None:
    """Delete a hook and all it received."""
    _delete(Payload.objects.filter(hook=hook))
    hook.delete()


def _delete(rows: QuerySet[Payload]) -> int:
    """Delete payloads block by block, without loading them as Django would: each may hold a megabyte."""
    total = 0
    while block := list(rows.values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            Payload.objects.filter(replay_of__in=block).update(replay_of=None)
            total += int(Payload.objects.filter(pk__in=block)._raw_delete(rows.db))
    return total

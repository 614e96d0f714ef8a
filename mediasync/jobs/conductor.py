"""The loop that moves jobs while no slice holds them: each second one ``tick``, on one host at a time.

Order of a tick: commands, schedules, dead workers, requests that nobody will answer, what is due, lanes, lost
messages, chores of features, retention. A step that fails is told and does not stop the next one.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Q

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import MediasyncError

from . import boot, chores, courier, firing, promotion, rescue, retention, verbs
from .choices import CommandState
from .leases import database_now
from .models import Command, EngineState

logger = logging.getLogger(__name__)
LEASE = dt.timedelta(seconds=10)  # of the conductor; a successor takes over after it
COMMANDS = 200  # at once

Step = Callable[[], object]


def tick(
    clock: Clock = clocks.system,
    *,
    send: rescue.Send = courier.send,
    in_flight: rescue.InFlight = courier.in_flight,
    me: str = "",
    workers: int = 0,
) -> bool:
    """Do everything that is due once; False when another process conducts (then only this host is looked after).

    ``workers`` is the number of worker processes that share the work (default: the setting).
    """
    now = database_now(clock)
    at_once: list[tuple[str, Step]] = [
        ("look after workers", partial(rescue.look_after_workers, now)),
        ("settle dead workers", partial(rescue.settle_dead, now)),
    ]
    if not lead(now, me or boot.owner()):
        _run(at_once)
        return False
    _run([("apply commands", partial(apply_commands, clock))])
    paused = EngineState.objects.filter(pk=1, paused_all=True).exists()
    steps: list[tuple[str, Step]] = [
        *at_once,
        ("settle requests", partial(rescue.settle_requests, now)),
        ("queue what is due", partial(promotion.queue_due, now)),
    ]
    if not paused:
        workers = workers or settings.WORKERS
        steps.insert(0, ("fire schedules", partial(firing.fire_due, now)))
        steps += [
            ("start jobs", partial(promotion.start_queued, now, send=send, workers=workers)),
            ("send lost messages", partial(rescue.resend_lost, now, send=send, in_flight=in_flight)),
        ]
    steps += [(each.name, partial(each.run, now)) for each in chores.due(now)]
    _run([*steps, ("prune", partial(retention.prune_if_due, now))])
    return True


def apply_commands(clock: Clock = clocks.system) -> int:
    """Carry out the commands that wait, in their order, each exactly once; return how many."""
    ids = Command.objects.filter(state=CommandState.PENDING).order_by("id").values_list("pk", flat=True)
    return sum(_apply(pk, clock) for pk in list(ids[:COMMANDS]))


def lead(now: dt.datetime, me: str) -> bool:
    """Take or keep the conductor's lease; False while another process has it."""
    mine = Q(conductor=me) | Q(conductor_until__isnull=True) | Q(conductor_until__lt=now)
    fields = {"conductor": me, "conductor_until": now + LEASE, "last_tick": now}
    if EngineState.objects.filter(mine, pk=1).update(**fields):
        return True
    engine, made = EngineState.objects.get_or_create(pk=1, defaults=fields)
    if made:
        return True
    if not boot.known_dead(engine.conductor):  # a predecessor that is dead is not waited for
        return False
    return bool(EngineState.objects.filter(pk=1, conductor=engine.conductor).update(**fields))


def resign(me: str = "") -> None:
    """Give the lease back, so that a successor need not wait for its end."""
    EngineState.objects.filter(pk=1, conductor=me or boot.owner()).update(conductor="", conductor_until=None)


def _run(steps: list[tuple[str, Step]]) -> None:
    for name, step in steps:
        try:
            step()
        except DatabaseError as error:
            if connection.in_atomic_block:
                raise
            logger.warning("The conductor could not %s: %s", name, error)
        except Exception:
            logger.exception("The conductor could not %s.", name)


def _apply(pk: int, clock: Clock) -> bool:
    now = database_now(clock)
    with transaction.atomic():
        if not Command.objects.filter(pk=pk, state=CommandState.PENDING).update(
            state=CommandState.APPLIED, applied_at=now, result_code="applied"
        ):
            return False  # somebody else was faster
        command = Command.objects.get(pk=pk)
        try:
            with transaction.atomic():
                facts = verbs.apply(command, now)
        except OperationalError:
            raise  # not the command's fault: it waits
        except Exception as error:  # a value that the database refuses is: it must not stop those behind it
            if not isinstance(error, MediasyncError):
                logger.exception("Command %s", pk)
            code = error.code if isinstance(error, MediasyncError) else "error"
            params = error.params if isinstance(error, MediasyncError) else {"error": str(error)}
            Command.objects.filter(pk=pk).update(state=CommandState.REFUSED, result_code=code, result_params=params)
            return True
        Command.objects.filter(pk=pk).update(result_params=facts)
    return True

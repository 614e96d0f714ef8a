"""What each command asks, when it is allowed, and how it is carried out.

``check`` runs when a command is given, so that the asker hears at once; ``apply`` runs in the conductor (or in
``drain``) and checks again, since the job may have moved on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import F

from mediasync.core.errors import Conflict, IllegalTransition, UsageError

from . import trees
from .choices import ACTIVE, RESTING, TERMINAL, WAITING, CommandState, ItemState, JobState, Verb
from .models import Command, EngineState, Event, Job
from .transitions import transition

S = JobState
UNFINISHED_ITEMS = (ItemState.FAILED, ItemState.INTERRUPTED, ItemState.CANCELED)
FINISHED_ITEMS = (ItemState.SUCCEEDED, ItemState.SKIPPED)
RETRYABLE = (S.COMPLETED_WITH_ERRORS, S.FAILED, S.CANCELED, S.INTERRUPTED)

ALLOWED: dict[Verb, tuple[JobState, ...]] = {
    Verb.PAUSE: (*WAITING, S.RUNNING),
    Verb.RESUME: (S.PAUSED, S.PAUSE_REQUESTED, S.INTERRUPTED),
    Verb.CANCEL: (*WAITING, *RESTING, S.RUNNING, S.PAUSE_REQUESTED),
    Verb.RETRY_FAILED: RETRYABLE,
    Verb.RETRY_ITEM: RETRYABLE,
    Verb.FORCE_RETRY_ITEM: TERMINAL,
    Verb.RUN_NOW: (S.SCHEDULED,),
    Verb.SET_PRIORITY: (*WAITING, *ACTIVE, *RESTING),
    Verb.FORCE_UNLOCK: ACTIVE,
}
ENGINE_VERBS = (Verb.PAUSE_ALL, Verb.RESUME_ALL)
RETRIES = (Verb.RETRY_FAILED, Verb.RETRY_ITEM, Verb.FORCE_RETRY_ITEM)


def allowed(job: Job) -> list[Verb]:
    """Return the verbs that the job would take in its state of now, for buttons."""
    return [verb for verb, states in ALLOWED.items() if job.state in states]


def check(command: Command) -> None:
    """Refuse (UsageError, Conflict) what makes no sense; lenient while an earlier command still waits."""
    _check_arguments(command)
    if command.job_id is None:
        return
    earlier = Command.objects.filter(job_id=command.job_id, state=CommandState.PENDING)
    if command.pk is None and earlier.exists():
        return
    job = Job.objects.get(pk=command.job_id)
    verb = Verb(command.verb)
    if job.state not in ALLOWED[verb]:
        raise IllegalTransition(
            f"{verb.label} is not possible while the job is {job.state}.", job=job.pk, verb=str(verb), state=job.state
        )
    if verb in RETRIES and job.dedupe_key:
        twin = Job.objects.filter(dedupe_key=job.dedupe_key, state__in=WAITING).exclude(pk=job.pk).first()
        if twin is not None:
            raise Conflict(f"Job {twin.pk} waits to do the same.", code="twin_waiting", job=job.pk, twin=twin.pk)


def _check_arguments(command: Command) -> None:
    verb = Verb(command.verb)
    if (command.job_id is None) != (verb in ENGINE_VERBS):
        raise UsageError(f"{verb} needs {'no' if verb in ENGINE_VERBS else 'a'} job.")
    items = command.args.get("items")
    if verb in (Verb.RETRY_ITEM, Verb.FORCE_RETRY_ITEM) and not items:
        raise UsageError(f"{verb} needs the ids of items.")
    if verb is Verb.SET_PRIORITY and not isinstance(command.args.get("priority"), int):
        raise UsageError("set_priority needs a whole number.")


def apply(command: Command, now: dt.datetime) -> dict[str, Any]:
    """Carry a command out inside the caller's transaction and return facts for its result; Conflict refuses it.

    The job's row is locked first, so that what was checked is still so when it is moved.
    """
    if command.job_id is not None:
        Job.objects.select_for_update().filter(pk=command.job_id).first()
    check(command)
    facts = HANDLERS[Verb(command.verb)](command, now)
    if facts is None:
        raise IllegalTransition("The job cannot be moved.", job=command.job_id, verb=command.verb)
    return facts


Facts = dict[str, Any] | None


def _id(command: Command) -> int:
    assert command.job_id is not None  # _check_arguments saw to it
    return command.job_id


def _move(command: Command, to: JobState, expect: tuple[JobState, ...], now: dt.datetime, **fields: Any) -> bool:
    return transition(_id(command), to, expect=expect, actor=command.actor, now=now, **fields)


def _pause(command: Command, now: dt.datetime) -> Facts:
    at_once = _move(command, S.PAUSED, WAITING, now)
    return {} if at_once or _move(command, S.PAUSE_REQUESTED, (S.RUNNING,), now) else None


def _resume(command: Command, now: dt.datetime) -> Facts:
    if _move(command, S.RUNNING, (S.PAUSE_REQUESTED,), now):
        return {}
    fields = {"bump_epoch": True, "not_before": now, "interruptions": 0}
    return {} if _move(command, S.QUEUED, (S.PAUSED, S.INTERRUPTED), now, **fields) else None


def _cancel(command: Command, now: dt.datetime) -> Facts:
    if _move(command, S.CANCELED, (*WAITING, *RESTING), now):
        trees.cancel_open(_id(command), now)
        return {}
    return {} if _move(command, S.CANCEL_REQUESTED, (S.RUNNING, S.PAUSE_REQUESTED), now) else None


def _retry(command: Command, now: dt.datetime) -> Facts:
    """Reopen the items first: a job that has none of them stays as it is."""
    verb = Verb(command.verb)
    force = verb is Verb.FORCE_RETRY_ITEM
    only = None if verb is Verb.RETRY_FAILED else [int(item) for item in command.args["items"]]
    states = UNFINISHED_ITEMS + FINISHED_ITEMS if force else UNFINISHED_ITEMS
    count = trees.reopen(_id(command), states, only=only, force=force)
    if not count and not trees.has_open(_id(command)):
        raise Conflict("There is nothing to do again.", code="nothing_to_retry", job=command.job_id)
    expect = TERMINAL if force else RETRYABLE
    fields = {"bump_epoch": True, "not_before": now, "interruptions": 0, "attempt": F("attempt") + 1}
    return {"items": count} if _move(command, S.QUEUED, expect, now, **fields) else None


def _run_now(command: Command, now: dt.datetime) -> Facts:
    rows = Job.objects.filter(pk=_id(command), state=S.SCHEDULED)
    return {} if rows.update(not_before=now, rev=F("rev") + 1) else None


def _set_priority(command: Command, now: dt.datetime) -> Facts:
    priority = command.args["priority"]
    Job.objects.filter(pk=_id(command)).update(priority=priority, rev=F("rev") + 1)
    params = {"priority": priority}
    Event.objects.create(job_id=command.job_id, at=now, code="priority_set", params=params, actor=command.actor)
    return params


def _force_unlock(command: Command, now: dt.datetime) -> Facts:
    """End the lease; the recovery of the same tick then settles the job like that of any dead worker."""
    patience = dt.timedelta(seconds=settings.LEASE_SECONDS)  # a lease twice its length old ran out one length ago
    rows = Job.objects.filter(pk=_id(command), lease_until__lt=now - patience)
    if not rows.update(lease_until=now - dt.timedelta(days=1), rev=F("rev") + 1):
        raise Conflict("Its worker is alive, or was a moment ago.", code="lease_alive", job=command.job_id)
    return {}


def _pause_all(command: Command, now: dt.datetime) -> Facts:
    return _set_engine(command, now, paused_all=True, paused_by=command.actor, paused_at=now)


def _resume_all(command: Command, now: dt.datetime) -> Facts:
    """Running jobs that let go meanwhile get their next message at once: they are as good as lost."""
    Job.objects.filter(state=S.RUNNING, lease_until__isnull=True).update(handed_over_at=None)
    return _set_engine(command, now, paused_all=False, paused_by="", paused_at=None)


def _set_engine(command: Command, now: dt.datetime, **fields: Any) -> Facts:
    EngineState.objects.update_or_create(pk=1, defaults=fields)
    code = "engine_paused" if fields["paused_all"] else "engine_resumed"
    Event.objects.create(at=now, code=code, actor=command.actor)
    return {}


HANDLERS: dict[Verb, Callable[[Command, dt.datetime], Facts]] = {
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.CANCEL: _cancel,
    Verb.RETRY_FAILED: _retry,
    Verb.RETRY_ITEM: _retry,
    Verb.FORCE_RETRY_ITEM: _retry,
    Verb.RUN_NOW: _run_now,
    Verb.SET_PRIORITY: _set_priority,
    Verb.FORCE_UNLOCK: _force_unlock,
    Verb.PAUSE_ALL: _pause_all,
    Verb.RESUME_ALL: _resume_all,
}

"""Every way that a job may go from one state to another, as data, and the one function that does it.

The numbers are the rows of the table in docs/engine.md; rows 1 and 2 are the insert (``services.submit``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.dispatch import Signal

from mediasync.core import clock
from mediasync.core.errors import IllegalTransition

from .choices import ACTIVE, TERMINAL, WAITING, JobState, Level
from .models import Event, Job

S = JobState


@dataclass(frozen=True, slots=True)
class Row:
    """Row ``number``: from any of ``sources`` to ``target``, moved by ``by``."""

    number: int
    sources: tuple[JobState, ...]
    target: JobState
    by: str


TRANSITIONS: tuple[Row, ...] = (
    Row(3, (S.SCHEDULED,), S.QUEUED, "conductor"),
    Row(4, (S.QUEUED,), S.RUNNING, "conductor"),
    Row(5, (S.SCHEDULED, S.QUEUED), S.SKIPPED, "conductor"),
    Row(6, (S.SCHEDULED, S.QUEUED), S.PAUSED, "command"),
    Row(7, (S.SCHEDULED, S.QUEUED, S.PAUSED, S.INTERRUPTED), S.CANCELED, "command"),
    Row(8, (S.RUNNING,), S.PAUSE_REQUESTED, "command"),
    Row(9, (S.PAUSE_REQUESTED,), S.PAUSED, "slice, conductor"),
    Row(10, (S.PAUSE_REQUESTED,), S.RUNNING, "command"),
    Row(11, (S.PAUSED,), S.QUEUED, "command"),
    Row(12, (S.RUNNING, S.PAUSE_REQUESTED), S.CANCEL_REQUESTED, "command"),
    Row(13, (S.CANCEL_REQUESTED,), S.CANCELED, "slice, conductor"),
    Row(13, (S.CANCEL_REQUESTED,), S.COMPLETED, "slice, conductor"),  # nothing was left to do
    Row(14, (S.RUNNING,), S.INTERRUPTED, "conductor"),
    Row(15, (S.INTERRUPTED,), S.QUEUED, "conductor, command"),
    Row(16, (S.RUNNING,), S.COMPLETED, "slice"),
    Row(17, (S.RUNNING,), S.COMPLETED_WITH_ERRORS, "slice"),
    Row(18, (S.RUNNING,), S.FAILED, "slice"),
    Row(19, (S.RUNNING,), S.SCHEDULED, "slice"),  # snoozed
    Row(20, (S.RUNNING,), S.PAUSED, "slice"),  # needs a person
    Row(21, (S.COMPLETED_WITH_ERRORS, S.FAILED, S.CANCELED, S.INTERRUPTED), S.QUEUED, "command"),
    Row(22, TERMINAL, S.QUEUED, "command"),
)
LEGAL = frozenset((source, row.target) for row in TRANSITIONS for source in row.sources)
ended = Signal()
"""Sent with ``job_id``, ``state`` and ``now`` when a job ended, in the transaction that ends it."""
LEVELS = {S.FAILED: Level.ERROR, S.COMPLETED_WITH_ERRORS: Level.WARNING, S.INTERRUPTED: Level.WARNING}


def check(source: JobState | str, target: JobState | str) -> None:
    """Raise IllegalTransition unless the table has that pair."""
    if (source, target) not in LEGAL:
        raise IllegalTransition(f"A job cannot go from {source} to {target}.", source=str(source), target=str(target))


def transition(
    job_id: int,
    to: JobState,
    *,
    expect: Iterable[JobState] | JobState,
    epoch: int | None = None,
    bump_epoch: bool = False,
    actor: str = "",
    now: dt.datetime | None = None,
    **fields: Any,
) -> bool:
    """Move a job to ``to`` if it is in one of ``expect`` (and in ``epoch``, when given), and write the Event.

    ``fields`` are further columns to set; reason, lease, ``started``, ``finished`` and the live columns follow from
    the target unless given. Returns False, having changed nothing, when the job was elsewhere by then.
    Raises IllegalTransition when a pair (expected, to) is not in the table: that is a mistake in the caller.
    """
    sources = [expect] if isinstance(expect, str) else list(expect)
    for each in sources:
        check(each, to)
    now = now or clock.system.now()
    changes = {**_changes(to, now), **fields, "state": to, "rev": F("rev") + 1}
    if bump_epoch:
        changes["epoch"] = F("epoch") + 1
    with transaction.atomic():
        rows = Job.objects.filter(pk=job_id, state__in=sources)
        if epoch is not None:
            rows = rows.filter(epoch=epoch)
        source = rows.values_list("state", flat=True).first()
        if source is None or not _update(rows.filter(state=source), changes, to, came_back=source not in WAITING):
            return False
        params = {"from": source}
        if changes["reason_code"]:
            params |= {"reason": changes["reason_code"], **changes["reason_params"]}
        if to is S.SCHEDULED and source == S.RUNNING:
            params |= _fold_naps(job_id, params)
        level = LEVELS.get(to, Level.INFO)
        Event.objects.create(job_id=job_id, at=now, level=level, code=f"job_{to}", params=params, actor=actor)
        if to in TERMINAL:
            ended.send_robust(sender=Job, job_id=job_id, state=to, now=now)
    return True


def _fold_naps(job_id: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the events of the nap before if it had the same reason; return how many ``times`` there were by now.

    A job that waits for a server which is off for a week would write hundreds of rows that say the same.
    """
    last = list(Event.objects.filter(job_id=job_id).order_by("-id")[:3])
    if [event.code for event in last] != ["job_running", "job_queued", "job_scheduled"]:
        return {}
    nap = last[2].params
    if nap.get("reason") != params.get("reason"):
        return {}
    Event.objects.filter(pk__in=[event.pk for event in last]).delete()
    return {"times": nap.get("times", 1) + 1}


def _changes(to: JobState, now: dt.datetime) -> dict[str, Any]:
    """Return what follows from the target by itself."""
    changes: dict[str, Any] = {"reason_code": "", "reason_params": {}, "finished": now if to in TERMINAL else None}
    if to is S.RUNNING:
        changes["started"] = Coalesce(F("started"), Value(now))
    if to not in ACTIVE:
        changes |= {"lease_owner": "", "lease_until": None, "handed_over_at": None, "current": "", "rate": 0.0}
    return changes


def _update(rows: QuerySet[Job], changes: dict[str, Any], to: JobState, *, came_back: bool) -> bool:
    """Do the update; a job that waits again after it had begun no longer stands for new requests of its scope."""
    if to not in WAITING:
        return bool(rows.update(**changes))
    if came_back:
        begun = When(started__isnull=False, then=Value(""))
        changes = changes | {"dedupe_key": Case(begun, default=F("dedupe_key"))}
    try:
        with transaction.atomic():
            return bool(rows.update(**changes))
    except IntegrityError:  # another job of this key waits already
        return bool(rows.update(**changes | {"dedupe_key": ""}))

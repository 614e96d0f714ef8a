"""From waiting to running: what is due is queued, what fits into its lanes starts with a message to a worker."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q

from . import registry
from .choices import ACTIVE, JobState, LaneMode
from .lanes import Entrant, Reason, choose
from .models import EngineState, Job, JobLane
from .transitions import transition

logger = logging.getLogger(__name__)
S = JobState
Send = Callable[[int, int], None]
LOOK_AT = 400  # of the most urgent, and as many of the oldest: a tick stays short whatever waits


def queue_due(now: dt.datetime) -> int:
    """Queue the scheduled jobs whose time has come (row 3)."""
    due = Job.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=now), state=S.SCHEDULED)
    ids = list(due.order_by("not_before").values_list("pk", flat=True)[:LOOK_AT])
    return sum(transition(pk, S.QUEUED, expect=S.SCHEDULED, now=now) for pk in ids)


def start_queued(now: dt.datetime, *, send: Send, workers: int) -> int:
    """Start what may start (row 4), say of the others why they wait, and return how many were started."""
    waiting = _waiting()
    if not waiting:
        return 0
    with _turn() as engine:
        if engine.paused_all:  # just now
            return 0
        return _start_some(waiting, now, send=send, workers=lambda active: workers)


def start_one(job: Job, now: dt.datetime) -> bool:
    """Start this queued job if its lanes are free, without a message: ``drain`` runs it itself."""
    with _turn() as engine:
        if engine.paused_all:
            return False
        return bool(_start_some([job], now, send=lambda job_id, epoch: None, workers=lambda active: active + 2))


@contextmanager
def _turn() -> Iterator[EngineState]:
    """Let one process at a time decide who starts, so that two cannot take the last place of a lane."""
    EngineState.objects.get_or_create(pk=1)
    with transaction.atomic():
        yield EngineState.objects.select_for_update().get(pk=1)


def _start_some(waiting: Sequence[Job], now: dt.datetime, *, send: Send, workers: Callable[[int], int]) -> int:
    jobs = {job.pk: job for job in waiting}
    active = _entrants(Job.objects.filter(state__in=ACTIVE))
    verdict = choose(
        _entrants(waiting),
        active,
        capacities=settings.LANES,
        workers=workers(len(active)),
        now=now,
        ready=lambda entrant: _precondition(jobs[entrant.id]),
    )
    for pk, reason in verdict.reasons.items():
        _explain(jobs[pk], reason)
    return sum(_start(entrant.id, now, send) for entrant in verdict.start)


def _waiting() -> list[Job]:
    """Return the queued jobs to look at, those of a kind that no longer exists skipped (row 5)."""
    queued = Job.objects.filter(state=S.QUEUED)
    urgent = list(queued.order_by("-priority", "id")[:LOOK_AT])
    if len(urgent) == LOOK_AT:
        urgent = list({job.pk: job for job in [*urgent, *queued.order_by("id")[:LOOK_AT]]}.values())
    known = {kind.name for kind in registry.kinds()}
    for job in urgent:
        if job.kind not in known:
            params = {"kind": job.kind}
            transition(job.pk, S.SKIPPED, expect=S.QUEUED, reason_code="kind_gone", reason_params=params)
    return [job for job in urgent if job.kind in known]


def _entrants(jobs: Iterable[Job]) -> list[Entrant]:
    rows = list(jobs)
    lanes: dict[int, list[registry.Lane]] = {}
    for lane in JobLane.objects.filter(job__in=[job.pk for job in rows]):
        lanes.setdefault(lane.job_id, []).append(registry.Lane(lane.key, LaneMode(lane.mode)))
    heavy = {kind.name for kind in registry.kinds() if kind.heavy}
    return [
        Entrant(
            id=job.pk,
            lanes=tuple(lanes.get(job.pk, ())),
            priority=job.priority,
            since=max(job.created, job.not_before or job.created),
            heavy=job.kind in heavy,
        )
        for job in rows
    ]


def _precondition(job: Job) -> Reason | None:
    try:
        return registry.kind(job.kind).precondition(job.scope)
    except DatabaseError:
        raise
    except Exception as error:  # a feature's mistake must not stop the others
        logger.exception("The precondition of job %s (%s) failed.", job.pk, job.kind)
        return "precondition_failed", {"error": str(error)}


def _explain(job: Job, reason: Reason) -> None:
    code, params = reason[0], dict(reason[1])
    if (job.reason_code, job.reason_params) != (code, params):
        rows = Job.objects.filter(pk=job.pk, state=S.QUEUED)
        rows.update(reason_code=code, reason_params=params, rev=F("rev") + 1)


def _start(job_id: int, now: dt.datetime, send: Send) -> bool:
    """Set it running and send its message: both or neither."""
    with transaction.atomic():
        fields: dict[str, Any] = {"handed_over_at": now, "not_before": None, "lease_owner": "", "lease_until": None}
        if not transition(job_id, S.RUNNING, expect=S.QUEUED, bump_epoch=True, now=now, **fields):
            return False
        send(job_id, Job.objects.values_list("epoch", flat=True).get(pk=job_id))
    return True

"""How a slice ends: the one fenced transaction that settles the job, or hands it on.

The fence reads the job's state under its lock, so what is decided here cannot be overtaken: a resume that came in
while the job drained is seen as ``running`` and handed over (row 10 of docs/engine.md).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import leases, logs, trees
from .choices import JobState, StageState
from .leases import Lease, fence
from .models import Job, SliceSlot, Stage
from .outcomes import storable
from .transitions import transition

Send = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the slice stops. ``name`` is what ``run_slice`` returns, unless a request goes before it."""

    name: str  # done, failed, snoozed, needs_operator, handed_over, engine_paused
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    until: dt.datetime | None = None


def end(lease: Lease, ending: Ending, send: Send, worker_id: int | None) -> str:
    """Settle the job or hand it over, and say which of the two came out."""
    return leases.patiently(lease, lambda: _end(lease, ending, send, worker_id))


def _end(lease: Lease, ending: Ending, send: Send, worker_id: int | None) -> str:
    state = fence(lease).state
    logs.save(lease.job_id, lease.clock)
    if worker_id is not None:
        SliceSlot.objects.filter(worker_id=worker_id, job_id=lease.job_id).delete()
    if state == JobState.CANCEL_REQUESTED:
        return _cancel(lease)
    if state == JobState.PAUSE_REQUESTED:
        _move(lease, JobState.PAUSED, JobState.PAUSE_REQUESTED)
        return "paused"
    if ending.name == "done":
        failed = Stage.objects.filter(job_id=lease.job_id, failed__gt=0).exists()
        _move(lease, JobState.COMPLETED_WITH_ERRORS if failed else JobState.COMPLETED)
    elif ending.name == "failed":
        _fail(lease, ending)
    elif ending.name == "snoozed":
        _move(lease, JobState.SCHEDULED, not_before=ending.until, **_reason(ending))
    elif ending.name == "needs_operator":
        _move(lease, JobState.PAUSED, **_reason(ending))
    elif ending.name == "engine_paused":
        leases.release(lease, reason_code="engine_paused")  # resume_all sends the next message
    else:
        send(lease.job_id, leases.release(lease))
    return ending.name


def _cancel(lease: Lease) -> str:
    to = trees.end_of_cancel(lease.job_id)
    trees.cancel_open(lease.job_id, lease.clock.now())
    _move(lease, to, JobState.CANCEL_REQUESTED)
    return "done" if to is JobState.COMPLETED else "canceled"


def _fail(lease: Lease, ending: Ending) -> None:
    now = lease.clock.now()
    stages = Stage.objects.filter(job_id=lease.job_id)
    stages.filter(state__in=(StageState.PLANNING, StageState.RUNNING)).update(state=StageState.FAILED, finished=now)
    stages.filter(state=StageState.PENDING).update(state=StageState.SKIPPED, finished=now)
    trees.interrupt_running(lease.job_id, now)  # there are some only after an error of the engine itself
    _move(lease, JobState.FAILED, **_reason(ending))


def _reason(ending: Ending) -> dict[str, Any]:
    return {"reason_code": ending.reason[:100], "reason_params": storable(ending.params)}


def _move(lease: Lease, to: JobState, expect: JobState = JobState.RUNNING, **fields: Any) -> None:
    moved = transition(
        lease.job_id,
        to,
        expect=expect,
        epoch=lease.epoch,
        bump_epoch=True,
        actor=lease.owner,
        now=lease.clock.now() + lease.skew,
        **fields,
    )
    if not moved:  # the fence holds the row: it cannot have gone elsewhere
        state = Job.objects.values_list("state", flat=True).get(pk=lease.job_id)
        raise RuntimeError(f"job {lease.job_id} is {state}, not {expect}, under its own lock")

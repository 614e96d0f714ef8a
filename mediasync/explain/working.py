"""Why waiting work does not go on: nobody is at work, its job was paused, or the last one failed."""

from __future__ import annotations

from collections.abc import Sequence

from mediasync.jobs import asking, registry
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import EngineState, Job

from .parts import Advice, Part, Said

PAUSED = (JobState.PAUSED, JobState.PAUSE_REQUESTED)
NEEDS_A_WORKER = frozenset(
    (
        *("todo_first_crawl", "todo_crawl", "todo_vanished", "todo_hint", "todo_second_look", "todo_job"),
        *("todo_waiting", "todo_sending", "todo_proving"),
    )
)


def rests(lane: str, name: str, part: Part) -> bool:
    """Advise to wake the job on which the work in a lane depends; False if there is none to wake."""
    rows = Job.objects.filter(lanes__key=lane)
    paused = rows.filter(state__in=PAUSED).order_by("id").first()
    if paused is not None:
        part.advise("todo_job_paused", page=("jobs.Job", paused.pk), number=paused.pk, name=name)
        return True
    last = rows.order_by("-id").first()
    if last is not None and last.state == JobState.FAILED:
        why = registry.text(last.reason_code, last.reason_params) if last.reason_code else "–"
        part.advise("todo_job_failed", page=("jobs.Job", last.pk), number=last.pk, name=name, why=why)
        return True
    return False


def at_work(todo: Sequence[Advice]) -> list[Advice]:
    """Return what to do; ahead of what needs a worker, that all is paused or that none is there."""
    first = next((place for place, each in enumerate(todo) if each.said.code in NEEDS_A_WORKER), None)
    if first is None:
        return list(todo)
    if EngineState.objects.filter(paused_all=True).exists():
        reason = Advice(Said("todo_all_paused"), ("jobs.Job", None))
    elif not asking.worker_there():
        reason = Advice(Said("todo_no_worker"), ("jobs.Worker", None))
    else:
        return list(todo)
    return [*todo[:first], reason, *todo[first:]]

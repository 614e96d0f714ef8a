"""Jobs, events and commands as lines for people and as documents for scripts (English keys, UTC)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from mediasync.core.errors import NeedsOperator

from . import registry
from .choices import JobState
from .models import Command, Event, Job, Stage

EXIT_CODES = {
    JobState.COMPLETED: 0,
    JobState.SKIPPED: 0,
    JobState.COMPLETED_WITH_ERRORS: 3,
    JobState.FAILED: 1,
    JobState.CANCELED: 1,
    JobState.INTERRUPTED: NeedsOperator.exit_code,
    JobState.PAUSED: NeedsOperator.exit_code,
}


def exit_code(job: Job) -> int:
    """Return what a command that waited for the job ends with; 75 when it has not ended."""
    return EXIT_CODES.get(JobState(job.state), 75)


def title(job: Job) -> str:
    """Return the job's title in the language of now."""
    return registry.text(job.title_code, job.title_params)


def line(job: Job) -> str:
    """Return one line for a list."""
    counts = f"{job.done + job.skipped}/{job.total}" + (f", {job.failed} failed" if job.failed else "")
    return f"#{job.pk:<6} {job.get_state_display():<24} {counts:<20} {title(job)}"


def lines(job: Job) -> Iterator[str]:
    """Yield the summary of one job."""
    yield line(job)
    if job.reason_code:
        yield f"        {registry.text(job.reason_code, job.reason_params)}"
    if job.started and job.finished:
        yield f"        {_seconds(job.finished - job.started)}"
    for stage in job.stages.order_by("seq"):
        counts = f"{stage.done} done, {stage.skipped} skipped, {stage.failed} failed of {stage.total}"
        yield f"   {stage.seq}. {stage.name:<12} {stage.get_state_display():<22} {counts}"
        if stage.result:
            yield "        " + ", ".join(f"{key} {value}" for key, value in stage.result.items())


def event_line(event: Event) -> str:
    """Return one line of a log."""
    at = timezone.localtime(event.at).strftime("%H:%M:%S")
    where = f" [{event.stage.name}]" if event.stage else ""
    item = f" {event.item_key}:" if event.item_key else ""
    reason = f": {registry.text(event.params['reason'], event.params)}" if "reason" in event.params else ""
    times = f" (×{event.params['times']})" if "times" in event.params else ""  # naps for the same reason are one row
    text = registry.text(event.code, event.params)
    return f"{at} {event.get_level_display():<8}{where}{item} {text}{reason}{times}"


def of_job(job: Job, *, stages: bool = False) -> dict[str, Any]:
    """Return a job as a document."""
    names = ["kind", "state", "priority", "trigger", "actor", "scope", "config", "attempt", "reason_code"]
    names += ["reason_params", "total", "total_final", "done", "failed", "skipped", "rev"]
    document: dict[str, Any] = {"id": job.pk} | {name: getattr(job, name) for name in names}
    document |= {name: _utc(getattr(job, name)) for name in ("created", "not_before", "started", "finished")}
    if stages:
        document["stages"] = [_of_stage(stage) for stage in job.stages.order_by("seq")]
    return document


def _of_stage(stage: Stage) -> dict[str, Any]:
    names = ("seq", "name", "state", "planned", "total", "done", "failed", "skipped", "result")
    return {name: getattr(stage, name) for name in names}


def of_event(event: Event) -> dict[str, Any]:
    """Return an event as a document."""
    return {
        "id": event.pk,
        "at": _utc(event.at),
        "level": event.level,
        "stage": event.stage.name if event.stage else None,
        "item": event.item_key,
        "code": event.code,
        "params": event.params,
    }


def of_command(command: Command) -> dict[str, Any]:
    """Return a command as a document."""
    names = ("verb", "state", "actor", "result_code", "result_params")
    return {"id": command.pk, "job": command.job_id} | {name: getattr(command, name) for name in names}


def _utc(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _seconds(length: dt.timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

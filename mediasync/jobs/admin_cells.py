"""How states, titles and codes of the engine look in lists and on pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediasync.core.paths import for_people
from mediasync.ui.render import Tone, badge, bar

from . import registry
from .choices import CommandState, ItemState, JobState, Level, StageState, WorkerState
from .models import Group, Job, Stage

TONES: dict[str, Tone] = {
    JobState.SCHEDULED: "idle",
    JobState.QUEUED: "idle",
    JobState.RUNNING: "busy",
    JobState.PAUSE_REQUESTED: "rest",
    JobState.PAUSED: "rest",
    JobState.CANCEL_REQUESTED: "rest",
    JobState.CANCELED: "idle",
    JobState.INTERRUPTED: "warn",
    JobState.COMPLETED: "ok",
    JobState.COMPLETED_WITH_ERRORS: "warn",
    JobState.FAILED: "bad",
    JobState.SKIPPED: "idle",
    StageState.PENDING: "idle",
    StageState.PLANNING: "busy",
    StageState.SUCCEEDED: "ok",
    ItemState.RETRY_WAIT: "warn",
    CommandState.APPLIED: "ok",
    CommandState.REFUSED: "bad",
    WorkerState.STARTING: "idle",
    WorkerState.READY: "ok",
    WorkerState.DRAINING: "rest",
    WorkerState.GONE: "idle",
}
LEVEL_TONES: dict[int, Tone] = {Level.DEBUG: "idle", Level.INFO: "busy", Level.WARNING: "warn", Level.ERROR: "bad"}


def title(job: Job) -> str:
    """Return the job's title in the language of now: "#12 Crawl of Films"."""
    return f"#{job.pk} {for_people(registry.text(job.title_code, job.title_params))}"


def kind_label(name: str) -> str:
    """Return the label of a kind, or its name if it is not registered any more."""
    try:
        return str(registry.kind(name).label)
    except KeyError:
        return name


def stage_label(kind: str, name: str) -> str:
    """Return the label of a stage, or its name."""
    try:
        return str(registry.kind(kind).stage(name).label or name)
    except (KeyError, StopIteration):
        return name


def state(value: str, label: str) -> SafeString:
    """Return any state of the engine as a badge."""
    return badge(label, TONES.get(value, "idle"))


def level(value: int) -> SafeString:
    """Return the level of an event as a badge."""
    return badge(Level(value).label if value in Level.values else str(value), LEVEL_TONES.get(value, "idle"))


def reason(job: Job) -> str:
    """Return why the job is where it is, or ""."""
    return for_people(registry.text(job.reason_code, job.reason_params)) if job.reason_code else ""


def progress(row: Job | Stage | Group, *, final: bool = True) -> SafeString:
    """Return the bar of a job, stage or group."""
    return bar(row.done, row.total, failed=row.failed, skipped=row.skipped, final=final)


def job_link(job: Job | None) -> SafeString:
    """Return a link to the job's page, or a dash."""
    if job is None:
        return SafeString("–")
    return format_html('<a href="{}">{}</a>', reverse("admin:jobs_job_change", args=[job.pk]), title(job))

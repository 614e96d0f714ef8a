"""The words of the engine: states, verbs, triggers. Stored in English, shown through their labels."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    PAUSE_REQUESTED = "pause_requested", _("Pausing…")
    PAUSED = "paused", _("Paused")
    CANCEL_REQUESTED = "cancel_requested", _("Cancelling…")
    CANCELED = "canceled", _("Cancelled")
    INTERRUPTED = "interrupted", _("Interrupted")
    COMPLETED = "completed", _("Completed")
    COMPLETED_WITH_ERRORS = "completed_with_errors", _("Completed with errors")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Skipped")


WAITING = (JobState.SCHEDULED, JobState.QUEUED)
ACTIVE = (JobState.RUNNING, JobState.PAUSE_REQUESTED, JobState.CANCEL_REQUESTED)
RESTING = (JobState.PAUSED, JobState.INTERRUPTED)
TERMINAL = (
    JobState.CANCELED,
    JobState.COMPLETED,
    JobState.COMPLETED_WITH_ERRORS,
    JobState.FAILED,
    JobState.SKIPPED,
)


class StageState(models.TextChoices):
    PENDING = "pending", _("Pending")
    PLANNING = "planning", _("Planning")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    COMPLETED_WITH_ERRORS = "completed_with_errors", _("Completed with errors")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Skipped")
    CANCELED = "canceled", _("Cancelled")


class ItemState(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    RETRY_WAIT = "retry_wait", _("Waiting to retry")
    INTERRUPTED = "interrupted", _("Interrupted")
    SUCCEEDED = "succeeded", _("Succeeded")
    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Cancelled")


class Effect(models.TextChoices):
    """What it means to run an item a second time after a crash (docs/engine.md, rule 5)."""

    PURE = "pure", _("Changes nothing outside")
    IDEMPOTENT = "idempotent", _("May be repeated")
    VERIFY = "verify", _("Looked at before it is repeated")
    ONCE = "once", _("Never repeated by itself")


class OnError(models.TextChoices):
    CONTINUE = "continue", _("Go on")
    STOP_AFTER = "stop_after", _("Stop after n failures")
    FAIL_FAST = "fail_fast", _("Stop at the first failure")


class Trigger(models.TextChoices):
    MANUAL = "manual", _("By hand")
    API = "api", _("API")
    WEBHOOK = "webhook", _("Webhook")
    WATCHER = "watcher", _("Watcher")
    SCHEDULE = "schedule", _("Schedule")
    CHAINED = "chained", _("Another job")
    SYSTEM = "system", _("System")


PRIORITY = {
    Trigger.MANUAL: 50,
    Trigger.API: 50,
    Trigger.WEBHOOK: 40,
    Trigger.WATCHER: 30,
    Trigger.CHAINED: 30,
    Trigger.SCHEDULE: 20,
    Trigger.SYSTEM: 10,
}


class LaneMode(models.TextChoices):
    SHARED = "shared", _("Shared")
    EXCLUSIVE = "exclusive", _("Exclusive")


class Verb(models.TextChoices):
    PAUSE = "pause", _("Pause")
    RESUME = "resume", _("Resume")
    CANCEL = "cancel", _("Cancel")
    RETRY_FAILED = "retry_failed", _("Retry failed")
    RETRY_ITEM = "retry_item", _("Retry item")
    FORCE_RETRY_ITEM = "force_retry_item", _("Force retry item")
    RUN_NOW = "run_now", _("Run now")
    SET_PRIORITY = "set_priority", _("Set priority")
    FORCE_UNLOCK = "force_unlock", _("Force unlock")
    PAUSE_ALL = "pause_all", _("Pause everything")
    RESUME_ALL = "resume_all", _("Resume everything")


class CommandState(models.TextChoices):
    PENDING = "pending", _("Pending")
    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused")


class Source(models.TextChoices):
    WEB = "web", _("Web")
    API = "api", _("API")
    CLI = "cli", _("Command line")
    SYSTEM = "system", _("System")


class WorkerState(models.TextChoices):
    STARTING = "starting", _("Starting")
    READY = "ready", _("Ready")
    DRAINING = "draining", _("Draining")
    GONE = "gone", _("Gone")


class Level(models.IntegerChoices):
    DEBUG = 10, _("Debug")
    INFO = 20, _("Info")
    WARNING = 30, _("Warning")
    ERROR = 40, _("Error")

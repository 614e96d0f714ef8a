"""The sentences of the engine's own codes: events, reasons, results of commands."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .registry import Text

TEXTS: dict[str, Text] = {
    # Events of transitions: job_<state>
    "job_scheduled": _("Waits until it is due"),
    "job_queued": _("Queued"),
    "job_running": _("Started"),
    "job_pause_requested": _("Pause asked for"),
    "job_paused": _("Paused"),
    "job_cancel_requested": _("Cancel asked for"),
    "job_canceled": _("Cancelled"),
    "job_interrupted": _("Interrupted"),
    "job_completed": _("Completed"),
    "job_completed_with_errors": _("Completed, but some items failed"),
    "job_failed": _("Failed"),
    "job_skipped": _("Skipped"),
    # Other events
    "worker_lost": _("The worker %(owner)s is gone; %(items)s items were in its hands"),
    "item_interrupted": _("The worker died during this item"),
    "items_interrupted": _("The worker died during %(count)s items"),
    "plan_retry": _("Planning failed and will be tried again: %(message)s"),
    "skips_not_listed": _("%(count)s more were skipped"),
    "not_resumed": _("Interrupted %(interruptions)s times without progress; a person must look"),
    "priority_set": _("Priority is now %(priority)s"),
    "engine_paused": _("Everything was paused"),
    "engine_resumed": _("Everything goes on"),
    "schedule_problem": _("The schedule %(schedule)s could not fire: %(error)s"),
    # Why a job waits
    "lane_busy": _("Waits for job %(job)s, which uses %(lane)s"),
    "lane_reserved": _("Waits for job %(job)s, which needs %(lane)s alone"),
    "workers_busy": _("Waits for a free worker"),
    "heavy_limit": _("Waits: one worker is kept free for short jobs"),
    "precondition_failed": _("Waits: whether it can start could not be found out (%(error)s)"),
    # Why a job rests, or ended as it did
    "waiting_to_retry": _("Waits until items may be tried again"),
    "too_many_retries": _("Too much fails at the moment; it goes on in a minute"),
    "too_many_failures": _("Stopped in %(stage)s after %(failed)s failures"),
    "unknown_kind": _("There is no kind of job called %(kind)s"),
    "unknown_stage": _("There is no stage called %(stage)s any more"),
    "database_busy": _("The database was busy"),
    # Why an item failed
    "worker_died_on_item": _("Its worker died each time, %(crashes)s times"),
    "not_repeated": _("Its worker died, and it must not be repeated by itself"),
    "unexpected": _("Unexpected error: %(message)s"),
    "transient": _("Failed for now: %(message)s"),
    "unreachable": _("Could not be reached: %(message)s"),
    "permanent": _("Failed for good: %(message)s"),
    "access_denied": _("Access was denied: %(message)s"),
    "work_failed": _("Failed: %(message)s"),
    "snoozed": _("Not now"),
    "needs_operator": _("A person must act: %(message)s"),
    # Results of commands
    "applied": _("Done"),
    "illegal_transition": _("Not possible while the job is %(state)s"),
    "twin_waiting": _("Job %(twin)s waits to do the same"),
    "nothing_to_retry": _("There is nothing to do again"),
    "lease_alive": _("Its worker is alive, or was a moment ago"),
    "busy": _("Others ask for the same all the time"),
    "error": _("It went wrong: %(error)s"),
    "usage": _("The request cannot be understood"),
    "kind_gone": _("This kind of job no longer exists"),
}

"""How runs, rows and sums of the clean-up look in lists and on pages."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t

from mediasync.ui.render import Tone, badge, path

from .choices import Action, Outcome, Risk, RunState
from .coverage import short
from .models import PlanRow, Run

STATES: dict[str, Tone] = {
    RunState.PLANNING: "busy",
    RunState.REFUSED: "bad",
    RunState.PLANNED: "warn",
    RunState.ACCEPTED: "rest",
    RunState.APPLYING: "busy",
    RunState.APPLIED: "ok",
    RunState.RESTORING: "busy",
    RunState.RESTORED: "ok",
    RunState.PURGED: "ok",
    RunState.DROPPED: "idle",
}
OUTCOMES: dict[str, Tone] = {
    Outcome.PLANNED: "idle",
    Outcome.SKIPPED: "idle",
    Outcome.URL_FAILED: "warn",
    Outcome.UPDATED: "ok",
    Outcome.DB_CHANGED: "warn",
    Outcome.LOCKED: "bad",
    Outcome.IN_USE: "warn",
    Outcome.CHANGED: "warn",
    Outcome.QUARANTINED: "ok",
    Outcome.DELETED: "ok",
    Outcome.RESTORED: "ok",
    Outcome.ERROR: "bad",
}
RISKS: dict[str, Tone] = {Risk.LOW: "ok", Risk.MEDIUM: "rest", Risk.HIGH: "warn"}


def state(run: Run) -> SafeString:
    """Return the state of a run as icon and word."""
    return badge(run.get_state_display(), STATES.get(run.state, "idle"))


def outcome(value: str) -> SafeString:
    """Return an outcome as icon and word."""
    label = Outcome(value).label if value in Outcome.values else value
    return badge(label, OUTCOMES.get(value, "idle"))


def risk(value: str) -> SafeString:
    """Return a risk as icon and word."""
    return badge(Risk(value).label if value in Risk.values else value, RISKS.get(value, "idle"))


def number(value: int) -> str:
    """Return a number with its groups parted."""
    return number_format(value, force_grouping=True)


def size(value: int) -> str:
    """Return bytes for people."""
    return filesizeformat(value)


def run_address(run: Run) -> str:
    """Return the address of a run's page."""
    return reverse("admin:cleanup_run_change", args=[run.pk])


def run_link(run: Run | None) -> SafeString:
    """Return a link to a run's page with its state, or a dash."""
    if run is None:
        return SafeString("–")
    return format_html('<a href="{}">#{}</a> {}', run_address(run), run.pk, state(run))


def what(row: PlanRow) -> SafeString:
    """Return what a row is about: a path, or a value of an item and what it becomes."""
    if row.action != Action.UPDATE:
        return path(row.path)
    name = f"{row.title or row.item} · {short(row.column)}"
    return format_html("{} <small>{} → {}</small>", path(name), path(row.old), path(row.new))


def has_picture(row: PlanRow) -> bool:
    """Tell whether a row may have a picture to look at."""
    return row.action in (Action.FILE, Action.REPORT)


def picture_address(row: PlanRow) -> str:
    """Return the address of a row's picture."""
    return reverse("admin:cleanup_planrow_picture", args=[row.pk])


def picture_link(row: PlanRow) -> SafeString | str:
    """Return a link to a row's picture, or a dash."""
    if not has_picture(row):
        return "–"
    return format_html('<a href="{}">{}</a>', picture_address(row), _t("Show"))

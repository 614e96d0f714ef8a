"""What the job pages say of rows: ``{% load jobs %}``."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.formats import number_format
from django.utils.safestring import SafeString

from mediasync.core.paths import for_people
from mediasync.jobs import admin_cells as cells
from mediasync.jobs import registry, verbs
from mediasync.jobs.choices import Verb
from mediasync.jobs.models import Command, Event, Group, Item, Job, Stage
from mediasync.ui.render import ICONS, duration

register = template.Library()
register.simple_tag(cells.job_link, name="job_link")


@register.simple_tag
def state_badge(row: Any) -> SafeString:
    """Return the state of a job, stage, item or command."""
    return cells.state(row.state, row.get_state_display())


@register.simple_tag
def level_badge(event: Event) -> SafeString:
    return cells.level(event.level)


@register.simple_tag
def progress_of(row: Job | Stage | Group, final: bool = True) -> SafeString:
    return cells.progress(row, final=final)


@register.simple_tag
def stage_label(job: Job, stage: Stage) -> str:
    return cells.stage_label(job.kind, stage.name)


@register.simple_tag
def kind_label(job: Job) -> str:
    return cells.kind_label(job.kind)


@register.simple_tag
def open_link(opened: list[int], group: int) -> str:
    """Return the address that opens one more group."""
    return f"?open={','.join(map(str, [*opened, group]))}#g{group}"


@register.simple_tag
def group_where(group: Group, state: str = "") -> str:
    return urlencode({"group": group.pk} | ({"state": state} if state else {}))


@register.simple_tag
def stage_where(stage: Stage, state: str = "") -> str:
    return urlencode({"stage": stage.pk} | ({"state": state} if state else {}))


@register.simple_tag
def loose_where(stage: Stage) -> str:
    return urlencode({"stage": stage.pk, "loose": 1})


@register.filter
def icon(job: Job) -> str:
    """Return the sign of a state, which begins the title of the page."""
    return ICONS[cells.TONES.get(job.state, "idle")]


@register.filter
def ended(row: Group) -> int:
    return row.done + row.failed + row.skipped


@register.filter
def group_name(group: Group) -> str:
    return group.label or group.key


@register.filter
def took(item: Item) -> str:
    """Return how long the last attempt of an item lasted."""
    assert item.started and item.finished
    return duration((item.finished - item.started).total_seconds())


@register.filter
def problem(item: Item) -> str:
    return for_people(registry.text(item.error_code, item.error_params))


@register.filter
def sentence(event: Event) -> str:
    return for_people(registry.text(event.code, event.params))


@register.filter
def result(command: Command) -> str:
    return for_people(registry.text(command.result_code, command.result_params))


@register.filter
def retryable(item: Item, job: Job) -> bool:
    return item.state in verbs.UNFINISHED_ITEMS and Verb.RETRY_ITEM in verbs.allowed(job)


@register.filter
def forceable(item: Item, job: Job) -> bool:
    return item.state in verbs.FINISHED_ITEMS and Verb.FORCE_RETRY_ITEM in verbs.allowed(job)


@register.filter
def sums(stage: Stage) -> list[str]:
    """Return what the items of a stage added up to, "added 12"."""
    return [f"{registry.text(key)} {number_format(value)}" for key, value in stage.result.items() if value]


@register.filter(name="json")
def as_json(value: Any) -> str:
    return for_people_lines(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def for_people_lines(text: str) -> str:
    """Return text with its lines kept and everything unprintable in them made visible."""
    return "\n".join(map(for_people, text.split("\n")))

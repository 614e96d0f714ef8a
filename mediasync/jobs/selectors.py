"""What the pages read: each list is a keyset page over an index, and nothing counts items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet, Sum

from .models import Event, Group, Item, Job, Stage

PAGE = 100
R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and the key after which the next ones begin ("" when these are the last)."""

    rows: Sequence[R]
    after: str = ""


@dataclass(frozen=True, slots=True)
class GroupNode:
    """A group; ``items`` is None while it is closed."""

    group: Group
    items: Page[Item] | None = None


@dataclass(frozen=True, slots=True)
class StageNode:
    """A stage with a page of its groups or, when one state was asked for, of the items in that state."""

    stage: Stage
    groups: Sequence[GroupNode] = ()
    after: str = ""
    items: Page[Item] | None = None


def tree(job: Job, *, open_groups: Iterable[int] = (), state: str = "") -> list[StageNode]:
    """Return the stages of a job with their first groups; with ``state``, with the items in it instead."""
    stages = job.stages.order_by("seq")
    if state:
        return [StageNode(stage, items=stage_items(stage.pk, state)) for stage in stages]
    wanted = set(open_groups)
    return [_node(stage, wanted) for stage in stages]


def _node(stage: Stage, wanted: set[int]) -> StageNode:
    page = groups(stage.pk)
    loose = loose_items(stage.pk) if _has_loose(stage, page) else None
    alone = len(page.rows) == 1 and loose is None  # nothing to choose: show its items at once
    nodes = [GroupNode(each, group_items(each) if alone or each.pk in wanted else None) for each in page.rows]
    return StageNode(stage, nodes, page.after, loose)


def _has_loose(stage: Stage, page: Page[Group]) -> bool:
    """Tell from the counters whether the stage has items that belong to no group."""
    if not page.after:
        return stage.total > sum(group.total for group in page.rows)
    return stage.total > (stage.groups.aggregate(total=Sum("total"))["total"] or 0)


def groups(stage_id: int, after: str = "") -> Page[Group]:
    """Return the groups of a stage in the order of their keys."""
    return _page(Group.objects.filter(stage_id=stage_id), "key", after)


def group_items(group: Group, after: str = "", state: str = "") -> Page[Item]:
    """Return the items of a group in the order of their keys; with ``state``, only those in it, the oldest first."""
    if state:
        return _page(Item.objects.filter(stage_id=group.stage_id, state=state, group_id=group.pk), "id", after, int)
    return _page(Item.objects.filter(group_id=group.pk), "key", after)


def stage_items(stage_id: int, state: str, after: str = "") -> Page[Item]:
    """Return the items of a stage that are in ``state``, the oldest first."""
    return _page(Item.objects.filter(stage_id=stage_id, state=state), "id", after, int)


def loose_items(stage_id: int, after: str = "") -> Page[Item]:
    """Return the items of a stage that belong to no group, in the order of their keys."""
    return _page(Item.objects.filter(stage_id=stage_id, group=None), "key", after)


def events(job: Job, *, level: int = 0, before: int = 0) -> Page[Event]:
    """Return the job's events at or above ``level``, newest first, those older than the id ``before``."""
    rows = Event.objects.filter(job_id=job.pk).select_related("stage")
    if level:
        rows = rows.filter(level__gte=level)
    if before:
        rows = rows.filter(pk__lt=before)
    return _cut(list(rows.order_by("-id")[: PAGE + 1]), "id")


def _page(rows: QuerySet[R], key: str, after: str, cast: Callable[[str], Any] = str) -> Page[R]:
    if after:
        rows = rows.filter(**{f"{key}__gt": cast(after)})
    return _cut(list(rows.order_by(key)[: PAGE + 1]), key)


def _cut(rows: Sequence[R], key: str) -> Page[R]:
    if len(rows) <= PAGE:
        return Page(rows)
    return Page(rows[:PAGE], str(getattr(rows[PAGE - 1], key)))

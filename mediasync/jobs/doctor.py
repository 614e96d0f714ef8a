"""Count the items of jobs again: where the counters differ from the rows, and how they are mended.

The counters move with the rows in one transaction, so they differ only after a mistake or a hand in the database.
Each table is compared in one statement, so that a job at work is seen as it was at one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Model, Q, QuerySet

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock

from .choices import ItemState
from .leases import database_now
from .models import Group, Job, Stage
from .trees import COUNTED

STATES: dict[str, ItemState | None] = {"total": None} | {column: state for state, column in COUNTED.items()}
OF_GROUPS = STATES | {"running": ItemState.RUNNING}


class Verdict(StrEnum):
    """What is the matter with a row, or what was done about it."""

    DIFFERS = "differs"
    MENDED = "mended"
    HELD = "held"  # differs, but somebody works on the job
    PRUNED = "pruned"  # fewer items than planned: retention deleted some, the counters are all that is known


@dataclass(frozen=True, slots=True)
class Finding:
    """A row whose counters are not those of its items: column → (counter, rows)."""

    job: int
    table: type[Model]
    pk: int
    stage: str  # "" for the job itself
    group: str  # "" unless it is a group
    differs: Mapping[str, tuple[int, int]]
    verdict: Verdict = Verdict.DIFFERS


def examine(job_id: int) -> list[Finding]:
    """Return where the counters of a job, its stages and its groups differ from the rows.

    Of a pruned stage only the stage is returned; its groups and its job have nothing to be compared with. Stages are
    counted last: one that is complete then was complete when the groups and the job were counted.
    """
    job = _differing(Job.objects.filter(pk=job_id), "stages__items", STATES)
    groups = _differing(Group.objects.filter(stage__job=job_id), "items", OF_GROUPS, "stage_id", "stage__name", "key")
    stages = _differing(Stage.objects.filter(job=job_id), "items", STATES, "name")
    pruned = {row["pk"] for row, differs in stages if _is_pruned(differs)}
    found = [Finding(job_id, Job, job_id, "", "", differs) for _, differs in job if not pruned]
    for row, differs in stages:
        verdict = Verdict.PRUNED if row["pk"] in pruned else Verdict.DIFFERS
        found.append(Finding(job_id, Stage, row["pk"], row["name"], "", differs, verdict))
    for row, differs in groups:
        if row["stage_id"] not in pruned:
            found.append(Finding(job_id, Group, row["pk"], row["stage__name"], row["key"], differs))
    return found


def recount(job_id: int, *, clock: Clock = clocks.system) -> list[Finding]:
    """Mend the counters of a job that nobody holds, in one transaction; return what there was and what became of it.

    Raising ``rev`` locks the job's row first, as every writer of items does, and shows the page what changed.
    """
    before = examine(job_id)
    if all(each.verdict is Verdict.PRUNED for each in before):
        return before
    free = Q(lease_until=None) | Q(lease_until__lt=database_now(clock))
    with transaction.atomic():
        if not Job.objects.filter(free, pk=job_id).update(rev=F("rev") + 1):
            return [_settled(each, Verdict.HELD) for each in before]
        found = examine(job_id)
        rev = Job.objects.values_list("rev", flat=True).get(pk=job_id)
        for each in found:
            if each.verdict is Verdict.DIFFERS:
                counts = {column: rows for column, (_, rows) in each.differs.items()}
                each.table._default_manager.filter(pk=each.pk).update(**counts, rev=rev)
        return [_settled(each, Verdict.MENDED) for each in found]


def _settled(finding: Finding, verdict: Verdict) -> Finding:
    return replace(finding, verdict=verdict) if finding.verdict is Verdict.DIFFERS else finding


def _is_pruned(differs: Mapping[str, tuple[int, int]]) -> bool:
    counter, rows = differs.get("total", (0, 0))
    return rows < counter


def _differing(
    rows: QuerySet[Any], path: str, states: Mapping[str, ItemState | None], *names: str
) -> list[tuple[dict[str, Any], dict[str, tuple[int, int]]]]:
    """Return the rows of which a counter is not the number of items at the end of ``path``, with those counters."""
    counts = {
        f"rows_{column}": Count(path, filter=None if state is None else Q(**{f"{path}__state": state}))
        for column, state in states.items()
    }
    other = Q()
    for column in states:
        other |= ~Q(**{column: F(f"rows_{column}")})
    found = rows.order_by("pk").annotate(**counts).filter(other).values("pk", *names, *states, *counts)
    pairs = ((row, {column: (row[column], row[f"rows_{column}"]) for column in states}) for row in found)
    return [(row, {column: pair for column, pair in both.items() if pair[0] != pair[1]}) for row, both in pairs]

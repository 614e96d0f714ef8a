"""The rows of an accepted plan as they are carried out: read in blocks, and what became of them written in blocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from mediasync.jobs.registry import Context, NewItem, Planned

from .choices import PHASES, Action, Outcome
from .models import PlanRow

BLOCK = 1000  # rows of one item: one sync of the manifest, one look at the references, one transaction
AT_ONCE = 400  # ids of one statement
REASON = 100  # characters
UPDATES = PHASES[Action.UPDATE]
AWAY = (PHASES[Action.FILE], PHASES[Action.TREE])  # the phases of what is put into the quarantine


class Row(NamedTuple):
    """What is needed of a row to carry it out, or to undo it; see ``models.PlanRow``."""

    id: int
    klass: str
    action: str
    base: str
    path: str
    bundle: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    mark: str
    item: int | None
    column: str
    old: str
    new: str
    proof: str
    outcome: str
    reason: str
    sha1: str


class Verdict(NamedTuple):
    """What became of a row."""

    outcome: Outcome
    reason: str = ""
    sha1: str = ""


def rows(run: int, phase: int, first: int, last: int, *outcomes: Outcome) -> list[Row]:
    """Return the rows of a block that are in one of these outcomes, in the order of the plan."""
    return read(PlanRow.objects.filter(run=run, phase=phase, id__range=(first, last), outcome__in=outcomes))


def read(found: QuerySet[PlanRow]) -> list[Row]:
    """Return the rows of a query, by id."""
    return [Row(*values) for values in found.order_by("id").values_list(*Row._fields).iterator(chunk_size=BLOCK)]


def blocks(found: QuerySet[PlanRow], after: int = 0, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Yield (first id, last id) of blocks of a query on one run and phase, from those after an id."""
    while True:
        ids = list(found.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:size])
        if not ids:
            return
        after = ids[-1]
        yield ids[0], after


def items(name: str, found: QuerySet[PlanRow], after: int | None, size: int = BLOCK) -> Iterator[Planned]:
    """Yield an item for each block of a query, from those after an id: its payload is ``first`` and ``last``."""
    for first, last in blocks(found, after or 0, size):
        yield Planned([NewItem(f"{name} {first}-{last}", {"first": first, "last": last})], last)


def write(ctx: Context, verdicts: Mapping[int, Verdict], then: Sequence[Any] = ()) -> None:
    """Store what became of rows (by id), in one fenced transaction; ``then`` are functions called in it."""
    same: dict[Verdict, list[int]] = {}
    for pk, verdict in verdicts.items():
        same.setdefault(verdict, []).append(pk)
    with ctx.transaction():
        for verdict, ids in same.items():
            _update(ids, verdict, ctx.now())
        for each in then:
            each()


def _update(ids: Sequence[int], verdict: Verdict, now: dt.datetime) -> None:
    values: dict[str, Any] = {"outcome": verdict.outcome, "reason": verdict.reason[:REASON], "done_at": now}
    if verdict.sha1:
        values["sha1"] = verdict.sha1
    for start in range(0, len(ids), AT_ONCE):
        PlanRow.objects.filter(id__in=ids[start : start + AT_ONCE]).update(**values)


def counts(verdicts: Mapping[int, Verdict]) -> dict[str, int]:
    """Return how many rows there are of each outcome, as numbers of an item's result."""
    found: dict[str, int] = {}
    for verdict in verdicts.values():
        found[str(verdict.outcome)] = found.get(str(verdict.outcome), 0) + 1
    return found


def chosen(run: int, ids: Sequence[int], *outcomes: Outcome) -> list[Row]:
    """Return these rows of a run as far as they are in one of the outcomes, by id."""
    return read(PlanRow.objects.filter(run=run, id__in=ids, outcome__in=outcomes))

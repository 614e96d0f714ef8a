"""What pages and commands ask about runs: totals by class, sums, samples."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When

from mediasync.jobs import registry

from .choices import Action, Klass, Outcome
from .models import PlanRow, Run

SAMPLE = 20
BLOCK = 512  # bytes
Totals = dict[str, dict[str, list[int]]]

_FILES = Case(
    When(action=Action.FILE, then=Value(1)),
    When(action=Action.TREE, then=F("files")),
    default=Value(0),
    output_field=IntegerField(),
)
_BLOCKS = Case(When(action__in=(Action.FILE, Action.TREE), then=F("blocks")), default=Value(0))


class Sums(NamedTuple):
    """Rows, files in them, and bytes that they would free; values of the database that would be written."""

    rows: int = 0
    files: int = 0
    bytes: int = 0
    updates: int = 0
    folders: int = 0


def totals(run: Run) -> Totals:
    """Count a run's rows: class → outcome → rows, files, bytes. Reads all of them."""
    found: Totals = {}
    counted = PlanRow.objects.filter(run=run).values("klass", "outcome").order_by("klass", "outcome")
    for each in counted.annotate(rows=Count("pk"), file_count=Sum(_FILES), block_count=Sum(_BLOCKS)):
        sums = [each["rows"], each["file_count"] or 0, (each["block_count"] or 0) * BLOCK]
        found.setdefault(each["klass"], {})[each["outcome"]] = sums
    return {klass: found[klass] for klass in Klass.values if klass in found}


def planned(run: Run) -> Sums:
    """Return the sums of a plan as it was when it was made (``facts["sums"]``)."""
    return Sums(**{name: int(run.facts.get("sums", {}).get(name, 0)) for name in Sums._fields})


def count(run: Run) -> Sums:
    """Return the sums of what is planned and would be done: reports are left out. Reads all rows."""
    rows = PlanRow.objects.filter(run=run, outcome=Outcome.PLANNED).exclude(action=Action.REPORT)
    found = rows.aggregate(
        rows=Count("pk"),
        file_count=Sum(_FILES),
        block_count=Sum(_BLOCKS),
        updates=Count("pk", filter=Q(action=Action.UPDATE)),
        folders=Count("pk", filter=Q(action=Action.FOLDER)),
    )
    files, freed = found["file_count"] or 0, (found["block_count"] or 0) * BLOCK
    return Sums(found["rows"], files, freed, found["updates"], found["folders"])


def rows(run: Run, *, klass: str = "", outcome: str = "", action: str = "") -> QuerySet[PlanRow]:
    """Return the rows of a run in the order in which they are carried out, as far as they fit."""
    found = PlanRow.objects.filter(run=run)
    for name, value in (("klass", klass), ("outcome", outcome), ("action", action)):
        if value:
            found = found.filter(**{name: value})
    return found.order_by("phase", "id")


def reason(run: Run) -> str:
    """Return the sentence why a run was refused, "" if it was not."""
    why = run.facts.get("why", {})
    return registry.text(run.reason, why, default=str(why.get("message", run.reason))) if run.reason else ""


def samples(run: Run, number: int = SAMPLE) -> dict[str, list[PlanRow]]:
    """Return the first rows of each class that the run has, in the order of the classes."""
    classes = run.totals or {}
    return {klass: list(PlanRow.objects.filter(run=run, klass=klass)[:number]) for klass in classes}

"""Write the rows of a plan in blocks: a model instance a row would cost more than all the rest of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import connection

from .choices import PHASES, Outcome
from .models import PlanRow
from .rules.base import Draft

BLOCK = 2000  # rows of one transaction
ROWS = 100  # a statement on SQLite; 3,000 variables of the 32,766 that it takes
TITLE = 200

FACTS = (
    *("klass", "action", "base", "path", "bundle", "dev", "ino", "size", "blocks", "mtime_ns", "nlink", "files"),
    *("mark", "item", "section", "title", "column", "old", "new", "proof", "risk", "reason"),
)
TABLE = PlanRow._meta.db_table
COLUMNS = ("run_id", "unit", "phase", "outcome", "sha1", *(f'"{name}"' for name in FACTS))
_facts = attrgetter(*FACTS)
_phases = {str(action): phase for action, phase in PHASES.items()}


def write(run: int, unit: str, drafts: Sequence[Draft]) -> None:
    """Insert the drafts as rows of a run's unit. Belongs inside ``ctx.transaction()``."""
    if not drafts:
        return
    for draft in drafts:
        if len(draft.title) > TITLE or "\0" in draft.title:
            draft.title = draft.title.replace("\0", " ")[:TITLE]
    outcome = str(Outcome.PLANNED)
    rows = [(run, unit, _phases[draft.action], outcome, "", *_facts(draft)) for draft in drafts]
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        _insert(rows)


def erase(run: int, unit: str) -> None:
    """Delete the rows that an earlier try at this unit wrote. Belongs inside ``ctx.transaction()``."""
    PlanRow.objects.filter(run=run, unit=unit)._raw_delete(connection.alias)


def _copy(rows: Sequence[tuple[Any, ...]]) -> None:
    cursor = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert(rows: Sequence[tuple[Any, ...]]) -> None:
    cursor = connection.connection.cursor()
    row = f"({', '.join('?' * len(COLUMNS))})"
    head = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES "
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        cursor.execute(head + ", ".join([row] * len(part)), [value for each in part for value in each])

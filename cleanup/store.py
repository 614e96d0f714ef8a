"""Write the rows of a plan in blocks: a model instance a row would cost more than all the rest of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from .choices import Outcome
from .models import PlanRow
from .rules.base import Draft
from .store_rows import FACTS, OF_NAMES, Packed, pack

ROWS = 100  # a statement on SQLite; 2,700 variables of the 32,766 that it takes
TABLE = PlanRow._meta.db_table
SAME = ("run_id", "unit", "outcome", "sha1")  # of all rows of one call


def write(run: int, unit: str, drafts: Sequence[Draft]) -> None:
    """Insert the drafts as rows of a run's unit, those of each action in their order. Inside ``ctx.transaction()``."""
    write_packed(run, unit, pack(drafts))


def write_packed(run: int, unit: str, packed: Packed) -> None:
    """Do the same with what ``pack`` made of drafts."""
    connection.ensure_connection()
    same = (run, unit, str(Outcome.PLANNED), "")
    # Each in its order; values before the files that they set free.
    for names, values in ((FACTS, packed.others), (OF_NAMES, packed.of_names)):
        if values and connection.vendor == "postgresql":
            _copy(names, same, values)
        elif values:
            _insert(names, same, values)


def erase(run: int, unit: str) -> None:
    """Delete the rows that an earlier try at this unit wrote. Belongs inside ``ctx.transaction()``."""
    PlanRow.objects.filter(run=run, unit=unit)._raw_delete(connection.alias)


def _rest(names: Sequence[str]) -> dict[str, str]:
    """Return the columns that are not among ``names``, with what stands in them."""
    values = {"item": "NULL", "section": "NULL", "files": "0"}
    return {name: values.get(name, "''") for name in FACTS if name not in names}


def _copy(names: Sequence[str], same: tuple[Any, ...], values: list[Any]) -> None:
    rest = _rest(names)
    constant = tuple({"NULL": None, "0": 0}.get(value, "") for value in rest.values())
    columns = ", ".join(f'"{name}"' for name in (*SAME, *names, *rest))
    cursor = connection.connection.cursor()
    width = len(names)
    with cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy:
        for start in range(0, len(values), width):
            copy.write_row((*same, *values[start : start + width], *constant))


def _insert(names: Sequence[str], same: tuple[Any, ...], values: list[Any]) -> None:
    """Insert ``ROWS`` at once; there are fewer variables where all rows are about names, as most are."""
    cursor = connection.connection.cursor()
    step = ROWS * len(names)
    for start in range(0, len(values), step):
        part = values[start : start + step]
        cursor.execute(_statement(names, len(part) // len(names)), (*same, *part))


def _statement(names: Sequence[str], rows: int) -> str:
    found = _statements.get((len(names), rows))
    if found is None:
        rest = _rest(names)
        columns = ", ".join(f'"{name}"' for name in (*SAME, *names, *rest))
        fixed = ", ".join(f"?{place}" for place in range(1, len(SAME) + 1))
        ends = "".join(f", {value}" for value in rest.values())
        width = len(names)
        each = [
            f"({fixed}, {', '.join(f'?{len(SAME) + row * width + place + 1}' for place in range(width))}{ends})"
            for row in range(rows)
        ]
        found = _statements[len(names), rows] = f"INSERT INTO {TABLE} ({columns}) VALUES {', '.join(each)}"
    return found


_statements: dict[tuple[int, int], str] = {}
"""By the number of columns and of rows."""

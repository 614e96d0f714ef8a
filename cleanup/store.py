"""Write the rows of a plan in blocks: a model instance a row would cost more than all the rest of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from django.db import connection

from .choices import PHASES, Action, Outcome
from .models import PlanRow
from .rules.base import Draft

BLOCK = 5000  # rows of one transaction
ROWS = 100  # a statement on SQLite; 2,500 variables of the 32,766 that it takes
TITLE = 200
TABLE = PlanRow._meta.db_table
SAME = ("run_id", "unit", "outcome", "sha1")  # of all rows of one call
FACTS = ("phase", *Draft._fields)
# What tells something in a row about a name on the disk; the other facts have their defaults there.
OF_NAMES = tuple(Draft._fields.index(name) for name in Draft._fields if name in (
    *("klass", "action", "base", "path", "bundle", "dev", "ino", "size", "blocks", "mtime_ns", "nlink"),
    *("risk", "reason"),
))  # fmt: skip
NAMED = frozenset({Action.FILE, Action.FOLDER, Action.REPORT})
_names = itemgetter(*OF_NAMES)
_phases = {str(action): phase for action, phase in PHASES.items()}


def write(run: int, unit: str, drafts: Sequence[Draft]) -> None:
    """Insert the drafts as rows of a run's unit, those of each action in their order. Inside ``ctx.transaction()``."""
    if not drafts:
        return
    connection.ensure_connection()
    same = (run, unit, str(Outcome.PLANNED), "")
    if connection.vendor == "postgresql":
        _copy(same, drafts)
        return
    of_names = [draft for draft in drafts if draft.action in NAMED]
    others = [draft for draft in drafts if draft.action not in NAMED]
    for part in (others, of_names):  # each in its order; values before the files that they set free
        for start in range(0, len(part), ROWS):
            _insert(same, part[start : start + ROWS], part is of_names)


def erase(run: int, unit: str) -> None:
    """Delete the rows that an earlier try at this unit wrote. Belongs inside ``ctx.transaction()``."""
    PlanRow.objects.filter(run=run, unit=unit)._raw_delete(connection.alias)


def _copy(same: tuple[Any, ...], drafts: Sequence[Draft]) -> None:
    columns = ", ".join(f'"{name}"' for name in (*SAME, *FACTS))
    cursor = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy:
        for draft in map(_fitting, drafts):
            copy.write_row((*same, _phases[draft.action], *draft))


def _fitting(draft: Draft) -> Draft:
    """Return a draft that fits into its columns; only titles are longer than what we make ourselves."""
    if len(draft.title) <= TITLE and "\0" not in draft.title:
        return draft
    return draft._replace(title=draft.title.replace("\0", " ")[:TITLE])


def _insert(same: tuple[Any, ...], drafts: Sequence[Draft], short: bool) -> None:
    """Run one statement; it has fewer variables where all rows are about names, as most are."""
    cursor = connection.connection.cursor()
    if short:
        values = [(_phases[draft.action], *_names(draft)) for draft in drafts]
    else:
        values = [(_phases[draft.action], *_fitting(draft)) for draft in drafts]
    cursor.execute(_statement(short, len(values)), (*same, *chain.from_iterable(values)))


def _statement(short: bool, rows: int) -> str:
    found = _statements.get((short, rows))
    if found is None:
        facts = ("phase", *(Draft._fields[place] for place in OF_NAMES)) if short else FACTS
        rest = {name: "NULL" if name in ("item", "section") else "0" if name == "files" else "''" for name in FACTS}
        constant = [name for name in FACTS if name not in facts]
        columns = ", ".join(f'"{name}"' for name in (*SAME, *facts, *constant))
        fixed = ", ".join(f"?{place}" for place in range(1, len(SAME) + 1))
        ends = "".join(f", {rest[name]}" for name in constant)
        width = len(facts)
        each = [
            f"({fixed}, {', '.join(f'?{len(SAME) + row * width + place + 1}' for place in range(width))}{ends})"
            for row in range(rows)
        ]
        found = _statements[short, rows] = f"INSERT INTO {TABLE} ({columns}) VALUES {', '.join(each)}"
    return found


_statements: dict[tuple[bool, int], str] = {}

"""Write hints down, joining those that wait already: any number in few statements, from any number of processes.

A row is (root, folder, name); a unique index allows one that waits. The insert and the join are one statement, so
nothing falls between them: what a job took a moment before is a new row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction

from monitors.models import Hint

BLOCK = 1000  # rows in one transaction, so that others can write in between

COLUMNS = (
    *("root_id", "path", "name", "source", "reference", "raw", '"group"', "distrusted", "deep", "gone"),
    *("first_at", "last_at", "due_at", "latest_at", "hits", "looks", "state", "code", "params"),
)
_MINE, _NEW = "monitors_hint", "excluded"
_LATEST = f"CASE WHEN {_NEW}.latest_at < {_MINE}.latest_at THEN {_NEW}.latest_at ELSE {_MINE}.latest_at END"
_SAID = "CASE WHEN {new}.reference = '' THEN {mine}.{column} ELSE {new}.{column} END"
_SET = ", ".join(
    (
        f"hits = {_MINE}.hits + 1",
        f"last_at = {_NEW}.last_at",
        f"latest_at = {_LATEST}",
        # One that is being looked at is not put off by news, it is looked at earlier.
        f"due_at = CASE WHEN {_MINE}.looks > 0 AND {_MINE}.due_at < {_NEW}.due_at THEN {_MINE}.due_at"
        f" WHEN {_NEW}.due_at > {_LATEST} THEN {_LATEST} ELSE {_NEW}.due_at END",
        # In a root the row is the folder, without a root the very path: there better news of it counts.
        f"distrusted = ({_MINE}.distrusted {{either}} {_NEW}.distrusted)",
        f"deep = ({_MINE}.deep OR {_NEW}.deep)",
        # Whether it came or went: the last word counts, and looks at it begin anew.
        f"looks = CASE WHEN {_MINE}.gone = {_NEW}.gone THEN {_MINE}.looks ELSE 0 END",
        f"gone = {_NEW}.gone",
        f'"group" = CASE WHEN {_NEW}."group" = \'\' THEN {_MINE}."group" ELSE {_NEW}."group" END',
        *(
            f"{column} = {_SAID.format(mine=_MINE, new=_NEW, column=column)}"
            for column in ("source", "raw", "reference")
        ),
    )
)
_WAITING = f"state = '{Hint.State.WAITING}'"


def _upsert(target: str, either: str) -> str:
    """Return the statement; ``target`` names an index, word for word as it was made: so SQLite wants it."""
    values = f"{', '.join(['%s'] * 14)}, 1, 0, '{Hint.State.WAITING}', '', '{{}}'"
    insert = f"INSERT INTO monitors_hint ({', '.join(COLUMNS)}) VALUES ({values})"
    return f"{insert} ON CONFLICT {target} DO UPDATE SET {_SET.format(either=either)}"


INSIDE = _upsert(f"(root_id, path, name) WHERE root_id IS NOT NULL AND {_WAITING}", "OR")
ROOTLESS = _upsert(f"(path, name) WHERE root_id IS NULL AND {_WAITING}", "AND")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where to look: a folder below a root (absolute if there is none), and what must be visible in it before."""

    path: str
    name: str = ""
    raw: str = ""  # as the source said it
    group: str = ""
    distrusted: bool = False
    deep: bool = False
    gone: bool = False  # ``name`` must not be visible any more

    @property
    def key(self) -> tuple[str, str]:
        return self.path, self.name


@dataclass(frozen=True, slots=True)
class Said:
    """Who said it, and when a look is due."""

    source: str
    reference: str
    now: dt.datetime
    debounce: float
    longest: float


def note(root_id: int | None, spots: Iterable[Spot], said: Said) -> int:
    """Store spots of one root (or of none) and return how many rows wait for them."""
    unique: dict[tuple[str, str], Spot] = {}
    for spot in spots:
        before = unique.get(spot.key)
        unique[spot.key] = _together(before, spot, root_id) if before else spot
    rows = [unique[key] for key in sorted(unique)]  # always in this order: two writers cannot wait for each other
    for start in range(0, len(rows), BLOCK):
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            block = [_row(root_id, spot, said) for spot in rows[start : start + BLOCK]]
            cursor.executemany(ROOTLESS if root_id is None else INSIDE, block)
    return len(rows)


def _together(first: Spot, second: Spot, root_id: int | None) -> Spot:
    either = any if root_id else all
    return replace(
        second,
        group=second.group or first.group,
        distrusted=either((first.distrusted, second.distrusted)),
        deep=first.deep or second.deep,
    )


def _row(root_id: int | None, spot: Spot, said: Said) -> Sequence[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    now, due, latest = (
        adapt(said.now + dt.timedelta(seconds=seconds)) for seconds in (0.0, said.debounce, said.longest)
    )
    return (
        *(root_id, spot.path, spot.name, said.source[:50], said.reference[:100], spot.raw, spot.group[:40]),
        *(spot.distrusted, spot.deep, spot.gone, now, now, due, latest),
    )


def lock(ids: Sequence[int]) -> set[int]:
    """Return which of these hints wait still, and keep them until the transaction ends.

    What somebody else writes just now is left out: writers in different orders could wait for each other.
    """
    found: set[int] = set()
    for start in range(0, len(ids), BLOCK):
        rows = Hint.objects.select_for_update(skip_locked=True).filter(pk__in=ids[start : start + BLOCK])
        found.update(rows.filter(state=Hint.State.WAITING).values_list("pk", flat=True))
    return found

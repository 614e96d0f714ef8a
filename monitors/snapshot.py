"""Read the snapshot in sets: no instance per row, a bounded number of rows at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection

from mediasync.core.paths import to_bytes

from .walk import Known

BLOCK = 500  # ids in one IN (…)
CHUNK = 10_000  # known folders at a time
STEP = 16  # the same, times the listings at once, where each may take a second: a slice can end between two

FileFacts = tuple[int, int, int | None]  # size, mtime_ns, ident


class Folder(NamedTuple):
    """One row of Directory."""

    id: int
    parent_id: int | None
    path: str
    mtime_ns: int
    signature: int
    listed_at: int
    dirty: bool
    error: str


COLUMNS = ", ".join(Folder._fields)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def known(root_id: int, after: str | None = None, *, step: int = 0) -> Iterator[tuple[list[Known], str]]:
    """Yield all known folders whose path comes after ``after``, in the order of the index, and where to go on."""
    while True:
        more, params = ("", [root_id]) if after is None else (" AND path > %s", [root_id, after])
        found = rows(
            "SELECT id, path, mtime_ns, signature FROM monitors_directory"
            f" WHERE root_id = %s{more} ORDER BY path LIMIT {step or CHUNK}",
            params,
        )
        if not found:
            return
        after = found[-1][1]
        yield as_known(found), after


def below(ids: Sequence[int]) -> Iterator[list[Known]]:
    """Yield these folders and all known ones below them, level by level, each once."""
    columns = "SELECT id, path, mtime_ns, signature FROM monitors_directory"
    found = in_blocks(f"{columns} WHERE id IN ({{}})", ids)
    seen: set[int] = set()
    while level := [row for row in found if row[0] not in seen]:
        seen.update(row[0] for row in level)
        yield as_known(level)
        found = in_blocks(f"{columns} WHERE parent_id IN ({{}})", [row[0] for row in level])


def these(ids: Iterable[int], *, step: int = 0) -> Iterator[list[Known]]:
    """Yield these folders."""
    found = in_blocks("SELECT id, path, mtime_ns, signature FROM monitors_directory WHERE id IN ({})", ids)
    for start in range(0, len(found), step or CHUNK):
        yield as_known(found[start : start + (step or CHUNK)])


def as_known(found: Sequence[tuple[Any, ...]]) -> list[Known]:
    """Return rows (id, path, mtime, signature) with the paths as bytes, all turned at once."""
    if not found:
        return []
    paths = to_bytes("\0".join([row[1] for row in found])).split(b"\0")
    return [(row[0], path, row[2], row[3]) for row, path in zip(found, paths, strict=True)]


def in_blocks(sql: str, ids: Iterable[Any], *params: Any) -> list[tuple[Any, ...]]:
    """Run a query with ``IN ({})`` over many ids (``params`` come before them)."""
    wanted = list(ids)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), BLOCK):
        part = wanted[start : start + BLOCK]
        found += rows(sql.format(", ".join(["%s"] * len(part))), [*params, *part])
    return found


def folders(ids: Iterable[int]) -> dict[int, Folder]:
    """Return folders by id."""
    sql = f"SELECT {COLUMNS} FROM monitors_directory WHERE id IN ({{}})"
    return {row[0]: Folder(*row) for row in in_blocks(sql, ids)}


def folders_at(root_id: int, paths: Iterable[str]) -> dict[str, Folder]:
    """Return folders by path."""
    sql = f"SELECT {COLUMNS} FROM monitors_directory WHERE root_id = %s AND path IN ({{}})"
    return {row[2]: Folder(*row) for row in in_blocks(sql, paths, root_id)}


def files(ids: Iterable[int]) -> dict[int, dict[str, FileFacts]]:
    """Return the files of folders: folder id → name → (size, mtime_ns, ident)."""
    out: dict[int, dict[str, FileFacts]] = defaultdict(dict)
    sql = "SELECT directory_id, name, size, mtime_ns, ident FROM monitors_file WHERE directory_id IN ({})"
    for owner, name, *facts in in_blocks(sql, ids):
        out[owner][name] = (facts[0], facts[1], facts[2])
    return out


def subfolders(ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return the folders in folders: parent id → name → id."""
    out: dict[int, dict[str, int]] = defaultdict(dict)
    for identity, parent, path in in_blocks(
        "SELECT id, parent_id, path FROM monitors_directory WHERE parent_id IN ({})", ids
    ):
        out[parent][path.rpartition("/")[2]] = identity
    return out


def dirty(root_id: int) -> list[int]:
    """Return the ids of folders that must be listed whatever their mtime says."""
    condition = "dirty" if connection.vendor == "postgresql" else "dirty = 1"
    return [row[0] for row in rows(f"SELECT id FROM monitors_directory WHERE root_id = %s AND {condition}", [root_id])]


def errors(root_id: int) -> int:
    """Return how many folders could not be listed when last tried."""
    sql = "SELECT COUNT(*) FROM monitors_directory WHERE root_id = %s AND NOT (error = '')"
    return int(rows(sql, [root_id])[0][0])

"""Join what is due into as few questions as a server allows (docs/scans.md). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mediasync.core import foreign

Row = TypeVar("Row")
Key = tuple[str, ...]
SIBLINGS = 10  # more folders than this in one parent are asked about as that parent


@dataclass
class Directory(Generic[Row]):
    """One directory to scan, and the requests that it answers."""

    path: str
    rows: list[Row]


def directories(
    rows: Iterable[tuple[Row, str]], location_of: Callable[[str], str | None], siblings: int = SIBLINGS
) -> list[Directory[Row]]:
    """Return the directories to scan for rows that each want one.

    One inside another is covered by it. More than ``siblings`` in one parent become that parent, unless it is a
    location of the library: this would be the full scan that nobody asked for.
    """
    found: dict[Key, Directory[Row]] = {}
    for row, path in rows:
        found.setdefault(foreign.split(path).key, Directory(path, [])).rows.append(row)
    found = _covered(found)
    while parents := _crowded(found, location_of, siblings):
        for parent, keys in parents.items():
            joined = [row for key in keys for row in found.pop(key).rows]
            found[foreign.split(parent).key] = Directory(parent, joined)
        found = _covered(found)
    return list(found.values())


def _covered(found: dict[Key, Directory[Row]]) -> dict[Key, Directory[Row]]:
    """Put each directory that lies in another into that one: sorted, it follows right behind it."""
    kept: dict[Key, Directory[Row]] = {}
    last: Key | None = None
    for key in sorted(found):
        if last is not None and key[: len(last)] == last:
            kept[last].rows += found[key].rows
        else:
            kept[key], last = found[key], key
    return kept


def _crowded(
    found: dict[Key, Directory[Row]], location_of: Callable[[str], str | None], siblings: int
) -> dict[str, list[Key]]:
    families: defaultdict[str, list[Key]] = defaultdict(list)
    for key, each in found.items():
        families[str(foreign.split(each.path).parent)].append(key)
    return {
        parent: keys
        for parent, keys in families.items()
        if len(keys) > siblings and location_of(parent) not in (None, parent)
    }

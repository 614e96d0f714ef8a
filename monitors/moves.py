"""Recognise what moved: a file that is missing in one place and new in another. Pure.

Two are the same if they have the same ident and size (an inode alone may have been given to another file since), or if
they are the only two with that size and mtime. Where several agree (hard links, copies), the name decides. A folder
moved if all its files did, to the same places below one new folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple


class Thing(NamedTuple):
    """A file that is missing, or one that is new; ``key`` is the caller's."""

    key: int
    path: str
    size: int
    mtime_ns: int
    ident: int | None


def pair(missing: Sequence[Thing], new: Sequence[Thing]) -> list[tuple[Thing, Thing]]:
    """Return (missing, new) for each file that moved; each is used once."""
    pairs: list[tuple[Thing, Thing]] = []
    for mark in (_ident_and_name, _ident, _time_and_name, _time):
        gone, come = {old.path for old, _ in pairs}, {now.path for _, now in pairs}
        pairs += _unique(
            mark, [each for each in missing if each.path not in gone], [each for each in new if each.path not in come]
        )
    return pairs


Mark = Callable[[Thing], Hashable]  # None: it has no such mark


def _ident(thing: Thing) -> Hashable:
    return None if thing.ident is None else (thing.ident, thing.size)


def _ident_and_name(thing: Thing) -> Hashable:
    return None if thing.ident is None else (thing.ident, thing.size, thing.path.rpartition("/")[2])


def _time(thing: Thing) -> Hashable:
    return (thing.size, thing.mtime_ns) if thing.size else None


def _time_and_name(thing: Thing) -> Hashable:
    return (thing.size, thing.mtime_ns, thing.path.rpartition("/")[2]) if thing.size else None


def _unique(mark: Mark, missing: Sequence[Thing], new: Sequence[Thing]) -> list[tuple[Thing, Thing]]:
    """Pair those whose mark stands exactly once on each side."""
    olds: dict[Hashable, list[Thing]] = defaultdict(list)
    news: dict[Hashable, list[Thing]] = defaultdict(list)
    for thing in missing:
        olds[mark(thing)].append(thing)
    olds.pop(None, None)
    for thing in new:
        if (its := mark(thing)) in olds:
            news[its].append(thing)
    return [(olds[its][0], found[0]) for its, found in news.items() if len(found) == 1 and len(olds[its]) == 1]


def folder_target(folder: str, files: Sequence[str], moved: Mapping[str, str]) -> str | None:
    """Return where a missing folder went, if all its ``files`` moved below one other folder; None if not.

    ``moved`` says where each file went. All are paths below the root.
    """
    if not files:
        return None
    first = moved.get(files[0])
    tail = files[0][len(folder) :]  # with its leading slash
    if first is None or not first.endswith(tail):
        return None
    target = first[: -len(tail)]
    if not target or any(moved.get(path) != target + path[len(folder) :] for path in files):
        return None
    return target

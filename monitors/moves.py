"""Recognise what moved: a file that is missing in one place and new in another. Pure.

Two are the same if they have the same ident and size (an inode alone may have been given to another file since), or if
they are the only two with that size and mtime. A folder moved if all its files did, to the same places below one new
folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
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
    pairs = _unique(
        [(thing, (thing.ident, thing.size)) for thing in missing if thing.ident is not None],
        [(thing, (thing.ident, thing.size)) for thing in new if thing.ident is not None],
    )
    gone, come = {old.path for old, _ in pairs}, {now.path for _, now in pairs}
    return pairs + _unique(
        [(thing, (thing.size, thing.mtime_ns)) for thing in missing if thing.size and thing.path not in gone],
        [(thing, (thing.size, thing.mtime_ns)) for thing in new if thing.size and thing.path not in come],
    )


def _unique(
    missing: Iterable[tuple[Thing, Hashable]], new: Iterable[tuple[Thing, Hashable]]
) -> list[tuple[Thing, Thing]]:
    """Pair those whose mark stands exactly once on each side."""
    olds: dict[Hashable, list[Thing]] = defaultdict(list)
    news: dict[Hashable, list[Thing]] = defaultdict(list)
    for thing, mark in missing:
        olds[mark].append(thing)
    for thing, mark in new:
        if mark in olds:
            news[mark].append(thing)
    return [(olds[mark][0], found[0]) for mark, found in news.items() if len(found) == 1 and len(olds[mark]) == 1]


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

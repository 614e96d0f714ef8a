"""What is noted of a whole bundle, so that it can be told later whether it is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..plexdata.entries import Entry

NAME = 40  # characters of ``mark``


@dataclass(frozen=True, slots=True)
class Tree:
    """Sums of all in a bundle: names that are no folders, bytes, blocks of 512 that would be freed, newest time."""

    files: int = 0
    size: int = 0
    blocks: int = 0
    mtime_ns: int = 0
    mark: str = ""


def measure(entries: Sequence[Entry]) -> Tree:
    """Return the sums, and the mark: a digest of all names, kinds, sizes, times and targets.

    A file with several names counts once, and frees nothing if one of its names lies elsewhere. Times of folders do not
    count, as reading neither changes them nor does what is in them hide behind them.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    files = size = newest = 0
    names: dict[tuple[int, int], list[Entry]] = {}
    blocks = 0
    for each in sorted(entries):
        time = 0 if each.kind == "folder" else each.mtime_ns
        length = 0 if each.kind == "folder" else each.size
        digest.update(f"{each.path}\0{each.kind}\0{length}\0{time}\0{each.target}\n".encode("utf-8", "surrogatepass"))
        if each.kind == "folder":
            continue
        files += 1
        newest = max(newest, time)
        if each.nlink > 1:
            names.setdefault((each.dev, each.ino), []).append(each)
        else:
            size, blocks = size + each.size, blocks + each.blocks
    for same in names.values():
        size += same[0].size
        blocks += same[0].blocks if len(same) >= same[0].nlink else 0
    return Tree(files, size, blocks, newest, digest.hexdigest()[:NAME])

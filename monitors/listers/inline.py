"""List in this thread: the best there is for small trees on a local disk, as nothing has to be started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitors import walk
from monitors.walk import Found, Known, Unknown

from .base import Lister, Reserve, Work

FOLDERS, FILES, CHUNK = 1500, 12_000, 250  # at most so many in one block; entries in one task


class Inline:
    """A crew of one."""

    def __init__(self, lister: Lister, reserve: Reserve) -> None:
        self.lister = lister
        self.reserve = reserve

    def stat(self, chunks: Iterable[list[Known]]) -> Iterator[list[Known]]:
        stat = self.lister.mtime
        for chunk in chunks:
            moved = []
            for known in chunk:
                try:
                    if stat(known[1]) == known[2]:
                        continue
                except OSError:
                    pass  # listing it will tell why
                moved.append(known)
            yield moved

    def check(self, chunks: Iterable[list[Known]]) -> Iterator[tuple[int, list[Found]]]:
        for chunk in chunks:
            for start in range(0, len(chunk), CHUNK):
                part = chunk[start : start + CHUNK]
                yield len(part), walk.check(self.lister, part)

    def walk(self, todo: list[Unknown]) -> Iterator[Work | None]:
        while todo:
            part = todo[-CHUNK:]
            del todo[-CHUNK:]
            block = walk.walk(self.lister, self.reserve(FOLDERS), part, FOLDERS, FILES)
            todo += block[2]
            yield part, block

    def unfinished(self) -> list[Unknown]:
        return []  # what is left stands in ``todo``, or is with child processes: too quick to be worth the books

"""Read a folder of this machine, on a disk or on a mount."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from monitors.walk import Folder, Found, Known, Unknown

from .base import Crew, Reserve, Work
from .far import Far
from .inline import Inline
from .processes import Processes
from .threads import Threads

BIG = 3000  # folders from which child processes pay
ALONE = 2  # blocks that we walk ourselves before we know that a tree is big
SLOW_PARALLEL = 32  # listings at once on FUSE and network file systems
MOST = 8  # child processes


class Local(Folder):
    """The lister ``local``."""

    def __init__(self, root: bytes, spec: dict[str, Any] | None, *, remote: bool, parallel: int = 0) -> None:
        super().__init__(root, spec, idents=not remote)
        self.spec = spec
        self.remote = remote
        self.parallel = parallel or (SLOW_PARALLEL if remote else 1)

    def crew(self, reserve: Reserve) -> AbstractContextManager[Crew]:
        """Return threads for what is slow (or where the root asks for them), else processes as they pay."""
        if self.parallel > 1:
            return Threads(self, self.parallel, reserve)
        return nullcontext(Growing(self, reserve))


class Mounted(Local):
    """The same for a network or FUSE mount, which may hang at any moment, for ever."""

    def crew(self, reserve: Reserve) -> AbstractContextManager[Crew]:
        """Return threads in a process of their own."""
        return Far(self, self.parallel, reserve)


class Growing(Inline):
    """Begins alone, and starts child processes once the work is known to be big."""

    lister: Local

    def processes(self) -> Processes:
        """Return a crew of as many children as there are cores."""
        count = min(len(os.sched_getaffinity(0)), MOST)
        return Processes(self.lister.root, self.lister.spec, self.lister.idents, count, self.reserve)

    def check(self, chunks: Iterable[list[Known]]) -> Iterator[tuple[int, list[Found]]]:
        """See ``Crew.check``."""
        first: list[list[Known]] = []
        waiting = iter(chunks)
        for chunk in waiting:
            first.append(chunk)
            if sum(map(len, first)) >= BIG:
                with self.processes() as crew:
                    yield from crew.check(part for source in (first, waiting) for part in source)
                return
        yield from super().check(first)

    def walk(self, todo: list[Unknown]) -> Iterator[Work | None]:
        """See ``Crew.walk``."""
        for number, work in enumerate(super().walk(todo), start=1):
            yield work
            if number >= ALONE and todo:
                break
        if todo:
            with self.processes() as crew:
                yield from crew.walk(todo)

"""List in child processes: on a local disk two of them take 0.65 of the time of one, threads more than one (the GIL).

Each child has at most two tasks (one in work, one waiting), small enough that both fit into the pipe, so neither side
ever waits for the other with a full pipe on both ends. A child ends when its inlet ends, so it does not outlive us.
"""

from __future__ import annotations

import fcntl
import marshal
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediasync.core.errors import Transient
from monitors.walk import Found, Known, Unknown

from .base import Reserve, Work

SCRIPT = str(Path(__file__).resolve().parent.parent / "walk.py")
FOLDERS, FILES = 1500, 12_000  # of one block
ENTRIES, BYTES = 250, 24_000  # of one task
PIPE = 1 << 20
TICK = 0.5  # seconds


class Child:
    """One process that answers tasks in order."""

    def __init__(self, root: bytes, spec: dict[str, Any] | None, idents: bool) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self.process.stdin and self.process.stdout
        self.inlet, self.outlet = self.process.stdin, self.process.stdout
        for pipe in (self.inlet, self.outlet):
            with suppress(OSError):  # only faster with it
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
        self.tasks: deque[Any] = deque()
        self._send((root, spec, idents))

    def give(self, key: Any, task: tuple[Any, ...]) -> None:
        """Send a task; ``key`` comes back with its answer."""
        self.tasks.append(key)
        self._send(task)

    def take(self) -> tuple[Any, Any]:
        """Read the next answer (the outlet is readable)."""
        size = int.from_bytes(self._read(4), "little")
        return self.tasks.popleft(), marshal.loads(self._read(size))

    def close(self) -> None:
        """End it at once: it only reads, so nothing is lost."""
        self.process.kill()
        self.process.wait()
        self.inlet.close()
        self.outlet.close()

    def _send(self, value: Any) -> None:
        data = marshal.dumps(value)
        try:
            self.inlet.write(len(data).to_bytes(4, "little") + data)
        except BrokenPipeError:
            raise self._died() from None

    def _read(self, size: int) -> memoryview:
        data = memoryview(bytearray(size))
        got = 0
        while got < size:
            count = self.outlet.readinto(data[got:])  # type: ignore[attr-defined]
            if not count:
                raise self._died()
            got += count
        return data

    def _died(self) -> Transient:
        return Transient("A process that lists folders has died.", code="walker_died", pid=self.process.pid)


class Processes:
    """A crew of child processes; use it as a context manager."""

    def __init__(self, root: bytes, spec: dict[str, Any] | None, idents: bool, count: int, reserve: Reserve) -> None:
        self.setting = (root, spec, idents)
        self.count = count
        self.reserve = reserve
        self.children: list[Child] = []

    def __enter__(self) -> Processes:
        self.selector = selectors.DefaultSelector()
        try:
            for _ in range(self.count):
                child = Child(*self.setting)
                self.children.append(child)
                self.selector.register(child.outlet, selectors.EVENT_READ, child)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        for child in self.children:
            child.close()

    def check(self, chunks: Iterable[list[Known]]) -> Iterator[tuple[int, list[Found]]]:
        """See ``Crew.check``."""
        parts = (part for chunk in chunks for part in _parts(chunk))
        found: list[Found]

        def next_task() -> tuple[int, tuple[Any, ...]] | None:
            part = next(parts, None)
            return None if part is None else (len(part), ("check", part))

        for key, found in self._run(next_task):
            yield key or 0, found or []

    def walk(self, todo: list[Unknown]) -> Iterator[Work | None]:
        """See ``Crew.walk``."""

        def next_task() -> tuple[list[Unknown], tuple[Any, ...]] | None:
            if not todo:
                return None
            part = next(_parts(todo[: -ENTRIES - 1 : -1]))
            del todo[-len(part) :]
            return part, ("walk", self.reserve(FOLDERS), part, FOLDERS, FILES)

        for part, block in self._run(next_task):
            if part is None:
                yield None
                continue
            todo += block[2]
            yield part, block

    def _run(self, next_task: Callable[[], tuple[Any, tuple[Any, ...]] | None]) -> Iterator[tuple[Any, Any]]:
        """Keep the children busy; yield (key, answer), or (None, None) when nothing came for a while."""
        while True:
            for depth in (1, 2):  # one task each before anybody gets a second
                for child in self.children:
                    if len(child.tasks) < depth and (new := next_task()) is not None:
                        child.give(*new)
            if not any(child.tasks for child in self.children):
                return
            ready = self.selector.select(TICK)
            if not ready:
                yield None, None
            for key, _ in ready:
                yield key.data.take()


def _parts(entries: list[Any]) -> Iterator[list[Any]]:
    """Cut entries (path second) into tasks that surely fit into a pipe."""
    part: list[Any] = []
    size = 0
    for entry in entries:
        if part and (len(part) >= ENTRIES or size + len(entry[1]) > BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += len(entry[1])
    if part:
        yield part

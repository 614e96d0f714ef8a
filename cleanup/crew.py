"""Child processes that plan units, one a core; each keeps to its own prefixes, of which it then has the index."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mediasync.core import errors, paths
from mediasync.core.errors import MediasyncError, Transient, WorkError

from . import crew_child
from .locks import Ask
from .planning import Found, Planner, Unit
from .plexdata import layout
from .steps import Work
from .store_rows import Packed, pack

MOST = 4  # processes; each takes some 45 MB
BIG = 5000  # bundles that a database knows, from which children pay
LIKELY = 8 << 20  # bytes of a database, which then most likely knows so many
RETRY = 1.0  # seconds
PIPE = 1 << 20  # bytes
logger = logging.getLogger(__name__)
_crews: dict[int, Crew] = {}  # by run
_guard = threading.Lock()


def size(bundles: int) -> int:
    """Return how many processes a plan is worth; 1: this one does it."""
    return 1 if bundles < BIG else max(1, min(len(os.sched_getaffinity(0)), MOST))


def expected(run: int, database: str) -> None:
    """Start the children of a run whose database (stored text) is so large that they will be asked for."""
    count = size(BIG)
    if count > 1 and os.path.getsize(paths.to_bytes(database)) >= LIKELY:
        of(run, count).warm()


def rank(prefix: str) -> int:
    """Return the number of a prefix folder; what has none comes first."""
    return layout.PREFIXES.find(prefix) if prefix else 0


def of(run: int, count: int) -> Crew:
    """Return the crew of a run in this process."""
    with _guard:
        return _crews.setdefault(run, Crew(count))


def close(run: int) -> None:
    """End the processes of a run, if this process has any."""
    with _guard:
        crew = _crews.pop(run, None)
    if crew is not None:
        crew.close()


class Crew:
    """``count`` children, started when they are first needed; one that dies is replaced."""

    def __init__(self, count: int) -> None:
        self.seats = [_Seat() for _ in range(count)]
        self.alone = False  # no child can be started here: this process plans by itself

    def warm(self) -> None:
        """Start the children before it is known what they are to do: that takes as long as the copy and the index."""
        for seat in self.seats:
            with seat.lock:
                seat.warm()

    def blocks(
        self, planner: Planner, copy: str, unit: Unit, work: Work, found: Found, kept: Counter[str], limit: int = 0
    ) -> Iterator[Packed]:
        """Yield the rows of a unit in blocks; ``found`` and ``kept`` are filled when it ends.

        Raises what the child raised, and Transient if it died: nothing that it said before counts then.
        """
        seat = self.seats[rank(unit.prefix) % len(self.seats)]
        with seat.lock:
            try:
                child = None if self.alone else seat.start(crew_child.setting(planner, copy))
                if child is None:
                    self.alone = True
                    yield from map(pack, planner.blocks(unit, work, found, kept, limit))
                    return
                yield from _rows(child, crew_child.task(unit, work, limit), planner.ask, found, kept)
            except BaseException:  # also GeneratorExit: it is in the middle of something that nobody wants any more
                seat.close()
                raise

    def close(self) -> None:
        """End all children."""
        for seat in self.seats:
            with seat.lock:
                seat.close()


class _Seat:
    """The place of one child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self._setting = ""

    def warm(self) -> None:
        """Start the child; if that cannot be done, it is told when it is needed."""
        if self.process is None:
            with contextlib.suppress(OSError):
                self.process = _spawned()

    def start(self, setting: str) -> subprocess.Popen[bytes] | None:
        """Return the child, None if none can be started."""
        if self.process is not None and (self.process.poll() is not None or self._setting not in ("", setting)):
            self.close()
        if self.process is None or not self._setting:
            try:
                self.process = self.process or _spawned()
                _ready(self.process, setting)
            except (OSError, Transient) as error:
                logger.warning("no process to plan with: %s", error)
                self.close()
                return None
            self._setting = setting
        return self.process

    def close(self) -> None:
        process, self.process, self._setting = self.process, None, ""
        if process is not None:
            _end(process)


def _spawned() -> subprocess.Popen[bytes]:
    """Return a new child, which has still to be told its setting."""
    child = subprocess.Popen([sys.executable, "-I", crew_child.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    with contextlib.suppress(OSError, AttributeError):  # only faster with it: it goes on while we write
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, PIPE)
    return child


def _ready(child: subprocess.Popen[bytes], setting: str) -> None:
    """Tell a child its setting; Transient if it does not come up."""
    assert child.stdout
    _tell(child, setting)
    if crew_child.receive(child.stdout) != "ready":
        raise _died(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()  # it only reads
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(BrokenPipeError):
            if pipe:
                pipe.close()


def _tell(child: subprocess.Popen[bytes], value: Any) -> None:
    assert child.stdin
    try:
        crew_child.send(child.stdin, value)
    except BrokenPipeError:
        raise _died(child) from None


def _rows(
    child: subprocess.Popen[bytes], task: str, ask: Ask | None, found: Found, kept: Counter[str]
) -> Iterator[Packed]:
    _tell(child, task)
    assert child.stdout
    while (answer := crew_child.receive(child.stdout)) is not None:
        what, *rest = answer
        if what == "rows":
            yield Packed(*rest)
        elif what == "ask":
            _tell(child, _asked(ask, *rest))
        elif what == "done":
            facts, counts = json.loads(rest[0])
            found.take(facts)
            kept.update(counts)
            return
        else:
            raise _error(*rest)
    raise _died(child)


def _asked(ask: Ask | None, item: int) -> list[str] | bool:
    try:
        return sorted(ask(item)) if ask else False
    except WorkError:
        return False


def _error(name: str, message: str, facts: str) -> Exception:
    params = json.loads(facts)
    if name == "OSError":
        return OSError(params["errno"], message)
    kind = getattr(errors, name, None) if name else None
    if isinstance(kind, type) and issubclass(kind, MediasyncError):
        return kind(message, **params)
    return RuntimeError(message)


def _died(child: subprocess.Popen[bytes]) -> Transient:
    return Transient("A process that plans has died.", code="cleanup_child_died", retry_after=RETRY, pid=child.pid)

"""Whether Plex runs, and whether it is at work: what may be done to its folder depends on that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from mediasync.core import filesystems, paths
from mediasync.core.errors import WorkError

from . import holders

PROC = Path("/proc")
PROGRAM = b"Plex Media Server"


class Hours(Protocol):
    """The butler's hours."""

    def holds(self, hour: int) -> bool: ...


class Asked(Protocol):
    """A server that can be asked (``servers.clients.plex_butler.PlexButler``)."""

    def running(self) -> bool: ...
    def sessions(self) -> int: ...
    def activities(self) -> Sequence[object]: ...
    def window(self) -> Hours | None: ...


class Signs(NamedTuple):
    """What is known. ``why``: identity, process, open (its database is), remote (nobody can tell), unknown."""

    running: bool  # also where nobody can tell
    why: tuple[str, ...] = ()
    asked: bool = False  # the server answered the questions below
    busy: bool = False  # it scans, refreshes, analyzes, or its butler works
    watched: bool = False
    butler: bool = False  # these are the butler's hours


def look(
    database: str,
    server: Asked | None = None,
    *,
    hour: int,
    proc: Path = PROC,
    holder: Callable[[str], int | None] = holders.holder,
) -> Signs:
    """Ask the four signs; ``hour`` is the hour of the day where the server is. Raises nothing but what is a bug."""
    why = tuple(_signs(database, server, proc, holder))
    if not why or server is None:
        return Signs(bool(why), why)
    try:
        window = server.window()
        butler = window is not None and window.holds(hour)
        return Signs(True, why, True, bool(server.activities()), server.sessions() > 0, butler)
    except WorkError:
        return Signs(True, why)


def _signs(database: str, server: Asked | None, proc: Path, holder: Callable[[str], int | None]) -> Iterator[str]:
    if server is not None:
        try:
            if server.running():
                yield "identity"
        except WorkError:  # something else answers there
            yield "unknown"
    if has_process(proc):
        yield "process"
    if filesystems.is_remote(filesystems.kind_of(os.path.realpath(os.fsdecode(paths.to_bytes(database))))):
        yield "remote"
        return
    found = holder(database)
    if found is not None:
        yield "unknown" if found == holders.UNKNOWN else "open"


def has_process(proc: Path = PROC) -> bool:
    """Tell whether a process of this machine (or container) is Plex's own."""
    for each in proc.glob("[0-9]*/cmdline"):
        try:
            command = each.read_bytes().split(b"\0", 1)[0]
        except OSError:  # it has ended
            continue
        if command.rsplit(b"/", 1)[-1] == PROGRAM:
            return True
    return False

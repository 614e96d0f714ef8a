"""Sessions of processes, as Linux shows them in /proc: who is in one, and how to leave none of them behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Process:
    """One line of ``/proc/<pid>/stat`` (proc(5)); a zombie is not listed."""

    pid: int
    parent: int
    session: int


def members(session: int) -> list[Process]:
    """Return the living processes of a session, whatever group they are in by now."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[3]) == session and fields[0] not in (b"Z", b"X"):
                    found.append(Process(int(entry.name), int(fields[1]), session))
    return found


def command_line(pid: int) -> list[str]:
    """Return the command of a process; empty when it is gone."""
    try:
        return [os.fsdecode(part) for part in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0") if part]
    except OSError:
        return []


def kill_session(session: int, number: signal.Signals = signal.SIGKILL) -> int:
    """Signal every process of a session and return how many there were."""
    processes = members(session)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
    return len(processes)


def die_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent dies; for ``preexec_fn``."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of what our descendants leave behind, so that it can be ended and collected."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """Return the pids of our direct children, adopted ones and zombies too."""
    found: list[int] = []
    for task in (PROC / "self/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def collect(besides: Collection[int] = ()) -> None:
    """Collect children that ended, except ``besides``, so that none stays as a zombie."""
    for pid in set(children()).difference(besides):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

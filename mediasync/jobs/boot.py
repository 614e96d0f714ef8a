"""Which start of which machine (or container) this process belongs to: its leases die with it."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@cache
def host() -> str:
    """Return the name of this machine or container."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Return an id that changes with each start of the machine, and of the container in it.

    The kernel's boot id is the machine's; the start time of process 1 (field 22 of ``stat``, proc(5)) is the
    container's. Where there is no /proc, processes are told apart by their pid alone.
    """
    try:
        kernel = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{kernel[:18]}-{start_time(1) or 0}"
    except OSError:
        return "unknown"


def start_time(pid: int) -> int | None:
    """Return when a process started (clock ticks since boot), or None when there is no such process."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def alive(pid: int) -> bool:
    """Tell whether a process of this machine runs; a zombie does not."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return not PROC.is_dir() and _signal_reaches(pid)
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def owner(pid: int | None = None) -> str:
    """Return the text that names a process of this host in ``Job.lease_owner`` (see ``Worker.owner``)."""
    return f"{host()}/{boot_id()}/{os.getpid() if pid is None else pid}"


def split(owner: str) -> tuple[str, str, str]:
    """Return host, boot and pid of the text that names a process; what is missing is ""."""
    host_name, _, rest = owner.partition("/")
    boot, _, pid = rest.rpartition("/")
    return host_name, boot, pid if pid.isdigit() else ""


def known_dead(owner: str) -> bool:
    """Tell whether a process of this host lives no more; of other hosts nothing is known."""
    host_name, boot, pid = split(owner)
    if host_name != host() or not pid:
        return False
    return boot != boot_id() or not alive(int(pid))


def _signal_reaches(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

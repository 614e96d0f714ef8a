"""Whether some other process has Plex's database open, as its lock tells.

Who opens a database in WAL mode holds a shared lock on byte 128 of ``-shm`` until it closes it (SQLite's os_unix.c,
``UNIX_SHM_DMS``). That is seen from other containers, too, and unlike the mere files it does not outlive a crash. It is
looked at in a process of its own: to close that file here would let go of our own locks on it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys

BYTE = 128  # UNIX_SHM_DMS = UNIX_SHM_BASE (120) + SQLITE_SHM_NLOCK (8)
FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid
LIMIT = 20.0  # seconds for the process that looks
UNKNOWN = -1


def holder(database: str) -> int | None:
    """Return the id of a process that has the database (stored text) open, None if no other has.

    0: one in another container, whose id nobody tells. ``UNKNOWN``: it could not be found out, as when this process
    has it open itself: its own lock may hide another. So ask before you open it.
    """
    from mediasync.core import paths  # not above, as the process that looks has nothing but this file

    try:
        command = [sys.executable, "-I", os.path.abspath(__file__), os.fsdecode(paths.to_bytes(database) + b"-shm")]
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, env={}, check=True)
        found = int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return UNKNOWN
    if found == os.getpid():
        return UNKNOWN
    return None if found < 0 else found


def _look(path: str) -> int:
    """Return the process that holds the byte, -1 if none does; only in a process that has nothing else open."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return -1
    except PermissionError:
        fd = os.open(path, os.O_RDONLY)
    found = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, BYTE, 1, 0))
    kind, _whence, _start, _length, pid = struct.unpack(FLOCK, found)
    return -1 if kind == fcntl.F_UNLCK else max(int(pid), 0)


if __name__ == "__main__":
    sys.stdout.write(str(_look(sys.argv[1])))

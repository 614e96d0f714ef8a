"""The kernel's inotify(7), as much of it as the watcher needs; docs/watching.md says why not through watchdog."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from pathlib import Path

ISDIR = 0x40000000
CREATE, DELETE, CLOSE_WRITE, MOVED_FROM, MOVED_TO = 0x100, 0x200, 0x8, 0x40, 0x80
DELETE_SELF, MOVE_SELF, UNMOUNT, OVERFLOW, IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
GONE = DELETE_SELF | MOVE_SELF | UNMOUNT
_ONLYDIR, _DONT_FOLLOW, _EXCL_UNLINK = 0x01000000, 0x02000000, 0x04000000
# Not IN_ATTRIB: a chown of a library would have all of it listed. Not IN_MODIFY: what counts is that a writer is done.
WANTED = CREATE | DELETE | CLOSE_WRITE | MOVED_FROM | MOVED_TO | DELETE_SELF | MOVE_SELF
_FLAGS = _ONLYDIR | _DONT_FOLLOW | _EXCL_UNLINK
_HEAD = struct.Struct("iIII")
_BUFFER = 1 << 18

Event = tuple[int, int, int, bytes]  # watch, mask, cookie of a move, name


class Inotify:
    """One inotify instance; ``add`` raises OSError (ENOSPC: the limit of watches is reached)."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: bytes) -> int:
        """Watch a folder and return the number of the watch."""
        return self._checked(self._libc.inotify_add_watch(self.fd, path, WANTED | _FLAGS))

    def remove(self, watch: int) -> None:
        """End a watch; nothing happens if it has ended."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self, seconds: float) -> Iterator[Event]:
        """Yield what happened, after waiting at most so long for something to happen."""
        ready, _writable, _failed = select.select([self.fd], [], [], seconds)
        data = os.read(self.fd, _BUFFER) if ready else b""
        at = 0
        while at < len(data):
            watch, mask, cookie, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size + length
            yield watch, mask, cookie, data[at - length : at].rstrip(b"\0")

    def close(self) -> None:
        os.close(self.fd)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def bound(name: str) -> tuple[int, str]:
    """Return the limit of "watches" or "instances" and the sysctl that sets it; 0 if it is unknown.

    A container may have a lower one of its own (user_namespaces(7)).
    """
    found = [(_number(setting), setting) for setting in (f"fs.inotify.max_user_{name}", f"user.max_inotify_{name}")]
    return min((each for each in found if each[0]), default=(0, found[0][1]))


def _number(setting: str) -> int:
    try:
        return int(Path("/proc/sys", *setting.split(".")).read_text())
    except (OSError, ValueError):
        return 0


def used_by_others() -> int:
    """Return how many watches the other processes of this user hold, as far as /proc tells (proc(5), fdinfo)."""
    found = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and int(process.name) != os.getpid() and process.stat().st_uid == os.getuid():
                found += sum(_watches(process / "fdinfo" / fd.name) for fd in (process / "fd").iterdir() if _is_one(fd))
        except OSError:
            continue  # it has ended, or may not be seen
    return found


def _is_one(fd: Path) -> bool:
    return os.readlink(fd) == "anon_inode:inotify"


def _watches(fdinfo: Path) -> int:
    return sum(line.startswith("inotify ") for line in fdinfo.read_text().splitlines())

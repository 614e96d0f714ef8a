"""One installation runs once: a lock in its data folder that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from mediasync.core.errors import Conflict


class RunLock:
    """``RunLock(path, address=…).acquire()`` or Conflict with the pid and address of the first."""

    def __init__(self, path: Path, *, address: str) -> None:
        self.path = path
        self.address = address
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise Conflict at once."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # not inherited by children
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            first = _read(descriptor)
            os.close(descriptor)
            raise Conflict(
                f"mediasync is already running from this data folder: pid {first.get('pid', '?')}, "
                f"http://{first.get('address', '?')}/. Stop it first, or set MEDIASYNC_DATA to another folder.",
                code="already_running",
                **first,
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "address": self.address}).encode(), 0)
        self._file = descriptor

    def release(self) -> None:
        """Free it (ending the process does the same)."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _read(descriptor: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

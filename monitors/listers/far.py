"""List a mount in the threads of a process of its own (``outpost``), which may hang for ever in our stead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mediasync.core.errors import Transient
from monitors import outpost

from .base import Reserve
from .threads import PATIENCE, Threads

if TYPE_CHECKING:
    from .local import Local

GRACE = 1.0  # seconds that a process may take to die; one that waits for its mount takes as long as that hangs


class Far(Threads):
    """A crew like ``Threads``, elsewhere; use it as a context manager."""

    def __init__(self, lister: Local, parallel: int, reserve: Reserve, patience: float = PATIENCE) -> None:
        super().__init__(lister, parallel, reserve, patience)
        self.setting = (lister.root, lister.spec, lister.idents, parallel)
        self.ended = threading.Event()

    def __enter__(self) -> Far:
        _reap()
        # What holds our stderr holds up who reads it: whatever comes from there is an answer or nothing.
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", outpost.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._hear, name="far", daemon=True).start()
        self._send(self.setting)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with suppress(BrokenPipeError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            _left.append(self.process)

    def _hear(self) -> None:
        outlet = self.process.stdout
        assert outlet is not None
        with outlet:
            while (answer := outpost.receive(outlet)) is not None:
                number, error, found = answer
                self.done.put((number, OSError(error, os.strerror(error)) if error else found))
        self.ended.set()

    def _put(self, call: Any, *entries: Any) -> None:
        for entry in entries:
            self.calls += 1
            self.pending[self.calls] = entry
            self._send((self.calls, call.__name__, entry[1]))

    def _send(self, value: Any) -> None:
        assert self.process.stdin is not None
        try:
            outpost.send(self.process.stdin, value)
        except BrokenPipeError:
            raise self._died() from None

    def _take(self) -> tuple[Any, Any]:
        """See ``Threads``; raises Transient when the process has died."""
        if self.ended.is_set() and self.done.empty():
            raise self._died()
        return super()._take()

    def _died(self) -> Transient:
        return Transient("A process that lists folders has died.", code="walker_died", pid=self.process.pid)


_left: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    _left[:] = [process for process in _left if process.poll() is None]

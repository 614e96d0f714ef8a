"""Makes new folders with their links: few in this process, many in a child, so that threads write rows meanwhile."""

from __future__ import annotations

import marshal
import subprocess
import sys
from contextlib import suppress

from mediasync.core.errors import Transient

from . import build
from .build import Folder, Lost, Unmade

MANY = 1000  # folders and links at once; below, the start of a child (20 ms) would cost more than it saves


class Builder:
    """Lent to one item; use it as a context manager.

    A child that outlives us ends by itself after the folder it makes; what it made is adopted by the next run.
    """

    def __init__(self, top: bytes) -> None:
        self.top = top
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Builder:
        return self

    def __exit__(self, *_: object) -> None:
        """End the child and wait for it, so that nothing is made behind our back any more."""
        if self.child is not None:
            self.child.kill()
            with suppress(OSError):
                self.child.communicate()

    def make(self, folders: list[Folder]) -> tuple[Unmade, Lost]:
        """See ``build.make``; Transient if the child dies."""
        if self.child is None and len(folders) + sum(len(links) for _, links in folders) // 2 < MANY:
            return build.make(self.top, folders)
        child = self.child = self.child or _start()
        assert child.stdin and child.stdout
        try:
            marshal.dump((self.top, folders), child.stdin)
            child.stdin.flush()
            number, first, second = marshal.load(child.stdout)
        except (BrokenPipeError, EOFError):
            raise Transient("A process that makes links has died.", code="link_builder_died", pid=child.pid) from None
        if number:
            raise OSError(number, first)
        return first, second


def _start() -> subprocess.Popen[bytes]:
    """Start a child: without site packages and the user's settings, so in 20 ms."""
    command = [sys.executable, "-I", "-S", build.__file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

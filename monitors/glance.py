"""Look at single paths for somebody who waits for the answer: a page, a command. It never hangs.

A look at a hung network or FUSE mount blocks for ever. So what lies on one, also behind a link, is looked at by a child
process, which is left behind when it does not answer; its mount is not looked at again. A root that is DOWN is not
looked at, and one that lies nowhere on this machine is answered from its snapshot.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from mediasync.core.paths import to_bytes, to_text

from . import presence, stat_child
from .filesystems import place_of
from .guards import give_up
from .models import Root
from .selectors import root_of

SECONDS = 5.0  # that a mount may take for one look: a person waits


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is at a path. ``dangling``: only a link that leads nowhere, which is nothing."""

    there: bool
    is_dir: bool = False
    size: int = 0
    mtime: float = 0.0
    dangling: bool = False
    mode: int = 0


class Glance:
    """Looks at paths, one after the other; to be closed. Local paths cost one ``stat``, others ≈ 0.1 ms more."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._roots = list(Root.objects.only("pk", "path", "mounted", "guard"))
        self._dead: set[bytes] = set()  # mount points that did not answer
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Glance:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if (child := self._child) is not None:
            self._child = None
            try:
                child.communicate(timeout=self._seconds)  # its input ends, and so does it
            except subprocess.TimeoutExpired:  # somebody was interrupted while it hung
                give_up(child)

    def is_folder(self, local: str) -> bool | None:
        """Return whether what is at a path (absolute, stored text) is a folder; None: nothing is there.

        Raises OSError for what cannot be looked at, TimeoutError if its mount does not answer.
        """
        inside = root_of(local, self._roots)
        if inside is not None and not inside[0].mounted:
            return presence.known(*inside)
        if inside is not None and inside[0].guard == Root.Guard.DOWN:
            raise OSError(errno.EHOSTDOWN, os.strerror(errno.EHOSTDOWN), local)
        seen = self.stat(local)
        return seen.is_dir if seen.there else None

    def exists(self, local: str) -> bool:
        """Tell whether something is there; False also for what cannot be looked at."""
        try:
            return self.is_folder(local) is not None
        except OSError:
            return False

    def stat(self, local: str) -> Sighting:
        """Return what is on the disk at a path; raises as ``is_folder`` does."""
        path = to_bytes(local)
        place = place_of(path)
        if place.point in self._dead:
            raise self._late(local)
        if not place.is_remote:
            number, mode, size, mtime, dangling = stat_child.look(path)
        else:
            answer = self._ask(path)
            if answer is None:
                self._dead.add(place.point)
                raise self._late(local)
            number, mode, size, mtime, dangling = answer
        if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):  # a name too long cannot be there
            return Sighting(False, dangling=bool(dangling))
        if number:
            raise OSError(int(number), os.strerror(int(number)), local)
        return Sighting(True, stat.S_ISDIR(int(mode)), int(size), mtime, mode=int(mode))

    def names(self, local: str, most: int) -> list[str]:
        """Return the names of files at or below a folder on the disk, at most ``most``; none if it cannot be read.

        Raises TimeoutError if its mount does not answer.
        """
        path = to_bytes(local)
        place = place_of(path)
        if place.point in self._dead:
            raise self._late(local)
        if not place.is_remote:
            return [to_text(name) for name in stat_child.names(path, most)]
        answer = self._ask(path, most)
        if answer is None:
            self._dead.add(place.point)
            raise self._late(local)
        return [to_text(bytes.fromhex(name)) for name in answer]

    def _late(self, local: str) -> TimeoutError:
        return TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), local)

    def _ask(self, path: bytes, most: int = 0) -> list[Any] | None:
        """Return what the child answers; None if it is late, and then it is left behind."""
        child = self._child or self._start()
        assert child.stdin and child.stdout
        line = b""
        with selectors.DefaultSelector() as ready, suppress(BrokenPipeError):
            child.stdin.write(f"{most} {path.hex()}\n".encode())
            ready.register(child.stdout, selectors.EVENT_READ)
            line = child.stdout.readline() if ready.select(self._seconds) else b""
        if not line.endswith(b"\n"):
            self._child = None
            give_up(child)
            return None
        found: list[Any] = json.loads(line)
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        command = [sys.executable, "-I", "-S", stat_child.__file__]
        self._child = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nothing, bufsize=0, start_new_session=True
        )
        return self._child

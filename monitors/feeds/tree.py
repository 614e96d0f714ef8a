"""Watch all folders of one root, and say in which of them something changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

from mediasync.core.paths import to_text
from monitors.keep import Keep

from . import inotify
from .inotify import Inotify

LIMIT = (
    "The limit of inotify watches is reached; %s folders of %s are watched, the others are only crawled by schedule. "
    "Raise it: sysctl -w fs.inotify.max_user_watches=1048576 (for good: a line in /etc/sysctl.d/)"
)
INSTANCES = (
    "The limit of inotify instances is reached, %s is only crawled by schedule. "
    "Raise it: sysctl -w fs.inotify.max_user_instances=1024 (for good: a line in /etc/sysctl.d/)"
)


class Tree:
    """The watches of one root. ``changed()`` yields folders (stored text, below the root) worth a look.

    A folder that appears is watched before it is listed, so nothing falls between the two. Links are never followed.
    """

    def __init__(self, path: bytes, keep: Keep, stop: Callable[[], bool] = lambda: False) -> None:
        self.base = os.path.realpath(path)
        self.full = False  # the limit was reached
        self.gone = False  # the root is not there any more
        self.overflowed = False  # events were lost: look at everything
        self._keep, self._stop = keep, stop
        self._below: dict[int, bytes] = {}
        self._watches: dict[bytes, int] = {}
        self._inotify = Inotify()
        try:
            self._identity = _identity(self.base)
            self._add(b"", must=True)
        except OSError:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._below)

    def close(self) -> None:
        self._inotify.close()

    def is_there(self, path: bytes) -> bool:
        """Tell whether ``path`` still leads to the folder that is watched (and nothing was mounted over it)."""
        try:
            return not self.gone and _identity(path) == self._identity
        except OSError:
            return False

    def changed(self, seconds: float) -> set[str]:
        """Return the folders in which something happened, after waiting at most so long."""
        found: set[bytes] = set()
        for watch, mask, name in self._inotify.read(seconds):
            if mask & inotify.OVERFLOW:
                self.overflowed = True
            elif watch in self._below:
                found.update(self._follow(watch, mask, name))
        return {to_text(below) for below in found}

    def rebuild(self) -> None:
        """Watch what appeared while events were lost."""
        self.overflowed = False
        self._add(b"")

    def _follow(self, watch: int, mask: int, name: bytes) -> Iterator[bytes]:
        below = self._below[watch]
        if not name:
            if mask & inotify.GONE and not below:
                self.gone = True
            if mask & inotify.IGNORED:
                self._forget(below)
            return
        path = below + b"/" + name if below else name
        is_dir = bool(mask & inotify.ISDIR)
        if not self._keep(name, is_dir, path):
            return
        yield below
        if is_dir and mask & (inotify.DELETE | inotify.MOVED_FROM):
            self._drop(path)
        elif is_dir and mask & (inotify.CREATE | inotify.MOVED_TO):
            self._add(path)
            yield path

    def _add(self, below: bytes, *, must: bool = False) -> None:
        """Watch a folder and all below it."""
        todo = [below]
        while todo and not self.full and not self._stop():
            here = todo.pop()
            path = os.path.join(self.base, here) if here else self.base
            try:
                watch = self._inotify.add(path)
                self._below[watch], self._watches[here] = here, watch
                todo += self._folders(path, here)
            except OSError as error:  # it vanished, or may not be read
                self.full = error.errno == errno.ENOSPC
                if must and not here:
                    raise

    def _folders(self, path: bytes, below: bytes) -> list[bytes]:
        prefix = below + b"/" if below else b""
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return [prefix + name for name in names if self._keep(name, True, prefix + name)]

    def _drop(self, below: bytes) -> None:
        """End the watches of a folder that left, and of all below it (a moved folder keeps its watch)."""
        inside = below + b"/"
        for path in [path for path in self._watches if path == below or path.startswith(inside)]:
            self._inotify.remove(self._watches[path])
            self._forget(path)

    def _forget(self, below: bytes) -> None:
        watch = self._watches.pop(below, None)
        if watch is not None and self._below.get(watch) == below:
            del self._below[watch]


def _identity(path: bytes) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino

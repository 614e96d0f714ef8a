"""Watch all folders of one root, and say in which of them something changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from mediasync.core.paths import to_text
from monitors.keep import Keep

from . import inotify
from .base import MARK
from .inotify import Inotify

ARRIVES = inotify.CREATE | inotify.MOVED_TO
_MARK = MARK.encode()


@dataclass(slots=True)
class Heard:
    """Folders below the root (stored text) in which something happened."""

    folders: set[str] = field(default_factory=set)
    names: set[tuple[str, str]] = field(
        default_factory=set
    )  # (folder, file) that was begun, and may not be written yet
    arrived: dict[str, int] = field(default_factory=dict)  # folders that were made or moved here → cookie of the move
    moves: dict[int, set[str]] = field(default_factory=dict)  # cookie → the folders at both ends of a move
    tests: list[str] = field(default_factory=list)  # files of a self-test

    def __bool__(self) -> bool:
        return bool(self.folders or self.names or self.arrived or self.tests)


class Tree:
    """The watches of one root.

    A folder that appears is watched before it is listed, so nothing falls between the two. Links are never followed.
    """

    def __init__(self, path: bytes, keep: Keep, stop: Callable[[], bool] = lambda: False) -> None:
        self.base = os.path.realpath(path)
        self.unwatched = 0  # folders for which no watch was left
        self.gone = False  # the root is not there any more
        self.overflowed = False  # events were lost: look at everything
        self._keep, self._stop = keep, stop
        self._below: dict[int, bytes] = {}
        self._watches: dict[bytes, int] = {}
        self._left: dict[int, bytes] = {}  # cookie → folder that something left, until it is known where it went
        self._inotify = Inotify()
        try:
            self._identity = _identity(self.base)
            self._add(b"", must=True)
        except OSError:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._below)

    @property
    def full(self) -> bool:
        """True when the limit of watches was reached."""
        return self.unwatched > 0

    def close(self) -> None:
        self._inotify.close()

    def is_there(self, path: bytes) -> bool:
        """Tell whether ``path`` still leads to the folder that is watched (and nothing was mounted over it)."""
        try:
            return not self.gone and _identity(path) == self._identity
        except OSError:
            return False

    def changed(self, seconds: float) -> Heard:
        """Return what happened, after waiting at most so long for something."""
        heard = Heard()
        before, self._left = self._left, {}
        for watch, mask, cookie, name in self._inotify.read(seconds):
            if mask & inotify.OVERFLOW:
                self.overflowed = True
            elif watch in self._below:
                self._follow(heard, watch, mask, cookie, name, before)
        return heard

    def rebuild(self) -> None:
        """Watch what appeared while events were lost, or for which no watch was left."""
        self.overflowed, self.unwatched = False, 0
        self._add(b"")

    def _follow(
        self, heard: Heard, watch: int, mask: int, cookie: int, name: bytes, left_before: dict[int, bytes]
    ) -> None:
        below = self._below[watch]
        if not name:
            if mask & inotify.GONE and not below:
                self.gone = True
            if mask & inotify.IGNORED:
                self._forget(below)
            return
        if mask & inotify.MOVED_FROM:
            self._left[cookie] = below
        path = below + b"/" + name if below else name
        is_dir = bool(mask & inotify.ISDIR)
        if name.startswith(_MARK) and mask & ARRIVES:
            heard.tests.append(to_text(name))
        if not self._keep(name, is_dir, path):
            return
        folder = to_text(below)
        if mask & inotify.CREATE and not is_dir:
            heard.names.add((folder, to_text(name)))
            return
        heard.folders.add(folder)
        heard.names.discard((folder, to_text(name)))
        if mask & inotify.MOVED_TO:  # from where comes just before, at worst in the read before
            came_from = self._left.get(cookie, left_before.get(cookie))
            if came_from is not None and came_from != below:
                heard.moves[cookie] = {to_text(came_from), folder}
        if is_dir and mask & (inotify.DELETE | inotify.MOVED_FROM):
            self._drop(path, alone=bool(mask & inotify.DELETE))
        elif is_dir and mask & ARRIVES:
            self._add(path)
            heard.arrived[to_text(path)] = cookie

    def _add(self, below: bytes, *, must: bool = False) -> None:
        """Watch a folder and all below it; where no watch is left, count."""
        todo = [below]
        while todo and not self._stop():
            here = todo.pop()
            path = os.path.join(self.base, here) if here else self.base
            try:
                self._watch(path, here)
                todo += self._folders(path, here)
            except OSError:  # it vanished, or may not be read
                if must and not here:
                    raise

    def _watch(self, path: bytes, here: bytes) -> None:
        if not self.unwatched:
            try:
                watch = self._inotify.add(path)
            except OSError as error:
                if error.errno != errno.ENOSPC or not self._below:
                    raise
            else:
                self._below[watch], self._watches[here] = here, watch
                return
        self.unwatched += 1

    def _folders(self, path: bytes, below: bytes) -> list[bytes]:
        prefix = below + b"/" if below else b""
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return [prefix + name for name in names if self._keep(name, True, prefix + name)]

    def _drop(self, below: bytes, *, alone: bool) -> None:
        """End the watch of a folder that left and, unless it was ``alone`` (it was removed, so it was empty), of all
        below it: a moved folder keeps its watch."""
        inside = below + b"/"
        gone = [below] if alone else [path for path in self._watches if path == below or path.startswith(inside)]
        for path in gone:
            if path in self._watches:
                self._inotify.remove(self._watches[path])
                self._forget(path)

    def _forget(self, below: bytes) -> None:
        watch = self._watches.pop(below, None)
        if watch is not None and self._below.get(watch) == below:
            del self._below[watch]


def _identity(path: bytes) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino

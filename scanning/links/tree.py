"""Which folders of the target are there, and are they real folders?

A symbolic link on the way down is never followed: a person who put one there may lead anywhere, also into the source.
"""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum

from mediasync.core.paths import to_bytes

from . import build


class There(Enum):
    REAL = "real"
    ABSENT = "absent"
    BLOCKED = "blocked"  # a link or a file stands in the way


def parent_of(path: str) -> str:
    """Return the folder of a path below the target ("" for the top)."""
    return path.rpartition("/")[0]


class Tree:
    """Looks at each folder once; made new for every batch."""

    def __init__(self, target: str) -> None:
        self.top = to_bytes(target)
        self._known: dict[str, There] = {}

    def place(self, path: str) -> bytes:
        """Return a folder as the system wants it."""
        return self.top + b"/" + to_bytes(path) if path else self.top

    def look(self, path: str) -> There:
        """Return what stands at a folder's path. The target itself may be a link: that is the owner's choice."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._look(path)
        return known

    def _look(self, path: str) -> There:
        if path:
            above = self.look(parent_of(path))
            if above is not There.REAL:
                return above
        try:
            info = os.lstat(self.place(path)) if path else os.stat(self.top)
        except FileNotFoundError:
            return There.ABSENT
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # the target lies deeper than the root
                return There.BLOCKED
            raise
        return There.REAL if stat.S_ISDIR(info.st_mode) else There.BLOCKED

    def missing(self, path: str) -> list[str]:
        """Return the folders to make, from the top down, so that ``path`` is there ([] if it is, or is blocked)."""
        found: list[str] = []
        while self.look(path) is There.ABSENT:
            found.append(path)
            if not path:
                break
            path = parent_of(path)
        return found[::-1]

    def make(self, path: str) -> bool:
        """Make one folder whose parent is there; False if something else was faster."""
        unmade, _ = build.make(self.top, [(path, [])])
        return self.learn(path, unmade.get(0))

    def learn(self, path: str, unmade: str | None) -> bool:
        """Take note of what became of a folder that ``build.make`` was to make; tell whether it was made."""
        if unmade == "there":
            self._known.pop(path, None)
        else:
            self._known[path] = There.BLOCKED if unmade else There.REAL
        return not unmade

    def forget(self, path: str) -> None:
        """Look again the next time (a folder was moved or removed)."""
        for known in [p for p in self._known if p == path or p.startswith(path + "/")]:
            del self._known[known]

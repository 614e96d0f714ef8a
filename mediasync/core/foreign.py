"""Paths as another machine names them: ``/media/x``, ``D:\\media\\x`` or ``\\\\host\\share\\x``.

They are compared by whole components; Windows and UNC paths without regard to case, POSIX paths exactly. Nothing here
looks at a disk, and links are never resolved: the path belongs to a machine that we cannot see.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|$)")
_UNC = "\\\\"


class Split(NamedTuple):
    """A path taken apart. ``root`` is ``/``, ``D:\\`` or ``\\\\`` (whose first name is then the host)."""

    root: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.root + ("/" if self.root == "/" else "\\").join(self.names)

    @property
    def key(self) -> tuple[str, ...]:
        """What two spellings of the same path share."""
        if self.root == "/":
            return ("/", *self.names)
        return (self.root.casefold(), *(name.casefold() for name in self.names))

    @property
    def parent(self) -> Split:
        """The folder that holds it; the root is its own parent."""
        return Split(self.root, self.names[:-1])

    def below(self, top: Split) -> tuple[str, ...] | None:
        """Return the names below ``top``; None if it does not lie there."""
        depth = len(top.key)
        return self.names[depth - 1 :] if self.key[:depth] == top.key else None


def is_windows(path: str) -> bool:
    """Tell whether it is written as on Windows: a drive letter, or a share with two backslashes."""
    return path.startswith(_UNC) or _DRIVE.match(path) is not None


@lru_cache(maxsize=4096)  # locations and rules are split again for each of a hundred thousand changes
def split(path: str) -> Split:
    """Take a path apart; doubled separators and ``.`` vanish.

    Raises ValueError for a relative path and for ``..``.
    """
    if path.startswith(_UNC):
        root, rest = _UNC, path[2:]
    elif drive := _DRIVE.match(path):
        root, rest = f"{drive.group().upper()}\\", path[2:]
    elif path.startswith("/"):
        root, rest = "/", path
    else:
        raise ValueError(f"not an absolute path: {path!r}")
    if root != "/":
        rest = rest.replace("\\", "/")
    names = tuple(name for name in rest.split("/") if name not in ("", "."))
    if ".." in names:
        raise ValueError(f"'..' is not allowed in a path: {path!r}")
    return Split(root, names)


def normalise(path: str) -> str:
    """Write a path the one way in which it is stored and sent (Sonarr#8414: Plex stumbles over ``//``)."""
    return str(split(path))


def is_within(path: str, top: str) -> bool:
    """Tell whether ``path`` is ``top`` or lies below it."""
    return split(path).below(split(top)) is not None

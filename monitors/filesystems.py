"""What kind of file system a path lies on, without touching a mount that could hang.

``core.filesystems`` reads the table of mounts; here the symbolic links on the way are followed one by one, and the walk
ends at the first mount that is not local, because a hung network or FUSE mount blocks every call that touches it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from mediasync.core import filesystems as core
from mediasync.core.paths import to_text

_MAX_LINKS = 40  # as the kernel


@dataclass(frozen=True, slots=True)
class Place:
    """The mount that a path lies on."""

    point: bytes
    type: str

    @property
    def is_fuse(self) -> bool:
        """True for file systems of a user's program."""
        return core.is_fuse(self.type)

    @property
    def is_remote(self) -> bool:
        """True where others can change files unseen, or a server must answer for a listing; FUSE too."""
        return core.is_remote(self.type)

    @property
    def depth(self) -> int:
        """The number of components of the mount point; 0 for ``/``."""
        return len([part for part in self.point.split(b"/") if part])


def places() -> dict[bytes, Place]:
    """Return what is mounted now, by mount point; of several mounts on one point the topmost."""
    found = {b"/": Place(b"/", "unknown")}
    for mount in core.mounts():
        point = os.fsencode(mount.point)
        found[point] = Place(point, mount.kind)
    return found


def place_of(path: bytes, table: dict[bytes, Place] | None = None) -> Place:
    """Return the mount under an absolute path, which need not exist."""
    return locate(path, table)[0]


def locate(path: bytes, table: dict[bytes, Place] | None = None) -> tuple[Place, bool]:
    """Return the mount under an absolute path, and whether the path is its very mount point."""
    table = places() if table is None else table
    todo = _parts(path)
    here, links = b"", 0
    while todo:
        part = todo.pop()
        if part == b"..":
            here = here.rpartition(b"/")[0]
            continue
        step = here + b"/" + part
        if step in table:
            here = step
            if table[step].is_remote:
                return table[step], not todo
        elif links < _MAX_LINKS and (target := _link(step)):
            links += 1
            here = b"" if target.startswith(b"/") else here
            todo += _parts(target)
        else:
            here = step
    point = here
    while point and point not in table:
        point = point.rpartition(b"/")[0]
    return table[point or b"/"], point == here


def mounts_below(path: bytes, table: dict[bytes, Place] | None = None) -> list[str]:
    """Return what is mounted below an absolute path, as stored text below it; links in the path are not followed."""
    top = path.rstrip(b"/") + b"/"
    points = places() if table is None else table
    return sorted(to_text(point[len(top) :]) for point in points if point.startswith(top))


def is_remote(path: bytes, table: dict[bytes, Place] | None = None) -> bool:
    """Tell whether a path lies on a network or FUSE file system."""
    return place_of(path, table).is_remote


def reaches_remote(path: bytes) -> bool:
    """Tell whether an absolute path lies on a network or FUSE file system, or one is mounted below it."""
    table = places()
    if place_of(path, table).is_remote:
        return True
    top = os.path.realpath(path).rstrip(b"/") + b"/"  # nothing on the way can hang
    return any(place.is_remote for point, place in table.items() if point.startswith(top))


def is_fuse(path: bytes) -> bool:
    """Tell whether a path lies on a FUSE file system."""
    return place_of(path).is_fuse


def _parts(path: bytes) -> list[bytes]:
    """Return the components of a path, the last one first."""
    return [part for part in path.split(b"/") if part not in (b"", b".")][::-1]


def _link(path: bytes) -> bytes:
    try:
        return os.readlink(path)
    except OSError:
        return b""

"""Hand out one picture that a row of a plan names, from its place or from the quarantine, and nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from mediasync.core.errors import MediasyncError, NotFound

from .choices import Action
from .hosts.base import type_of
from .models import PlanRow
from .plexdata import layout, places
from .plexdata.safe import Root
from .quarantine import place

MOST = 32 << 20  # bytes
BEGINNING = 16
HOPS = 3  # links of one bundle that lead to each other


class Picture(NamedTuple):
    """Its bytes and their type, by what they begin with: never by a name or by what a database says."""

    data: bytes
    content_type: str


def of(row: PlanRow) -> Picture:
    """Return the picture of a row; NotFound if it has none that can be shown."""
    data = _read(row, MOST)
    if not (kind := type_of(data)):
        raise NotFound("This is no picture.", code="cleanup_no_picture")
    return Picture(data, kind)


def has(row: PlanRow) -> bool:
    """Tell whether a row has a picture, by its first bytes."""
    return bool(type_of(_read(row, BEGINNING)))


def _read(row: PlanRow, most: int) -> bytes:
    """Return what lies at the place of the row, or in the quarantine for it; b"" for nothing that may be read."""
    if row.action not in (Action.FILE, Action.REPORT) or not layout.is_clean(row.path):
        return b""
    with suppress(MediasyncError, OSError, ValueError):
        data = places.resolve(row.run.folder.path, row.run.folder.cache_path)
        base = data.cache if row.base == "cache" else data.root
        if base and (found := _at(base, row.path, most)):
            return found
    if row.run.quarantine:
        with suppress(OSError, ValueError):
            return _at(row.run.quarantine, place(row.base, row.path), most)
    return b""


def _at(base: str, path: str, most: int) -> bytes:
    """Read a file below an open folder. A link is followed inside its own bundle only."""
    with Root(base) as root:
        for _hop in range(HOPS):
            found = root.lstat(path)
            if found is None or found.size > MOST:
                return b""
            if found.kind == "file":
                with os.fdopen(root.open_file(path), "rb") as file:
                    return file.read(most)
            where = layout.place_of(path)
            target = layout.link_target(where.rel, found.target) if found.kind == "link" and where else ""
            if not target or not layout.is_clean(target):
                return b""
            path = f"{layout.bundle_path(where.part, where.folder, where.bundle)}/{target}" if where else ""
    return b""

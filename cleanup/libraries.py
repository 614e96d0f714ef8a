"""Whether the folders of Plex's libraries are there: bundles of a library that is not mounted must not pass as orphans.

Plex forgets the items of a folder that is missing once its trash is emptied; their bundles then look like orphans.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

import apsw

from mediasync.core import paths
from mediasync.core.errors import Permanent

from .plexdata import layout
from .plexdata.database import Schema, failed, open_ro, probe

WAIT = 10.0  # seconds for one folder: a mount that hangs counts as missing
FALSE = {"0", "f", "false", "n", "no"}
FOLDERS = {1: ("Movies",), 2: ("TV Shows",), 8: ("Artists", "Albums"), 13: ("Photos",)}  # by type of library
HOMELESS = (  # as if its folder lacked: whoever removed it may have removed the items with it
    "SELECT s.id, {}, '#' || s.id, 'f' FROM library_sections s"
    " WHERE s.id NOT IN (SELECT library_section_id FROM section_locations WHERE library_section_id IS NOT NULL)"
)
SHARED = ("Collections", "Playlists")


class Location(NamedTuple):
    """A folder of a library. ``available``: what Plex noted of it."""

    section: int
    kind: int
    path: str  # stored text
    available: bool


def locations(con: apsw.Connection, schema: Schema) -> list[Location]:
    """Return the folders of all libraries; Permanent if they cannot be read."""
    if not schema.has("section_locations", "library_section_id", "root_path"):
        raise Permanent(
            "The database has no section_locations.", code="plex_database_foreign", what="section_locations"
        )
    available = "l.available" if schema.has("section_locations", "available") else "1"
    kind = "s.section_type" if schema.has("library_sections", "section_type") else "NULL"
    query = (
        f"SELECT l.library_section_id, {kind}, l.root_path, {available} FROM section_locations l"
        " LEFT JOIN library_sections s ON s.id = l.library_section_id ORDER BY l.id"
    )
    try:
        rows = con.execute(query).fetchall()
        if schema.has("library_sections", "id"):
            rows += con.execute(HOMELESS.format(kind)).fetchall()
    except apsw.Error as error:
        raise failed(error) from None
    return [
        Location(int(section or 0), int(kind or 0), str(path or ""), str(there).lower() not in FALSE)
        for section, kind, path, there in rows
    ]


def of(path: str) -> list[Location]:
    """Return the folders of all libraries of a database (stored text); raises what reading it raises."""
    with closing(open_ro(path)) as con:
        return locations(con, probe(con))


def missing(found: Sequence[Location], elsewhere: bool, there: Callable[[str], bool] | None = None) -> list[Location]:
    """Return those that are not there: Plex says so, or (unless Plex runs ``elsewhere``) nothing is seen in them."""
    look = there or present
    return [each for each in found if not each.available or not (elsewhere or look(each.path))]


def spared(lacking: Sequence[Location]) -> tuple[str, ...]:
    """Return the folders (below Metadata, or "Media") whose orphans stay while these locations lack."""
    if not lacking:
        return ()
    found = {folder for each in lacking for folder in FOLDERS.get(each.kind, tuple(layout.TYPES))}
    return tuple(sorted(found | {*SHARED, "Media"}))


def present(path: str, wait: float = WAIT) -> bool:
    """Tell whether a folder is there and holds anything; an empty one is what an unmounted disk leaves."""
    answer: list[bool] = []

    def look() -> None:
        try:
            with os.scandir(paths.to_bytes(path)) as listing:
                answer.append(next(listing, None) is not None)
        except (OSError, ValueError):
            answer.append(False)

    thread = threading.Thread(target=look, daemon=True, name="library folder")
    thread.start()
    thread.join(wait)
    return bool(answer and answer[0])

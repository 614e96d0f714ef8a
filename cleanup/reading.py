"""The private copy of Plex's database that a plan is made from: where it lies, and its index, once a process."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import apsw
from django.conf import settings

from mediasync.core import paths
from mediasync.core.errors import Permanent

from .plexdata import database
from .plexdata.database import Schema, Snapshot
from .plexdata.index import Index, build, restored, stored
from .plexdata.places import Data

Found = TypeVar("Found")
ROOM = 1.1  # of the size of the database must be free for its copy


@dataclass(slots=True)
class Reading:
    """An open copy and what is known of it."""

    path: str
    con: apsw.Connection
    schema: Schema
    index: Index
    _known: dict[str, Any] = field(default_factory=dict, init=False)

    def once(self, name: str, find: Callable[[Reading], Found]) -> Found:
        """Return what ``find`` finds in the whole copy; it is asked for by each unit, and looked for once."""
        if name not in self._known:
            self._known[name] = find(self)
        found: Found = self._known[name]
        return found


_open = threading.local()  # SQLite's connections belong to one thread


def folder() -> Path:
    """Return the folder for copies of databases, ours alone."""
    place = Path(settings.DATA_DIR) / "cleanup"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def copy_of(run: int) -> Path:
    """Return where the copy for a run lies."""
    return folder() / f"plan-{run}.db"


def take(data: Data, run: int) -> Snapshot:
    """Copy the database for a run; Permanent if there is no room for it, or it is not sound; Transient if locked."""
    size = os.path.getsize(paths.to_bytes(data.database))
    free = shutil.disk_usage(folder()).free
    if free < size * ROOM:
        message = f"The copy of Plex's database needs {size:,} bytes; {free:,} are free."
        raise Permanent(message, code="cleanup_no_room", needed=size, free=free)
    index_of(str(copy_of(run))).unlink(missing_ok=True)
    return database.snapshot(data.database, paths.to_text(os.fsencode(copy_of(run))))


def of(run: int) -> Reading:
    """Return the open copy of a run; the thread keeps one. Permanent if it is gone or its index is empty."""
    path = paths.to_text(os.fsencode(copy_of(run)))
    kept: Reading | None = getattr(_open, "reading", None)
    if kept is not None and kept.path == path:
        return kept
    if not copy_of(run).is_file():
        close()
        raise Permanent("The copy of Plex's database is gone.", code="cleanup_no_copy", run=run)
    return opened(path)


def opened(path: str) -> Reading:
    """Return the copy at ``path`` (stored text), open; the thread keeps one. Permanent if its index is empty."""
    kept: Reading | None = getattr(_open, "reading", None)
    if kept is not None and kept.path == path:
        return kept
    close()
    con = database.open_ro(path)
    try:
        schema = database.probe(con)
        _open.reading = Reading(path, con, schema, _index(con, schema, path))
    except BaseException:
        con.close()
        raise
    return _open.reading  # type: ignore[no-any-return]


def index_of(path: str) -> Path:
    """Return where the index of a copy at ``path`` (stored text) is kept, beside it."""
    return Path(os.fsdecode(paths.to_bytes(f"{path}.index")))


def keep(source: Reading) -> None:
    """Write the index beside its copy: each process that plans needs it, and none need look for it again."""
    place = index_of(source.path)
    part = place.with_name(f"{place.name}.part")
    part.write_text(f"{_which(source.path)}\n{stored(source.index)}")
    part.replace(place)


def _index(con: apsw.Connection, schema: Schema, path: str) -> Index:
    try:
        which, _, text = index_of(path).read_text().partition("\n")
    except FileNotFoundError:
        return build(con, schema)
    if which != _which(path):
        index_of(path).unlink(missing_ok=True)
        return build(con, schema)
    return restored(con, schema, text)


def _which(path: str) -> str:
    """Return what tells a copy from another one at the same place."""
    found = os.stat(paths.to_bytes(path))
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def close() -> None:
    """Close the copy that this thread keeps."""
    kept: Reading | None = getattr(_open, "reading", None)
    if kept is not None:
        kept.con.close()
    _open.reading = None


def forget(runs: Iterable[int]) -> None:
    """Delete the copies of runs, with all that SQLite may have left beside them."""
    for run in runs:
        close()
        for each in folder().glob(f"plan-{run}.db*"):
            each.unlink(missing_ok=True)


def left_over(needed: Iterable[int]) -> list[int]:
    """Return the runs that have a copy and are not among those that need one."""
    keep = set(needed)
    found = {each.name.removeprefix("plan-").partition(".")[0] for each in folder().glob("plan-*.db*")}
    return sorted(int(run) for run in found if run.isdecimal() and int(run) not in keep)

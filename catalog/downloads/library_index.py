"""The index of a folder: tags are read once for each file, and kept in a small SQLite file that may be deleted.

A file whose size and time are those of the index is not opened again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings

from mediasync.core.errors import Stop, Transient, Unreachable
from mediasync.core.paths import for_people, join, to_bytes, to_text

from .base import Candidate
from .names import ext_of, guess, is_song

BLOCK = 500  # files that are written at once
TIMEOUT = 30.0  # seconds to wait for a lock
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS song (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, facts TEXT) WITHOUT ROWID"
)
Row = tuple[str, int, int]  # path below the folder, bytes, nanoseconds


def songs_of(folder: str, source: str, stopping: Callable[[], bool] = lambda: False) -> Iterator[Candidate]:
    """Yield the songs below ``folder`` (stored text), having read the tags of what is new.

    Raises Unreachable when the folder is not there, Transient when the index is locked,
    Stop when ``stopping`` says so (what was read stays).
    """
    file = _file(folder)
    try:
        rows = _rows(file, folder, stopping)
    except sqlite3.OperationalError as error:  # locked, or no room
        raise Transient(f"The index of the folder cannot be used: {error}.", code="index_unusable") from None
    except sqlite3.DatabaseError:  # damaged: it is only an index
        file.unlink(missing_ok=True)
        rows = _rows(file, folder, stopping)
    for path, size, facts in rows:
        yield _candidate(source, path, size, json.loads(facts))


def _rows(file: Path, folder: str, stopping: Callable[[], bool]) -> list[tuple[str, int, str]]:
    """Bring the index up to date and return (path, bytes, facts) of its songs."""
    with closing(_opened(file)) as index:
        known = {path: (size, mtime) for path, size, mtime in index.execute("SELECT path, size, mtime FROM song")}
        new: list[Row] = []
        for row in walk(folder):
            if known.pop(row[0], None) != row[1:]:
                new.append(row)
            if len(new) >= BLOCK:
                _read(index, folder, new, stopping)
                new = []
        _read(index, folder, new, stopping)
        index.executemany("DELETE FROM song WHERE path = ?", [(path,) for path in known])
        index.commit()
        return index.execute("SELECT path, size, facts FROM song ORDER BY path").fetchall()


def walk(folder: str) -> Iterator[Row]:
    """Yield (path, size, time) of the songs below a folder; hidden folders and links to folders are not entered."""
    top = to_bytes(folder)
    if not os.path.isdir(top):
        raise Unreachable(f"The folder {for_people(folder)} is not there.", code="folder_missing")
    stack = [b""]
    while stack:
        below = stack.pop()
        try:
            entries = sorted(os.scandir(os.path.join(top, below)), key=lambda entry: entry.name)
        except OSError:
            continue  # a folder that we may not read holds nothing for us
        for entry in entries:
            if entry.name.startswith(b"."):
                continue
            path = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                stack.append(path)
            elif is_song(text := to_text(path)):
                try:
                    found = entry.stat()
                except OSError:
                    continue
                if stat.S_ISREG(found.st_mode):  # who opens a pipe waits for ever
                    yield text, found.st_size, found.st_mtime_ns


def tags_of(path: bytes) -> dict[str, Any]:
    """Return what a file says of itself; {} for one that cannot be read."""
    from tinytag import TinyTag, TinyTagException

    try:
        with open(path, "rb") as file:
            found = TinyTag.get(filename=f"x.{ext_of(to_text(path))}", file_obj=file)
    except (OSError, TinyTagException, ValueError, IndexError, KeyError, OverflowError):
        return {}
    other = {name.lower(): values for name, values in (found.other or {}).items()}
    return {
        "title": found.title or "",
        "artists": [each for each in (found.artist, *other.get("artist", ())) if each],
        "album": found.album or "",
        "duration": found.duration,
        "bitrate": round(found.bitrate) if found.bitrate else None,
        "lossless": getattr(found, "is_lossless", None),
        "isrc": next(iter(other.get("isrc", ())), ""),
        "mbid": next(iter(other.get("musicbrainz_trackid", ())), ""),
    }


def _read(index: sqlite3.Connection, folder: str, rows: list[Row], stopping: Callable[[], bool]) -> None:
    """Store the tags of files; half of a block when we are to stop."""
    for path, size, mtime in rows:
        if stopping():
            index.commit()
            raise Stop
        facts = json.dumps(tags_of(to_bytes(join(folder, path))))
        index.execute("INSERT OR REPLACE INTO song VALUES (?, ?, ?, ?)", (path, size, mtime, facts))
    index.commit()


def _file(folder: str) -> Path:
    place = Path(settings.DATA_DIR) / "indexes"
    place.mkdir(parents=True, exist_ok=True)
    return place / f"{hashlib.sha256(to_bytes(folder)).hexdigest()[:16]}.sqlite3"


def _opened(file: Path) -> sqlite3.Connection:
    index = sqlite3.connect(file, timeout=TIMEOUT)
    index.execute("PRAGMA synchronous = OFF")
    index.execute(SCHEMA)
    return index


def _candidate(source: str, path: str, size: int, facts: dict[str, Any]) -> Candidate:
    title, artists, album = guess(path)
    return Candidate(
        source=source,
        key=path,
        title=facts.get("title") or title,
        artists=tuple(facts.get("artists") or artists),
        album=facts.get("album") or album,
        duration=facts.get("duration"),
        ext=ext_of(path),
        size=size,
        bitrate=facts.get("bitrate"),
        lossless=facts.get("lossless"),
        isrc=facts.get("isrc", ""),
        mbid=facts.get("mbid", ""),
        rights_basis="own-copy",
        opaque={"path": path},
    )

"""Carry out one block of rows that put files or whole bundles away. Done again after a crash, it ends the same.

Each thing is looked at once more: is it what was planned, and does the database name it by now? The manifest is on the
disk before the first rename. After the last one the references are read again, and what somebody chose meanwhile goes
back at once; so does everything when they cannot be read.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from mediasync.core.errors import NeedsOperator

from .apply_rows import Row, Verdict
from .apply_trees import mark_of
from .choices import Action, Outcome
from .manifest import Manifest, quoted, read
from .plexdata import layout
from .plexdata.entries import Entry
from .plexdata.places import CACHE
from .plexdata.safe import Root
from .quarantine import FULL, Quarantine, place
from .quarantine_copy import digest

DATA = "data"
AWAY = Verdict(Outcome.QUARANTINED)
LOOK = 50  # rows between two looks whether to stop
CACHED = re.compile(r"(?:[0-9a-f]{1,2}/)?[^/]+\.(?:jpg|jpeg|png|ppm)\Z", re.IGNORECASE)  # below PhotoTranscoder


class References(Protocol):
    """What the live database says of files."""

    def in_use(self, paths: Sequence[str]) -> set[str]:
        """Return those paths (below the data folder; files, links or whole bundles) that are in use now."""


@dataclass(slots=True)
class Hands:
    """All that a block works with. ``roots``: base → its open folder. ``stop``: true once it should end soon."""

    roots: Mapping[str, Root]
    quarantine: Quarantine
    manifest: Manifest
    references: References
    stop: Callable[[], bool] = lambda: False
    digest: bool = False  # note the SHA-1 of each file
    full: bool = False  # set when the disk of the quarantine is
    _sha1: dict[int, str] = field(default_factory=dict)

    def note(self, lines: Sequence[str]) -> None:
        """Write lines into the manifest; a full disk is remembered, and nothing may be done then."""
        try:
            self.manifest.lines(lines)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.full = True


def carry_out(rows: Sequence[Row], hands: Hands) -> dict[int, Verdict]:
    """Put away what may be; return what became of each row. Rows that a stop kept from being begun are left out."""
    verdicts: dict[int, Verdict] = {}
    standing: list[tuple[Row, Entry]] = []
    moved: list[Row] = []
    for row in rows:
        found = _look(row, hands)
        if isinstance(found, Entry):
            standing.append((row, found))
        else:
            verdicts[row.id] = found
            if found.outcome == Outcome.QUARANTINED:
                moved.append(row)  # by an earlier try: its references are looked at below, like those of the others
    used = in_use((row for row, _entry in standing), hands)
    acting = [(row, entry) for row, entry in standing if row.path not in used or row.base != DATA]
    verdicts |= {row.id: Verdict(Outcome.IN_USE) for row, _ in standing if row.base == DATA and row.path in used}
    places = [place(row.base, row.path) for row, _entry in acting]
    hands.note([_line(row, entry, to, hands) for (row, entry), to in zip(acting, places, strict=True)])
    for number, (row, entry) in enumerate(acting):
        if hands.full or (number % LOOK == 0 and hands.stop()):
            break
        verdict = _put_away(row, entry, places[number], hands)
        if verdict is not None:
            verdicts[row.id] = verdict
            if verdict.outcome == Outcome.QUARANTINED:
                moved.append(row)
    _look_back(moved, hands, verdicts)
    return verdicts


def look_after(rows: Sequence[Row], hands: Hands) -> dict[int, Verdict]:
    """Say of rows that an attempt left unfinished what became of them; nothing more is put away."""
    moved = [row for row in rows if allowed(row) and row.base in hands.roots and _lies(row, hands)]
    verdicts = {row.id: AWAY for row in moved}
    _look_back(moved, hands, verdicts)
    return verdicts


def _lies(row: Row, hands: Hands) -> bool:
    try:
        return hands.roots[row.base].lstat(row.path) is None and hands.quarantine.lies(row.base, row.path) is not None
    except OSError:
        return False


def _has(row: Row, hands: Hands) -> bool:
    with suppress(OSError):
        return hands.quarantine.lies(row.base, row.path) is not None
    return False


def check_room(hands: Hands) -> None:
    """Raise NeedsOperator once the quarantine's disk is full; what was done by then must be stored before."""
    if hands.full:
        where = hands.quarantine.root.path
        raise NeedsOperator("The disk of the quarantine is full.", code="cleanup_quarantine_full", path=where)


def allowed(row: Row) -> bool:
    """Tell whether a path can be one of those that rules name, whatever the row says."""
    found = layout.place_of(row.path) if row.base == DATA else None
    if found is not None:
        return (found.rel == "") == (row.action == Action.TREE)
    if row.action != Action.FILE or not layout.is_clean(row.path):
        return False
    cached = row.path.startswith(f"{CACHE}/") if row.base == DATA else row.base == "cache"
    return cached and bool(CACHED.match(row.path[len(CACHE) + 1 :] if row.base == DATA else row.path))


def _look(row: Row, hands: Hands) -> Entry | Verdict:
    """Return what lies there if it is what was planned, else what becomes of the row."""
    if not allowed(row) or row.base not in hands.roots:
        return Verdict(Outcome.ERROR, "cleanup_bad_path")
    root = hands.roots[row.base]
    try:
        entry = root.lstat(row.path)
        if entry is not None and _same(row, entry, root):
            return entry
        away = hands.quarantine.lies(row.base, row.path)
        if away is None:
            return Verdict(Outcome.CHANGED, "" if entry is not None else "gone")
        if entry is not None and entry.kind == away.kind == "folder":
            return entry  # half a move to another file system; else the move finds its place taken
        return Verdict(Outcome.QUARANTINED)  # by an earlier try
    except NotADirectoryError:  # a folder above is gone, or a link now
        return Verdict(Outcome.CHANGED, "gone")
    except OSError as error:
        return Verdict(Outcome.ERROR, _name(error))


def _same(row: Row, entry: Entry, root: Root) -> bool:
    if row.action == Action.TREE:
        return entry.kind == "folder" and mark_of(root, row.path) == row.mark
    facts = (entry.dev, entry.ino, entry.size, entry.mtime_ns)
    return entry.kind in ("file", "link") and facts == (row.dev, row.ino, row.size, row.mtime_ns)


def in_use(rows: Iterable[Row], hands: Hands) -> set[str]:
    """Return the paths of those rows that are in use now; nothing refers to what is cached."""
    wanted = [row.path for row in rows if row.base == DATA and not row.path.startswith(f"{CACHE}/")]
    return hands.references.in_use(wanted) if wanted else set()


def _line(row: Row, entry: Entry, to: str, hands: Hands) -> str:
    """Return the line of the manifest; put together by hand, as there is one for each file."""
    line = (
        f'{{"row":{row.id},"base":"{row.base}","path":{quoted(row.path)},"to":{quoted(to)},"kind":"{entry.kind}",'
        f'"size":{entry.size},"mtime_ns":{entry.mtime_ns},"dev":{entry.dev},"ino":{entry.ino}'
    )
    if entry.target:
        line += f',"target":{quoted(entry.target)}'
    if hands.digest and entry.kind == "file":
        hands._sha1[row.id] = _sha1(hands.roots[row.base], row.path)
        line += f',"sha1":"{hands._sha1[row.id]}"'
    return line + "}"


def _sha1(root: Root, path: str) -> str:
    try:
        return digest(root, path)
    except OSError:  # the move will say what is wrong
        return ""


def _put_away(row: Row, entry: Entry, to: str, hands: Hands) -> Verdict | None:
    """Move one thing; None when the disk is full, and the row stays as it is."""
    try:
        sha1 = hands.quarantine.put_away(hands.roots[row.base], row.path, entry, to)
    except FileExistsError:  # ours lies there already, and something new has taken its old place
        return Verdict(Outcome.QUARANTINED)
    except OSError as error:
        if error.errno in FULL:
            hands.full = True
            return None
        if _has(row, hands):  # moved by a slower worker, or copied and not wholly removed
            return Verdict(Outcome.QUARANTINED, _name(error))
        if isinstance(error, FileNotFoundError):
            return Verdict(Outcome.CHANGED, "gone")
        return Verdict(Outcome.ERROR, _name(error))
    sha1 = sha1 or hands._sha1.get(row.id, "")
    return Verdict(Outcome.QUARANTINED, "", sha1) if sha1 else AWAY


def _look_back(moved: Sequence[Row], hands: Hands, verdicts: dict[int, Verdict]) -> None:
    """Put back what came into use while it was moved; all of it if that cannot be found out."""
    try:
        used = in_use(moved, hands)
    except BaseException:
        for row in moved:
            _put_back(row, hands)
        raise
    for row in moved:
        if row.base == DATA and row.path in used:
            verdicts[row.id] = _put_back(row, hands)


def _put_back(row: Row, hands: Hands) -> Verdict:
    try:
        hands.quarantine.bring_back(hands.roots[row.base], row.base, row.path)
    except FileExistsError:  # Plex has got it again by itself
        return Verdict(Outcome.QUARANTINED, "place_taken")
    except OSError as error:
        return Verdict(Outcome.QUARANTINED, f"in_use {_name(error)}")
    return Verdict(Outcome.IN_USE)


def remove_folders(rows: Sequence[Row], hands: Hands) -> dict[int, Verdict]:
    """Remove empty folders, in the order given (deepest first); one that is gone was ours if the manifest has it."""
    verdicts: dict[int, Verdict] = {}
    lines, acting, gone = [], [], []
    for row in rows:
        found = layout.place_of(row.path)
        if row.base != DATA or found is None or found.rel in ("", "Contents"):
            verdicts[row.id] = Verdict(Outcome.ERROR, "cleanup_bad_path")
            continue
        try:
            lines.append(json.dumps(_folder_line(row, hands.roots[DATA])))
        except FileNotFoundError:
            gone.append(row)
        except OSError as error:
            verdicts[row.id] = Verdict(Outcome.CHANGED, _name(error))
        else:
            acting.append(row)
    begun = {line.get("row") for line in read(hands.quarantine.root)} if gone else set()
    for row in gone:
        verdicts[row.id] = Verdict(Outcome.DELETED) if row.id in begun else Verdict(Outcome.CHANGED, "gone")
    hands.note(lines)
    for row in acting:
        if hands.full or hands.stop():
            break
        verdicts[row.id] = _remove(row, hands.roots[DATA])
    return verdicts


def _folder_line(row: Row, root: Root) -> dict[str, Any]:
    fd = root.open_folder(row.path)
    try:
        found = os.fstat(fd)
    finally:
        os.close(fd)
    facts = {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
    return {"row": row.id, "base": row.base, "path": row.path, "kind": "folder", "mtime_ns": found.st_mtime_ns, **facts}


def _remove(row: Row, root: Root) -> Verdict:
    try:
        root.rmdir(row.path)
    except FileNotFoundError:
        return Verdict(Outcome.CHANGED, "gone")
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return Verdict(Outcome.SKIPPED, "not_empty")
        return Verdict(Outcome.ERROR, _name(error))
    return Verdict(Outcome.DELETED)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "EIO")

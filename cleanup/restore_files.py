"""Put things back from the quarantine to where they were, and never over anything that is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from . import manifest
from .apply_files import DATA
from .apply_rows import Row, Verdict
from .choices import Action, Outcome
from .plexdata import layout
from .plexdata.entries import Entry
from .plexdata.safe import Root
from .quarantine import FOLDER, Quarantine


def bring_back(rows: Sequence[Row], roots: Mapping[str, Root], quarantine: Quarantine) -> dict[int, Verdict]:
    """Put files and bundles back; return what became of each row."""
    return {row.id: _bring_back(row, roots, quarantine) for row in rows}


def _bring_back(row: Row, roots: Mapping[str, Root], quarantine: Quarantine) -> Verdict:
    """Put one thing back. ``planned`` rows may lie there as well: a crash came before that was written down."""
    away = Outcome(row.outcome)
    if row.base not in roots:
        return Verdict(away, "cleanup_bad_path")
    root = roots[row.base]
    try:
        lying = quarantine.lies(row.base, row.path)
        if lying is None:
            here = root.lstat(row.path)
            if away == Outcome.PLANNED:
                return Verdict(Outcome.SKIPPED, "not_begun")
            return Verdict(Outcome.RESTORED) if here is not None else Verdict(Outcome.ERROR, "quarantine_lost")
        if row.action == Action.FILE and not _same(row, lying, quarantine):
            return Verdict(Outcome.QUARANTINED, "quarantine_changed")
        quarantine.bring_back(root, row.base, row.path)
    except FileExistsError:
        return Verdict(Outcome.QUARANTINED, "place_taken")
    except OSError as error:
        return Verdict(Outcome.QUARANTINED, f"errno {error.errno}")
    return Verdict(Outcome.RESTORED)


def _same(row: Row, lying: Entry, quarantine: Quarantine) -> bool:
    """Tell whether a file is what was put away: its size, its time, and its digest where that is known."""
    if (lying.size, lying.mtime_ns) != (row.size, row.mtime_ns):
        return False
    return not row.sha1 or lying.kind != "file" or quarantine.sha1(row.base, row.path) == row.sha1


def make_folders(rows: Iterable[Row], root: Root, quarantine: Quarantine) -> dict[int, Verdict]:
    """Make removed folders again, with their rights, owners and times as the manifest has them."""
    wanted = {row.path: row for row in rows if row.base == DATA and layout.place_of(row.path) is not None}
    facts = {
        line["path"]: line
        for line in manifest.read(quarantine.root)
        if line.get("kind") == "folder" and str(line.get("path")) in wanted and _whole(line)
    }
    verdicts: dict[int, Verdict] = {}
    for path in sorted(wanted):
        try:
            root.makedirs(path, 0o755)
            _give_facts(root, path, facts.get(path, {}))
        except OSError as error:
            verdicts[wanted[path].id] = Verdict(Outcome.DELETED, f"errno {error.errno}")
        else:
            verdicts[wanted[path].id] = Verdict(Outcome.RESTORED)
    return verdicts


def _whole(line: Mapping[str, Any]) -> bool:
    return all(isinstance(line.get(name), int) for name in ("mode", "uid", "gid", "mtime_ns"))


def _give_facts(root: Root, path: str, facts: Mapping[str, Any]) -> None:
    if not facts:
        return
    fd = root.open_folder(path)
    try:
        with suppress(OSError):
            os.fchown(fd, int(facts["uid"]), int(facts["gid"]))
        os.fchmod(fd, int(facts["mode"]) & 0o7777)
        os.utime(fd, ns=(int(facts["mtime_ns"]), int(facts["mtime_ns"])))
    finally:
        os.close(fd)


def remove_quarantine(path: str) -> bool:
    """Remove the empty folders of a run's quarantine, and all of it if nothing is left; tell whether that was so."""
    above, _slash, name = path.rpartition("/")
    try:
        with Root(path) as quarantine:
            for base in ("data", "cache"):
                if quarantine.lstat(base) is not None:
                    _tidy(quarantine, base)
            if any(each != manifest.NAME for each in quarantine.names()):
                return False
            with suppress(FileNotFoundError):
                quarantine.unlink(manifest.NAME)
        with Root(above) as root:
            root.rmdir(name)
    except FileNotFoundError:  # an earlier try
        return True
    if above.endswith(f"/{FOLDER}"):
        grand, _slash, name = above.rpartition("/")
        with suppress(OSError), Root(grand) as root:
            root.rmdir(name)
    return True


def _tidy(root: Root, path: str) -> None:
    for name in root.names(path):
        below = f"{path}/{name}"
        found = root.lstat(below)
        if found is not None and found.kind == "folder" and below.count("/") <= 3:
            _tidy(root, below)
    with suppress(OSError):  # something lies in it
        root.rmdir(path)


def named(values: Iterable[Row]) -> set[tuple[str, str]]:
    """Return (bundle, key) of all files that old values name."""
    return {(row.bundle, key) for row in values for key in layout.keys(row.old)}


def name_of(row: Row) -> tuple[str, str]:
    """Return (bundle, key) by which a value would name a row's file."""
    found = layout.place_of(row.path)
    if found is None or not found.rel:
        return ("", "")
    media = layout.media_path(row.path)
    return (found.bundle, f"media:{media}" if media else layout.key_of(found.rel))


def is_there(row: Row, root: Root) -> bool:
    """Tell whether the file that a row's old value names can be read; a value that names none needs none."""
    ref = layout.parse(row.old)
    if ref.scheme == "media":
        return _readable(root, f"{layout.MEDIA}/{ref.rel}")
    if ref.scheme not in ("metadata", "upload"):
        return True
    below = layout.COMBINED if ref.scheme == "metadata" else layout.UPLOADS
    bundles = [layout.bundle_path(layout.METADATA, folder, row.bundle) for folder in layout.TYPES]
    return any(_readable(root, f"{bundle}/{below}/{ref.rel}") for bundle in bundles)


def _readable(root: Root, path: str) -> bool:
    for _step in range(5):  # a link in _combined leads to a file, elsewhere in the bundle
        try:
            entry = root.lstat(path)
        except OSError:
            return False
        if entry is None or entry.kind != "link":
            return entry is not None and entry.kind == "file"
        place = layout.place_of(path)
        rel = layout.link_target(place.rel, entry.target) if place else ""
        if not place or not rel:
            return False
        path = f"{path[: -len(place.rel)]}{rel}"
    return False

"""Archives of playlists: a zip with a folder for each, complete or not at all, kept for some hours."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from mediasync.core import clock
from mediasync.core.errors import Conflict, NotFound
from mediasync.core.paths import for_people, to_bytes
from mediasync.jobs.choices import Trigger

from . import lists_out, routing
from .exporting import folder_name
from .layout import name_of
from .lists_out import Entry
from .models import Playlist
from .selectors import State, with_status

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
PIECE = 1024 * 1024  # bytes
SPARE = 50_000_000  # bytes that stay free
OLDEST, LATEST = 315_532_800, 4_354_819_198  # the years 1980 to 2107 are all that zip knows
Lists = list[tuple[Playlist, list[Entry]]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive that can be fetched: ``/api/exports/bundles/<name>.zip``."""

    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Exported:
    """The archive, or (None) what is done first."""

    bundle: Bundle | None
    routed: routing.Routed


def export(playlists: Sequence[int], *, actor: str, trigger: Trigger = Trigger.MANUAL) -> Exported:
    """Return an archive of playlists if all of them are here; otherwise queue what is wanting, and pack nothing.

    Raises what ``routing.sort_out`` and ``make`` raise.
    """
    routed = routing.sort_out(playlists)
    if routed.to_sync or routed.to_download:
        return Exported(None, routing.download(playlists, actor=actor, trigger=trigger))
    return Exported(make(routed.ready), routed)


def make(playlists: Sequence[int]) -> Bundle:
    """Pack playlists and return the archive; the same selection, unchanged, is packed once.

    Raises Conflict when one of them is not complete here, when a file is not what we know, and when there is no room;
    NotFound for a playlist that there is not.
    """
    lists = _complete(playlists)
    name = _name(lists)
    target = _folder() / f"{name}.zip"
    try:
        os.utime(target)
    except FileNotFoundError:
        _pack(lists, target)
    return Bundle(name, target.stat().st_size)


def find(name: str) -> Path:
    """Return the file of an archive; NotFound for a name that is none, and for one that is no longer kept."""
    if NAME.fullmatch(name):
        path = Path(settings.BUNDLES_DIR) / f"{name}.zip"
        with suppress(OSError):
            if clock.system.now().timestamp() - path.stat().st_mtime < settings.KEEP_BUNDLES_HOURS * 3600:
                return path
    raise NotFound("There is no such archive (any more): export it again.", code="no_bundle", name=name[:100])


def expire(now: dt.datetime) -> int:
    """Remove archives whose time is over, and what an export that was killed has left; return how many."""
    oldest = now.timestamp() - settings.KEEP_BUNDLES_HOURS * 3600
    count = 0
    for path in Path(settings.BUNDLES_DIR).glob("*"):
        with suppress(OSError):
            if path.suffix in (".zip", ".part") and path.stat().st_mtime <= oldest:
                path.unlink()
                count += 1
    return count


def _complete(playlists: Sequence[int]) -> Lists:
    wanted = list(dict.fromkeys(playlists))
    rows = {row.pk: row for row in with_status(Playlist.objects.filter(pk__in=wanted))}
    if missing := [pk for pk in wanted if pk not in rows]:
        raise NotFound(f"There is no playlist {missing[0]}.", code="no_playlist", playlist=missing[0])
    if waiting := [pk for pk in wanted if rows[pk].status != State.DOWNLOADED]:
        raise Conflict("Not all songs are here yet.", code="not_ready", playlists=waiting)
    lists = [(rows[pk], lists_out.entries(rows[pk])) for pk in wanted]
    for entry in (entry for _row, found in lists for entry in found):
        _look(entry)
    return lists


def _look(entry: Entry) -> None:
    """Raise Conflict for a file that is not there; that says nothing of why, so its row stays."""
    try:
        size = os.stat(to_bytes(entry.path)).st_size if entry.path else -1
    except OSError:
        size = -1
    if size < 0:
        text = f"{for_people(entry.path) or entry.label} is not there: is its folder mounted?"
        raise Conflict(text, code="export_file_missing", song=entry.song, path=for_people(entry.path))


def _name(lists: Lists) -> str:
    """Return a name that is the same for the same content."""
    facts = [
        [row.pk, row.name, [(each.song, each.asset, each.path, each.size) for each in found]] for row, found in lists
    ]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]
    return f"playlist-{lists[0][0].pk}-{digest}" if len(lists) == 1 else f"playlists-{len(lists)}-{digest}"


def _folder() -> Path:
    folder = Path(settings.BUNDLES_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pack(lists: Lists, target: Path) -> None:
    """Write the archive beside its place and move it there when it is complete."""
    size = sum(entry.size for _row, found in lists for entry in found)
    if shutil.disk_usage(target.parent).free < size + SPARE:
        raise Conflict("There is no room for the archive.", code="no_room", needed=size)
    handle, part = tempfile.mkstemp(".part", "bundle-", target.parent)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _write_lists(archive, lists)
        os.replace(part, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(part)
        if isinstance(error, OSError):
            raise Conflict(f"The archive cannot be written: {error.strerror}.", code="export_failed") from None
        raise


def _write_lists(archive: zipfile.ZipFile, lists: Lists) -> None:
    for row, found in lists:
        folder, named = folder_name(row), lists_out.names(found)
        for entry in found:
            _write_file(archive, entry, f"{folder}/{named[entry.song]}")
        archive.writestr(f"{folder}/{name_of(row.name)}.m3u8", lists_out.m3u8(row.name, found, _name_in(named)))
    archive.writestr("SOURCES.txt", lists_out.sources_text((folder_name(row), found) for row, found in lists))


def _name_in(named: Mapping[int, str]) -> Callable[[Entry], str]:
    return lambda entry: named[entry.song]


def _write_file(archive: zipfile.ZipFile, entry: Entry, name: str) -> None:
    with open(to_bytes(entry.path), "rb") as source:
        facts = os.fstat(source.fileno())
        stamp = time.gmtime(min(max(facts.st_mtime, OLDEST), LATEST))
        about = zipfile.ZipInfo(name, stamp[:6])
        about.external_attr = 0o644 << 16
        about.file_size = facts.st_size
        with archive.open(about, "w") as copy:
            shutil.copyfileobj(source, copy, PIECE)
    if about.file_size != facts.st_size:
        raise Conflict(f"{for_people(entry.path)} changed meanwhile.", code="export_file_changed", song=entry.song)

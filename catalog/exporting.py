"""A folder for each playlist on this machine: links to its files and an ``.m3u8`` in its order.

A folder is made from what the database says now; nothing is downloaded for it. What we made in it is noted in a file
beside the links, and only that is ever taken away.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.conf import settings

from mediasync.core.errors import NeedsOperator
from mediasync.core.paths import for_people, join, to_bytes, to_text
from mediasync.jobs.choices import ItemState
from mediasync.jobs.models import Item

from . import lists_out
from .layout import name_of
from .models import Playlist
from .selectors import playlist_of

logger = logging.getLogger(__name__)

NOTE = b".mediasync.json"
OPEN = (ItemState.PENDING, ItemState.RETRY_WAIT, ItemState.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it is now: ``path`` (stored text), links that changed, songs that are here and that are not."""

    path: str
    changed: int
    files: int
    missing: int


def folder_name(playlist: Playlist) -> str:
    """Return how the folder of a playlist is called: people know the name, we the number."""
    return f"{name_of(playlist.name)} [{playlist.pk}]"


def refresh(playlist: Playlist) -> Folder:
    """Bring the folder of a playlist up to date and return it. NeedsOperator where nothing can be written."""
    top = join(to_text(os.fsencode(settings.PLAYLISTS_DIR)), name_of(playlist.platform))
    path = join(top, folder_name(playlist))
    try:
        folder = _settle(to_bytes(top), to_bytes(path), playlist.pk)
        with _alone(folder):
            return _fill(playlist, path, folder)
    except OSError as error:
        text = f"The folders of playlists cannot be written: {error.strerror or error} ({for_people(path)})."
        raise NeedsOperator(text, code="playlists_folder", folder=for_people(top)) from None


def after_song(item_id: int) -> Folder | None:
    """Refresh the folder of the playlist whose item of a download stage ended, if nothing of it waits any more.

    Those that run beside it do not count: each of them asks here when it ends, so the last one sees all files.
    """
    found = Item.objects.filter(pk=item_id).values_list("group_id", "group__key").first()
    playlist = playlist_of(found[1] or "") if found else None
    if found is None or playlist is None or Item.objects.filter(group_id=found[0], state__in=OPEN).exists():
        return None
    row = Playlist.objects.filter(pk=playlist).first()
    try:
        return refresh(row) if row else None
    except NeedsOperator as error:  # the song is here all the same; the stage ``export`` will say it
        logger.warning("%s", error)
        return None


def _settle(top: bytes, path: bytes, pk: int) -> bytes:
    """Return the folder, renamed if its playlist has another name by now."""
    os.makedirs(top, exist_ok=True)
    mark = f" [{pk}]".encode()
    if not os.path.isdir(path):
        with os.scandir(top) as found:
            old = next((each.path for each in found if each.name.endswith(mark) and each.is_dir()), None)
        if old is not None:
            with suppress(FileNotFoundError):  # somebody else was faster
                os.rename(old, path)
    os.makedirs(path, exist_ok=True)
    return path


@contextmanager
def _alone(folder: bytes) -> Iterator[None]:
    """Keep other processes and threads out of a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fill(playlist: Playlist, path: str, folder: bytes) -> Folder:
    found = lists_out.entries(playlist)
    named = lists_out.names(found)
    wanted = {named[entry.song]: entry.path for entry in found if entry.path}
    listing = f"{name_of(playlist.name)}.m3u8"
    made = _noted(folder)
    gone = made - {*wanted, listing}
    for name in gone:
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, to_bytes(name)))
    _note(folder, {*made, *wanted, listing})  # before they are made: a kill leaves nothing that is not noted
    links = {name: _link(folder, name, target, ours=name in made) for name, target in wanted.items()}

    def place(entry: lists_out.Entry) -> str:
        name = named[entry.song]
        return entry.path if links[name] is None else name

    changed = len(gone) + sum(link is True for link in links.values())
    changed += _write(os.path.join(folder, to_bytes(listing)), lists_out.m3u8(playlist.name, found, place))
    _note(folder, {listing, *(name for name, link in links.items() if link is not None)})
    return Folder(path, changed, len(wanted), len(found) - len(wanted))


def _link(folder: bytes, name: str, target: str, *, ours: bool) -> bool | None:
    """Make a link and tell whether that changed anything; None where there can be none: the list names the file.

    A link is relative where both lie in one tree, so that other machines which see the tree can follow it.
    """
    place, there = os.path.join(folder, to_bytes(name)), to_bytes(target)
    common = os.path.commonpath([os.path.realpath(folder), os.path.realpath(there)])
    wanted = os.path.relpath(os.path.realpath(there), os.path.realpath(folder)) if common != b"/" else there
    with suppress(OSError):
        if os.readlink(place) == wanted:
            return False
    with suppress(FileNotFoundError):
        if os.path.lexists(place) and not ours:
            return None  # somebody else's file
        if not os.path.islink(place) and os.path.samefile(place, there):
            return False  # a hard link
        os.unlink(place)
    with suppress(OSError):
        os.symlink(wanted, place)
        return True
    with suppress(OSError):  # a file system that knows no links of that kind
        os.link(there, place)
        return True
    return None


def _write(path: bytes, data: bytes) -> bool:
    """Replace a file if it says something else."""
    with suppress(OSError), open(path, "rb") as file:
        if file.read() == data:
            return False
    part = path + b".part"
    with open(part, "wb") as file:
        file.write(data)
    os.replace(part, path)
    return True


def _noted(folder: bytes) -> set[str]:
    """Return the names of what we made there."""
    try:
        with open(os.path.join(folder, NOTE), "rb") as file:
            names = json.load(file)
    except (OSError, ValueError):
        return set()
    return {each for each in names if isinstance(each, str) and "/" not in each} if isinstance(names, list) else set()


def _note(folder: bytes, names: set[str]) -> None:
    _write(os.path.join(folder, NOTE), json.dumps(sorted(names), ensure_ascii=False).encode())

"""Sonarr, Radarr, Lidarr, Readarr and what is shaped like them (Whisparr, Sportarr).

``Download`` is everything that was imported. Before August 2024 its ``episodeFile.path`` was the path in the download
client, so folder + ``relativePath`` comes first, and ``sourcePath`` is never followed. Facts: WebhookBase.cs and the
Webhook*Payload.cs of each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mediasync.core import foreign

from .base import Found, Parsed, Received, Rejected, clean_path, group_of, plain, rows

NOTHING = re.compile(  # not about files, or before there are any
    r"test|grab|health|applicationupdate|manualinteraction|.*(add|added|failure|failed)$|.*import_?incomplete$"
)
IMPORTED = re.compile(r".*(download|downloaded|upgrade|import|imported|import_?completed?)$")
RENAMED = re.compile(r".*renamed?$")
RETAGGED = re.compile(r".*retag(ged)?$")
FILE_DELETED = re.compile(r".*file_?deleted?(forupgrade)?$")
DELETED = re.compile(r"(.*?)_?deleted?$")


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one of them puts what. ``joined``: its files have a ``relativePath``."""

    owner: str
    folder: tuple[str, ...]
    file: str
    renamed: str
    joined: bool


SHAPES = {
    "sonarr": Shape("series", ("path",), "episodeFile", "renamedEpisodeFiles", True),
    "radarr": Shape("movie", ("folderPath", "path"), "movieFile", "renamedMovieFiles", True),
    "lidarr": Shape("artist", ("path",), "trackFile", "renamedTrackFiles", False),
    "readarr": Shape("author", ("path",), "bookFile", "renamedBookFiles", False),
}


class Body:
    """One call, taken apart by its shape."""

    def __init__(self, data: dict[str, Any], shape: Shape) -> None:
        self.data, self.shape, self.found = data, shape, Found()
        owner = data.get(shape.owner)
        owner = owner if isinstance(owner, dict) else {}
        self.folder: str | None = next(filter(None, (clean_path(owner.get(name)) for name in shape.folder)), None)
        if self.folder is None and (file := clean_path(owner.get("filePath"))):  # Radarr 0.2 names nothing else
            self.folder = str(foreign.split(file).parent)

    def files(self, *names: str) -> list[dict[str, Any]]:
        return [row for name in names for row in rows(self.data.get(name))]

    def own_files(self) -> list[dict[str, Any]]:
        """Return the files that the event is about: one, or since "On Import Complete" several."""
        return self.files(self.shape.file, self.shape.file + "s")

    def place(self, file: dict[str, Any], relative: str = "relativePath", whole: str = "path") -> Any:
        """Return where a file lies. A path outside the folder is where it was downloaded to, not where it went."""
        below = file.get(relative)
        if self.folder and isinstance(below, str) and below:
            return f"{self.folder}/{below}"
        path = clean_path(file.get(whole))
        if path and self.folder and self.shape.joined and not foreign.is_within(path, self.folder):
            return None
        return path

    def look_at_folder(self) -> None:
        """Without names, all that can be said is: look at the folder of the series, movie, artist or author."""
        if self.folder:
            self.found.add(self.folder, is_dir=True)

    # -- Events

    def imported(self) -> None:
        for file in self.own_files():
            if place := self.place(file):
                self.found.add(place, is_dir=False)
        if not self.found.notices:
            if destination := clean_path(self.data.get("destinationPath")):
                self.found.add(destination, is_dir=True)
            else:
                self.look_at_folder()
        for file in self.files("deletedFiles"):
            if place := self.place(file):
                self.found.add(place, "delete", is_dir=False)

    def renamed(self) -> None:
        files = self.files(self.shape.renamed)
        pairs = [(self.before(file), self.place(file)) for file in files]
        pairs = [(old, new) for old, new in pairs if new]
        group = group_of(pairs)  # of all: files of one folder are looked at together anyway
        for old, new in pairs:
            if old:
                self.found.rename(old, new, is_dir=False, group=group)
            else:
                self.found.add(new, is_dir=False)
        if not pairs:
            self.look_at_folder()

    def before(self, file: dict[str, Any]) -> Any:
        """Return where a renamed file lay; the folder itself may have had another name, so the whole path wins."""
        whole = clean_path(file.get("previousPath"))
        return whole or self.place(file, "previousRelativePath", "previousPath")

    def retagged(self) -> None:
        for file in self.own_files():
            if place := self.place(file):
                self.found.add(place, is_dir=False)
        if not self.found.notices:
            self.look_at_folder()

    def file_deleted(self) -> None:
        # Their own scan missed it, perhaps because a mount is half gone (DiskScanService.cs).
        distrusted = plain(self.data.get("deleteReason")).lower() == "missingfromdisk"
        for file in [*self.own_files(), *self.files("deletedFiles")]:  # Sportarr: only the latter
            if place := self.place(file):
                self.found.add(place, "delete", is_dir=False, distrusted=distrusted)
        if not self.found.notices and self.folder:
            self.found.add(self.folder, is_dir=True, distrusted=distrusted)

    def owner_deleted(self) -> None:
        if self.folder:
            self.found.add(self.folder, "delete", is_dir=True)


def parse(name: str, received: Received) -> Parsed:
    """Return what a call of the application ``name`` says."""
    return parse_data(name, received.data())


def parse_data(name: str, data: Any) -> Parsed:
    """Return what a body, already read, says; the shape of another application is known by its owner."""
    if not isinstance(data, dict):
        raise Rejected("call_not_an_object")
    event = plain(data.get("eventType"))
    if not event:
        raise Rejected("call_no_event")
    if NOTHING.match(event.lower()):
        return Parsed(event, code="call_event_without_change")
    known = [SHAPES[name], *SHAPES.values()]
    shape = next((each for each in known if isinstance(data.get(each.owner), dict)), known[0])
    body = Body(data, shape)
    act = _act(event.lower(), body)
    if act is None:
        return Parsed(event, code="call_event_unknown")
    keeps = str(data.get("deletedFiles")).lower() in ("false", "0")
    if keeps and act in (body.owner_deleted, body.look_at_folder):
        return Parsed(event, code="call_files_kept")
    act()
    # Sportarr deletes a series without a path when it only forgets it.
    return body.found.parsed(event, "call_no_path" if act == body.owner_deleted else "")


def _act(event: str, body: Body) -> Callable[[], None] | None:
    """Return what to do for an event."""
    for pattern, act in (
        (FILE_DELETED, body.file_deleted),
        (RENAMED, body.renamed),
        (RETAGGED, body.retagged),
        (IMPORTED, body.imported),
    ):
        if pattern.match(event):
            return act
    if deleted := DELETED.match(event):
        # What belongs to the owner (album, book) has no path of its own.
        return body.owner_deleted if deleted.group(1) == body.shape.owner else body.look_at_folder
    return None


sonarr, radarr, lidarr, readarr = (partial(parse, name) for name in SHAPES)

"""What the fake Emby and the fake Jellyfin have in common."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
import uuid
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from .server import FakeServer, Library, Request, Response, as_json

TYPES = {"movies": "Movie", "tvshows": "Episode", "music": "Audio", "": "Video"}


class FakeMediaBrowser(FakeServer):
    """Its library monitor looks at once; a path that is gone makes it look at the first folder above that exists."""

    default_library: ClassVar[str] = "movies"
    accepted: ClassVar[int]
    tells = True  # False: as a Jellyfin does whose token is an API key: its websocket says nothing of the library

    def __init__(self, libraries: Sequence[Library], token: str = "fake-token", port: int = 0) -> None:
        super().__init__(libraries, token, port)
        self.saved: dict[str, float] = {}  # path → when the item was saved (seconds)

    @abstractmethod
    def about(self) -> dict[str, Any]: ...

    def numbered(self, libraries: Sequence[Library]) -> Iterable[Library]:
        for library in libraries:
            library.key = library.key or item_id("CollectionFolder", f"root\\default\\{library.title}")
            yield library

    def answer(self, request: Request) -> Response:
        match request.method, *request.path.strip("/").split("/"):
            case "GET", "System", "Info":
                return as_json(self.about())
            case "GET", "ScheduledTasks":
                return as_json(self._tasks())
            case "GET", "Items":
                return as_json(self._items(request))
            case "GET", "socket" | "embywebsocket" if request.headers.get("upgrade") == "websocket":
                return Response(101)
            case "POST", "Library", "Media", "Updated":
                return self._updated(request)
            case "POST", "Items", key, "Refresh" if plain(key) in self.libraries:
                library, before = self.libraries[plain(key)], self.known
                for path in library.paths:
                    library.look(path)
                self._changed(self.known - before)
                return Response(self.accepted)
            case "POST", "Items", key, "Refresh" if plain(key) in self._ids():
                return Response(self.accepted)
        return Response(404)

    def _ids(self) -> set[str]:
        libraries = self.libraries.values()
        return {_item(path, 0, library)["Id"] for library in libraries for path in library.known}

    def folders(self) -> list[dict[str, Any]]:
        return [
            {
                "Name": library.title,
                "Locations": library.paths,
                **({"CollectionType": library.kind} if library.kind else {}),
                "LibraryOptions": {"PathInfos": [{"Path": path} for path in library.paths]},
                "ItemId": library.key,
                "RefreshStatus": "Active" if library.scanning else "Idle",
            }
            for library in self.libraries.values()
        ]

    def _tasks(self) -> list[dict[str, Any]]:
        scanning = any(library.scanning for library in self.libraries.values())
        names = {"CleanActivityLog": "Activiteitenlogboek legen", "RefreshLibrary": "Mediabibliotheek scannen"}
        return [
            {
                "Name": name,
                "State": "Running" if scanning and key == "RefreshLibrary" else "Idle",
                "Id": hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(),
                "Triggers": [],
                "Description": "",
                "Category": "",
                "IsHidden": False,
                "Key": key,
            }
            for key, name in names.items()
        ]

    def _updated(self, request: Request) -> Response:
        try:
            updates = json.loads(request.body)["Updates"]
            paths = [update["Path"] for update in updates]
        except (ValueError, KeyError, TypeError):
            return Response(400, b"Value cannot be null.", "text/plain")
        before = self.known
        for path in paths:
            for library in self.libraries.values():
                while library.owns(path) and not os.path.exists(path):
                    library.look(path)
                    path = os.path.dirname(path)
                if library.owns(path):
                    library.look(path)
        self._changed(self.known - before)
        return Response(self.accepted)

    def _changed(self, new: set[str]) -> None:
        """Remember when what is new was saved, and say so to those who are told."""
        items = [item for item in self._items(Request("GET", "/Items", (), {}))["Items"] if item["Path"] in new]
        for item in items:
            self.saved[item["Path"]] = time.time()
        if items and self.tells:
            about = {"ItemsAdded": [item["Id"] for item in items], "ItemsRemoved": [], "ItemsUpdated": []}
            folders = {"FoldersAddedTo": [], "FoldersRemovedFrom": [], "CollectionFolders": [], "IsEmpty": False}
            self.sockets.push({"MessageType": "LibraryChanged", "MessageId": "1" * 32, "Data": {**about, **folders}})

    def _items(self, request: Request) -> dict[str, Any]:
        parent, ids = plain(request.value("ParentId")), request.values("Ids")
        found = [
            _item(path, added, library)
            for library in self.libraries.values()
            if parent in ("", library.key)
            for path, added in sorted(library.known.items(), key=lambda each: each[1], reverse=True)
        ]
        wanted = {plain(each) for value in ids for each in value.split(",")}
        term, path = request.value("SearchTerm").lower(), request.value("Path") if self.kind == "Emby" else ""
        found = [item for item in found if term in item["Name"].lower() and path in ("", item["Path"])]
        if since := request.value("MinDateLastSaved"):
            then = dt.datetime.fromisoformat(since).timestamp()
            found = [item for item in found if self.saved.get(item["Path"], 0) >= then]
        if request.value("SortOrder") == "Ascending":
            found.reverse()
        if ids:
            found = [item for item in found if item["Id"] in wanted]
        start, limit = int(request.value("StartIndex", "0")), int(request.value("Limit", "0")) or len(found)
        return {"Items": found[start : start + limit], "TotalRecordCount": len(found)}


def _item(path: str, added: float, library: Library) -> dict[str, Any]:
    kind = TYPES[library.kind]
    full = {"Movie": "Movies.Movie", "Episode": "TV.Episode", "Audio": "Audio.Audio"}.get(kind, kind)
    when = dt.datetime.fromtimestamp(added, dt.UTC)
    return {
        "Name": os.path.basename(path).split(" (", 1)[0].split(".", 1)[0],
        "Id": item_id(full, path),
        "DateCreated": when.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "Path": path,
        "IsFolder": False,
        "Type": kind,
        "ImageTags": {"Primary": "p1"},
        **(_numbers(path) if kind == "Episode" else {}),
    }


def _numbers(path: str) -> dict[str, Any]:
    season, show = os.path.split(os.path.dirname(path))[::-1]
    digits = "".join(filter(str.isdigit, season))
    series = item_id("TV.Series", os.path.dirname(os.path.dirname(path)))
    about = {"SeriesName": os.path.basename(show), "ParentIndexNumber": int(digits or 1), "IndexNumber": 1}
    return {**about, "SeriesId": series, "SeriesPrimaryImageTag": "s1"}


def plain(key: str) -> str:
    """Return an id without dashes; the servers take both."""
    return key.replace("-", "")


def item_id(kind: str, path: str) -> str:
    """Return the id of an item as the servers make it."""
    text = f"MediaBrowser.Controller.Entities.{kind}{path}"
    return uuid.UUID(bytes_le=hashlib.md5(text.encode("utf-16-le"), usedforsecurity=False).digest()).hex

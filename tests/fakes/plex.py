"""A fake Plex that keeps to what recorded servers do (the contract tests compare); judged by plexapi.

Its scanner has Plex's habits: only GET, only directories, and a path that does not exist is skipped without a word.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from xml.etree import ElementTree

from .server import FakeServer, Library, Request, Response, as_json, main

LEAVES = {"movie": ("1", "movie"), "show": ("4", "episode"), "artist": ("10", "track"), "photo": ("13", "photo")}
ELEMENTS = {"movie": "Video", "episode": "Video", "track": "Track", "photo": "Photo"}  # JSON says "Metadata" for all
AGENTS = {"movie": "tv.plex.agents.movie", "show": "tv.plex.agents.series", "artist": "tv.plex.agents.music"}
SCANNERS = {"movie": "Plex Movie", "show": "Plex TV Series", "artist": "Plex Music", "photo": "Plex Photo Scanner"}


class FakePlex(FakeServer):
    kind: ClassVar[str] = "Plex"
    default_library: ClassVar[str] = "movie"
    version = "1.41.0.8992-8463ad060"

    def __init__(self, libraries: Sequence[Library], token: str = "fake-token", port: int = 0) -> None:
        super().__init__(libraries, token, port)
        self.added: dict[str, int] = {}  # path → when it was taken in (seconds); others: when the file was made

    def numbered(self, libraries: Sequence[Library]) -> Iterable[Library]:
        for number, library in enumerate(libraries, 1):
            library.key = library.key or str(number)
            yield library

    def authorised(self, request: Request) -> bool:
        token = request.headers.get("x-plex-token") or request.value("X-Plex-Token")
        return request.path == "/identity" or token == self.token

    def refuse(self) -> Response:
        return Response(401, b"<html><head><title>Unauthorized</title></head></html>", "text/html")

    def answer(self, request: Request) -> Response:
        if request.method == "PUT":
            return self._put(request)
        if request.method != "GET":
            return Response(404, b"<html><head><title>Not Found</title></head></html>", "text/html")
        if request.path == "/:/websockets/notifications":
            return Response(101 if request.headers.get("upgrade") == "websocket" else 400)
        found: dict[str, Any] | None
        match request.path.strip("/").split("/"):
            case [""] | ["identity"]:
                found = self._about()
            case ["library"]:
                found = {"size": 0, "title1": "Plex Library", "identifier": "com.plexapp.plugins.library"}
            case ["library", "sections"] | ["library", "sections", "all"]:
                found = {"allowSync": False, "title1": "Plex Library", "Directory": self._sections()}
            case ["activities"]:
                found = {"Activity": self._activities()}
            case ["library", "sections", key, "refresh"] if key in self.libraries:
                self._scan(self.libraries[key], request)
                return Response(200, b"", "text/html")
            case ["library", "metadata", keys]:
                if not (found := self._metadata(keys.split(","))):
                    return Response(404, b"<html><head><title>Not Found</title></head></html>", "text/html")
            case ["library", "sections", key, "all"] if key in self.libraries:
                found = self._items(self.libraries[key], request)
            case _:
                return Response(404, b"<html><head><title>Not Found</title></head></html>", "text/html")
        return self._container(found, request)

    def _put(self, request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case ["library", "metadata", _, "refresh" | "analyze"]:
                return Response(200, b"", "text/html")
            case ["library", "sections", key, "emptyTrash"] if key in self.libraries:
                self.libraries[key].trash.clear()
                return Response(200, b"", "text/html")
        return Response(404, b"<html><head><title>Not Found</title></head></html>", "text/html")

    # -- Parts of answers

    def _about(self) -> dict[str, Any]:
        return {
            "apiVersion": "1.2.2",
            "claimed": True,
            "friendlyName": "Fake Plex",
            "machineIdentifier": "f" * 40,
            "myPlex": False,
            "platform": "Linux",
            "version": self.version,
        }

    def _sections(self) -> list[dict[str, Any]]:
        return [
            {
                "allowSync": True,
                "filters": True,
                "refreshing": library.scanning,
                "key": library.key,
                "type": library.kind,
                "title": library.title,
                "agent": AGENTS.get(library.kind, "com.plexapp.agents.none"),
                "scanner": SCANNERS[library.kind],
                "language": "en-US",
                "uuid": f"00000000-0000-0000-0000-{int(library.key):012d}",
                "updatedAt": 1788414024,
                "createdAt": 1773817126,
                "scannedAt": 1788413969,
                "content": True,
                "directory": True,
                "contentChangedAt": 3048979,
                "hidden": 0,
                "Location": [{"id": n, "path": path} for n, path in enumerate(library.paths, 1)],
            }
            for library in self.libraries.values()
        ]

    def _activities(self) -> list[dict[str, Any]]:
        return [
            {
                "uuid": "c30c1edc-8df0-4713-a7f1-f1373f6db8e9",
                "type": "library.update.section",
                "cancellable": False,
                "userID": 1,
                "title": "Scanning",
                "subtitle": library.title,
                "progress": 10,
                "Context": {"librarySectionID": library.key},
            }
            for library in self.libraries.values()
            if library.scanning
        ]

    def _scan(self, library: Library, request: Request) -> None:
        asked = request.values("path")
        for path in asked or library.paths:
            if library.owns(path) and "//" not in path and os.path.isdir(path):
                before = set(library.known)
                library.look(path)
                for new in sorted(set(library.known) - before):
                    self.added[new] = int(time.time())
                    self.sockets.push(*timeline(library, new))

    def _items(self, library: Library, request: Request) -> dict[str, Any]:
        leaf, name = LEAVES[library.kind]
        term, found = request.value("file"), []
        if request.value("type", leaf) == leaf:
            by_age = sorted(library.known.items(), key=lambda each: self.added.get(*each), reverse=True)
            found = [self._item(name, *each) for each in by_age if term in each[0]]
            found += [{**self._item(name, path, 0), "deletedAt": 1} for path in library.trash if term in path]
        start, size = (int(request.value(f"X-Plex-Container-{part}", "0")) for part in ("Start", "Size"))
        page = found[start : start + size] if size else found
        return {"offset": start, "totalSize": len(found), "librarySectionID": int(library.key), "Metadata": page}

    def _metadata(self, keys: Sequence[str]) -> dict[str, Any]:
        found = [
            {**self._item(LEAVES[library.kind][1], path, added), "librarySectionID": int(library.key)}
            for library in self.libraries.values()
            for path, added in library.known.items()
            if str(rating_key(path)) in keys
        ]
        return {"Metadata": found} if found else {}

    def _item(self, name: str, path: str, added: float) -> dict[str, Any]:
        number, key = rating_key(path), f"/library/metadata/{rating_key(path)}"
        part = {"id": number, "key": f"/library/parts/{number}", "file": path, "size": 1}
        about = {
            "ratingKey": str(number),
            "key": key,
            "type": name,
            "title": os.path.splitext(os.path.basename(path))[0],
            "addedAt": self.added.get(path, int(added)),
            "thumb": f"{key}/thumb/1",
        }
        if name == "episode":
            season, show = os.path.split(os.path.dirname(path))[::-1]
            digits = "".join(filter(str.isdigit, season))
            about |= {"grandparentTitle": os.path.basename(show), "parentIndex": int(digits or 1), "index": 1}
            about |= {"grandparentThumb": "/library/metadata/7/thumb/1"}
        return {**about, "Media": [{"id": number, "Part": [part]}]}

    def _container(self, found: Mapping[str, Any], request: Request) -> Response:
        lists = [value for value in found.values() if isinstance(value, list)]
        # Plex leaves an empty list out.
        kept = {key: value for key, value in found.items() if value != []}
        container = {"size": sum(map(len, lists)), **kept}
        if "json" in request.headers.get("accept", ""):
            return as_json({"MediaContainer": container})
        return Response(200, ElementTree.tostring(to_xml("MediaContainer", container), "utf-8"), "text/xml")


def rating_key(path: str) -> int:
    """Return the number of an item; Plex counts, but a fake that forgets nothing needs no counter."""
    return zlib.crc32(os.fsencode(path))


def timeline(library: Library, path: str) -> list[dict[str, Any]]:
    """Return what Plex says while it takes in a file: "processed" three times, as recorded."""
    entry = {
        "identifier": "com.plexapp.plugins.library",
        "sectionID": library.key,
        "itemID": str(rating_key(path)),
        "type": int(LEAVES[library.kind][0]),
        "title": os.path.splitext(os.path.basename(path))[0],
        "updatedAt": int(time.time()),
    }
    states: list[dict[str, Any]] = [{"state": 0, "metadataState": "created"}, {"state": 3}]
    states += [{"state": 5, "mediaState": "analyzing"}, {"state": 5, "mediaState": "thumbnailing"}, {"state": 5}]
    return [
        {"NotificationContainer": {"type": "timeline", "size": 1, "TimelineEntry": [{**entry, **state}]}}
        for state in states
    ]


def to_xml(name: str, data: Mapping[str, Any]) -> ElementTree.Element:
    """Return an answer as Plex writes it in XML: lists and objects are elements, the rest are attributes."""
    element = ElementTree.Element(name)
    for key, value in data.items():
        if isinstance(value, list | dict):
            for each in value if isinstance(value, list) else [value]:
                element.append(to_xml(ELEMENTS.get(str(each.get("type")), key) if key == "Metadata" else key, each))
        else:
            element.set(key, str(int(value)) if isinstance(value, bool) else str(value))
    return element


if __name__ == "__main__":
    main(FakePlex)

"""Plex: what it is asked, and why, stands in docs/servers.md and docs/scans.md.

plexapi is not used here: it speaks XML, asks two or three times where one request is enough, and knows neither our
time limits nor our cap on answers. It judges our fake server in the tests instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from mediasync.core import foreign, paths
from mediasync.core.errors import Permanent
from mediasync.core.http import Params, Session

from .base import (
    Access,
    Again,
    Answer,
    Client,
    Known,
    LibraryInfo,
    ScanTarget,
    ServerInfo,
    Turn,
    field_of,
    holds,
    parent,
    understood,
)
from .listing import MOST_PAGES, Page, find_all
from .plex_items import LEAVES, PlexItems, files

PAGE = 500
NEWEST: Params = (("sort", "addedAt:desc"),)


class PlexClient(PlexItems):
    """A Plex Media Server."""

    unit: ClassVar[Literal["directory", "file"]] = "directory"
    batch: ClassVar[int] = 1

    def __init__(self, access: Access) -> None:
        self._http = Session(
            access.url,
            headers={
                "X-Plex-Token": access.token,
                "X-Plex-Client-Identifier": "mediasync",
                "X-Plex-Product": "mediasync",
                "Accept": "application/json",
            },
            secrets=[access.token],
            connect_timeout=access.connect_timeout,
            read_timeout=access.read_timeout,
            verify=access.verify,
        )
        self._known: list[LibraryInfo] | None = None

    def close(self) -> None:
        self._http.close()

    @understood
    def probe(self) -> ServerInfo:
        about = self._container("/")  # "/identity" would answer without a token
        return ServerInfo(
            str(about.get("friendlyName", "")), field_of(about, "version", str), str(about.get("machineIdentifier", ""))
        )

    @understood
    def libraries(self) -> list[LibraryInfo]:
        found = self._container("/library/sections")
        # A server without any library leaves the list out.
        sections = field_of(found, "Directory", list) if found.get("size") else []
        self._known = [_library(section) for section in sections]
        return self._known

    def scan(self, targets: Sequence[ScanTarget]) -> Answer:
        answer = Answer(0)
        for target in targets:
            # A file makes Plex's scanner give up ("last_write_time: No such file"): name its directory.
            path = foreign.normalise(target.path) if target.is_dir else parent(target.path)
            answer = self._refresh(target.library_key, (("path", paths.to_bytes(path)),))
        return answer

    def refresh_library(self, key: str) -> Answer:
        return self._refresh(key)

    @understood
    def busy(self, key: str) -> bool:
        found = self._container("/library/sections")
        if any(str(each.get("key")) == key and each.get("refreshing") for each in found.get("Directory", ())):
            return True
        activities = self._container("/activities").get("Activity", ())
        return any(_scans(activity, key) for activity in activities)

    @understood
    def knows(self, path: str) -> bool | None:
        path = foreign.normalise(path)
        sections = self._sections_of(path)
        answers = [self._ask(section, path).here for section in sections if section.kind in LEAVES]
        if True in answers:
            return True
        return False if answers and None not in answers and len(answers) == len(sections) else None

    @understood
    def known(self, key: str, paths: Sequence[str], turn: Turn) -> dict[str, Known]:
        section = next((each for each in self._libraries() if each.key == key and each.kind in LEAVES), None)
        if section is None:
            return dict.fromkeys(paths, Known(None))
        return find_all(
            paths,
            lambda start: self._page(section, start),
            lambda path: self._ask(section, foreign.normalise(path)),
            turn,
        )

    @understood
    def titled(self, key: str, title: str) -> list[str]:
        library = next((each for each in self._libraries() if each.key == key), None)
        if library is None or library.kind not in LEAVES:
            return []
        # Of episodes the title is their own; their path holds that of the show, whatever stands between its words.
        word = max(re.findall(r"[A-Za-z0-9]+", title), key=len, default=title)
        return [file for file, _item in _parts(self._items(library, (("file", word),), PAGE))]

    def look_again(self, item: str, how: Again) -> Answer:
        return self._put(f"/library/metadata/{_number(item)}/{how}")

    @understood
    def trash(self, key: str, turn: Turn, most: int) -> int | None:
        section = next((each for each in self._libraries() if each.key == key and each.kind in LEAVES), None)
        count, start = 0, 0
        for _ in range(MOST_PAGES if section else 0):
            turn()
            found = self._items(section, NEWEST, PAGE, start)  # type: ignore[arg-type]
            items = found.get("Metadata", ())
            count, start = count + sum(map(_in_trash, items)), start + PAGE
            if count > most or start >= _total(found):
                return min(count, most + 1)
        return None

    def empty_trash(self, key: str) -> Answer:
        return self._put(f"/library/sections/{_number(key)}/emptyTrash")

    # -- How

    def _container(self, path: str, params: Params = ()) -> dict[str, Any]:
        container: dict[str, Any] = field_of(self._http.get(path, params).json(), "MediaContainer", dict)
        return container

    def _refresh(self, key: str, params: Params = ()) -> Answer:
        # GET: Plex 1.32.7 answered PUT and POST with 404, whatever the document says.
        reply = self._http.get(f"/library/sections/{_number(key)}/refresh", params)
        return Answer(reply.status, self._http.said(reply.body))

    def _put(self, path: str) -> Answer:
        reply = self._http.request("PUT", path)
        return Answer(reply.status, self._http.said(reply.body))

    def _libraries(self) -> list[LibraryInfo]:
        return self.libraries() if self._known is None else self._known

    def _sections_of(self, path: str) -> list[LibraryInfo]:
        return [each for each in self._libraries() if any(holds(place, path) for place in each.paths)]

    def _items(self, library: LibraryInfo, query: Params, limit: int, start: int = 0) -> dict[str, Any]:
        page = (("X-Plex-Container-Start", str(start)), ("X-Plex-Container-Size", str(limit)))
        return self._container(f"/library/sections/{library.key}/all", (("type", LEAVES[library.kind]), *query, *page))

    def _page(self, library: LibraryInfo, start: int) -> Page:
        found = self._items(library, NEWEST, PAGE, start)
        return Page(list(_parts(found)), _total(found))

    def _ask(self, library: LibraryInfo, path: str) -> Known:
        try:
            found = self._items(library, (("file", paths.to_bytes(_term(path))),), PAGE)
        except Permanent as error:
            if error.params.get("status") == 400:  # this server has no such filter
                return Known(None)
            raise
        for file, item in _parts(found):
            if holds(path, file):
                return Known(True, item)
        return Known(False if _total(found) <= PAGE else None)


CLIENT: type[Client] = PlexClient


def _library(section: Any) -> LibraryInfo:
    places = tuple(field_of(place, "path", str) for place in field_of(section, "Location", list))
    key, title = str(field_of(section, "key", str | int)), str(section.get("title", ""))  # type: ignore[arg-type]
    return LibraryInfo(key, title, str(section.get("type", "")), places)


def _scans(activity: Any, key: str) -> bool:
    """Tell whether an activity is a scan of the section; one without a section may be of any, so it counts."""
    if not isinstance(activity, dict) or activity.get("type") != "library.update.section":
        return False
    section = (activity.get("Context") or {}).get("librarySectionID")
    return section is None or str(section) == key


def _number(key: str) -> str:
    if not key.isascii() or not key.isdigit():
        raise Permanent("A Plex library or item is named by a number.", code="server_library_key", key=key)
    return key


def _total(found: dict[str, Any]) -> int:
    return int(found.get("totalSize", found.get("size", 0)))


def _parts(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (file, key of its item) of an answer."""
    for item in found.get("Metadata", ()):
        for file in files(item):
            yield file, str(item.get("ratingKey", ""))


def _in_trash(item: Any) -> bool:
    """Tell whether Plex only keeps it, or one of its versions, until its trash is emptied."""
    media = item.get("Media", ())
    parts = [part for each in media for part in each.get("Part", ())]
    return any(each.get("deletedAt") for each in (item, *media, *parts))


def _term(path: str) -> str:
    """Return what the ``file`` filter is given: all of ``path``, or a piece if it has a comma, which means "or"."""
    return max(path.rsplit("/", 1)[-1].split(","), key=len) if "," in path else path

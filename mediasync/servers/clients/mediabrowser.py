"""What Emby and Jellyfin have in common: both grew out of MediaBrowser and still answer to the same words."""

from __future__ import annotations

import datetime as dt
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from mediasync.core import foreign, paths
from mediasync.core.errors import Permanent
from mediasync.core.http import Params, Reply, Session

from .base import (
    Access,
    Again,
    Answer,
    Known,
    LibraryInfo,
    RecentItem,
    ScanTarget,
    ServerInfo,
    Turn,
    field_of,
    holds,
    parent,
    understood,
)
from .listing import PAGE, Page, find_all
from .mediabrowser_items import MediaBrowserItems, item_of

MOST_RECENT = 300
NEWEST: Params = (("SortBy", "DateCreated"), ("SortOrder", "Descending"))


class MediaBrowserClient(MediaBrowserItems):
    """Base of EmbyClient and JellyfinClient; the names of parameters are passed through ``_name``."""

    unit: ClassVar[Literal["directory", "file"]] = "file"
    batch: ClassVar[int] = 500

    def __init__(self, access: Access) -> None:
        self._http = Session(
            access.url,
            headers={**self._authorization(access.token), "Accept": "application/json"},
            secrets=[access.token],
            connect_timeout=access.connect_timeout,
            read_timeout=access.read_timeout,
            verify=access.verify,
        )

    def close(self) -> None:
        self._http.close()

    @understood
    def probe(self) -> ServerInfo:
        about = self._call("GET", "/System/Info").json()  # not /Public: that answers without a token
        self._check_product(str(about.get("ProductName") or ""))
        version = field_of(about, "Version", str)
        return ServerInfo(str(about.get("ServerName", "")), version, str(about.get("Id", "")))

    @understood
    def libraries(self) -> list[LibraryInfo]:
        return [
            LibraryInfo(
                str(folder.get("ItemId") or folder.get("Id") or field_of(folder, "Name", str)),
                str(folder.get("Name", "")),
                str(folder.get("CollectionType") or ""),
                tuple(_text(place) for place in field_of(folder, "Locations", list)),
            )
            for folder in self._folders()
        ]

    def scan(self, targets: Sequence[ScanTarget]) -> Answer:
        updates = [_update(target) for target in targets]
        reply = self._call("POST", "/Library/Media/Updated", body={"Updates": updates})
        return Answer(reply.status, self._http.said(reply.body))

    def refresh_library(self, key: str) -> Answer:
        return self._refresh_item(key)

    @understood
    def titled(self, key: str, title: str) -> list[str]:
        query: Params = (("SearchTerm", title), ("Fields", "Path"), ("Limit", "100"))
        return [_text(item["Path"]) for item in self._items((*self._in(key), *query))["Items"] if item.get("Path")]

    def look_again(self, item: str, how: Again) -> Answer:
        if how != "refresh":
            raise Permanent("This kind of server analyzes nothing on request.", code="server_cannot", what=how)
        return self._refresh_item(item)

    def trash(self, key: str, turn: Turn, most: int) -> int | None:
        return None  # what is gone is gone at once

    def empty_trash(self, key: str) -> Answer:
        raise Permanent("This kind of server has no trash.", code="server_cannot", what="trash")

    def _refresh_item(self, key: str) -> Answer:
        names = ("MetadataRefreshMode", "ImageRefreshMode")
        params = [(self._name(name), "Default") for name in names]
        params += [(self._name(name), "false") for name in ("ReplaceAllMetadata", "ReplaceAllImages")]
        if not re.fullmatch(r"[0-9A-Za-z-]+", key):
            raise Permanent("An item is named by letters and digits.", code="server_library_key", key=key)
        reply = self._call("POST", f"/Items/{self._id(key)}/Refresh", (*self._recursive_refresh(), *params))
        return Answer(reply.status, self._http.said(reply.body))

    @understood
    def busy(self, key: str) -> bool:
        # Known by Key: the Name is translated.
        for task in self._call("GET", "/ScheduledTasks").json():
            if task.get("Key") == "RefreshLibrary" and task.get("State") != "Idle":
                return True
        return any(
            str(folder.get("ItemId") or folder.get("Id")) == key and folder.get("RefreshStatus") in ("Active", "Queued")
            for folder in self._folders()
        )

    @understood
    def knows(self, path: str) -> bool | None:
        path = foreign.normalise(path)
        known = self._ask("", path)
        return known.here if known.here is not None else self._in_whole_library(path)

    @understood
    def known(self, key: str, paths: Sequence[str], turn: Turn) -> dict[str, Known]:
        return find_all(paths, lambda start: self._page(key, start), lambda path: self._ask(key, path), turn)

    @understood
    def recent(self, since: dt.datetime) -> list[RecentItem]:
        found = []
        for library in self.libraries():
            fields = self._list("Fields", "Path", "DateCreated")
            page = self._items((*self._in(library.key), *fields, *NEWEST, ("Limit", str(MOST_RECENT))))
            for item in field_of(page, "Items", list):
                each = item_of(item, library.key)
                if each is not None and each.added_at >= since:
                    found.append(each)
        return sorted(found, key=lambda item: item.added_at, reverse=True)

    # -- What differs

    @abstractmethod
    def _exactly(self, path: str) -> Params:
        """Return the query for the items at just this path."""

    @abstractmethod
    def _authorization(self, token: str) -> dict[str, str]:
        """Return the headers that carry the token."""

    @abstractmethod
    def _check_product(self, product: str) -> None:
        """Raise Permanent if the server says it is something else."""

    @abstractmethod
    def _folders(self) -> list[dict[str, Any]]:
        """Ask for all libraries."""

    @abstractmethod
    def _name(self, name: str) -> str:
        """Return the name of a query parameter as this server's document spells it."""

    def _id(self, key: str) -> str:
        """Return a library's key as it is sent."""
        return key

    @abstractmethod
    def _list(self, name: str, *values: str) -> Params:
        """Return a parameter with several values."""

    def _recursive_refresh(self) -> Params:
        return ()

    # -- How

    def _call(self, method: str, path: str, params: Params = (), body: Any = None) -> Reply:
        return self._http.request(method, path, params, body)

    def _items(self, query: Params) -> dict[str, Any]:
        """Return one page of /Items below the ParentId in ``query`` (recursive, without pictures and user data)."""
        lean = (("Recursive", "true"), ("EnableImages", "false"), ("EnableUserData", "false"))
        found = self._call("GET", "/Items", [(self._name(name), value) for name, value in (*query, *lean)]).json()
        field_of(found, "Items", list)
        return dict(found)

    def _in(self, key: str) -> Params:
        return (("ParentId", self._id(key)),) if key else ()

    def _page(self, key: str, start: int) -> Page:
        query = (*self._in(key), ("Fields", "Path"), *NEWEST, ("StartIndex", str(start)), ("Limit", str(PAGE)))
        found = self._items(query)
        files = [(item["Path"], str(item.get("Id", ""))) for item in found["Items"] if item.get("Path")]
        return Page(files, field_of(found, "TotalRecordCount", int))

    def _ask(self, key: str, path: str) -> Known:
        """Look for one path: by itself, then among items of its title. Not to be found so proves nothing."""
        title = _title(path)
        by_title: Params = (("SearchTerm", title), ("Limit", "100"))
        for query in (self._exactly(path), by_title if title else ()):
            found = self._items((*self._in(key), *query, ("Fields", "Path")))["Items"] if query else ()
            for item in found:
                if item.get("Path") and holds(path, item["Path"]):
                    return Known(True, str(item.get("Id", "")))
        return Known(None)

    def _in_whole_library(self, path: str) -> bool | None:
        """Look through the libraries that hold ``path``, newest first; None if one is longer than a page."""
        complete: bool | None = None
        for library in self.libraries():
            if any(holds(place, path) for place in library.paths):
                page = self._page(library.key, 0)
                if any(holds(path, file) for file, _item in page.files):
                    return True
                complete = complete is not False and page.total <= PAGE
        return False if complete else None


def _text(place: Any) -> str:
    if not isinstance(place, str):
        raise TypeError("a folder is named by text")
    return place


def _update(target: ScanTarget) -> dict[str, str]:
    """Return one update. A name that is not UTF-8 cannot be said in JSON: the folder above it is named instead."""
    path, update = foreign.normalise(target.path), str(target.update)
    while not _sayable(path):
        path, update = parent(path), "Modified"
    return {"Path": path, "UpdateType": update}


def _sayable(path: str) -> bool:
    """Tell whether the path is UTF-8 text to the system too."""
    try:
        return paths.to_bytes(path).decode() == path
    except UnicodeDecodeError:
        return False


def _title(path: str) -> str:
    """Guess what an item at ``path`` is called: its last component up to a year, a bracket or the suffix."""
    name = (foreign.split(path).names or ("",))[-1]
    for stop in (" (", " [", " {", " - ", "."):
        name = name.split(stop, 1)[0] or name
    return name.strip()


def wrong_kind(product: str) -> Permanent:
    """Return the error for a server that is another kind."""
    return Permanent(f"This is {product}: choose that kind.", code="server_wrong_kind", product=product)

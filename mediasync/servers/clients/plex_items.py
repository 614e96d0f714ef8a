"""Items as Plex describes them, and which of them are new."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from mediasync.core.errors import Permanent
from mediasync.core.http import Params
from mediasync.core.texts import small_number

from .base import LibraryInfo, RecentItem, understood

LEAVES = {"movie": "1", "show": "4", "artist": "10", "photo": "13"}  # section type → type of what has files
RECENT_PAGE, MOST_RECENT = 50, 5000  # items of a section: asked for at once, and looked through at most


class PlexItems(ABC):
    """What PlexClient answers about newly added items."""

    dates_arrivals: ClassVar[bool] = True  # addedAt is when Plex took it in

    @understood
    def recent(self, since: dt.datetime) -> list[RecentItem]:
        found: list[RecentItem] = []
        for library in self._libraries():
            if library.kind in LEAVES:
                found += self._newest(library, since)
        return sorted(found, key=lambda item: item.added_at, reverse=True)

    @understood
    def items(self, keys: Sequence[str]) -> list[RecentItem]:
        wanted = [key for key in keys if key.isascii() and key.isdigit()]
        try:
            found = self._container(f"/library/metadata/{','.join(wanted)}") if wanted else {}
        except Permanent as error:
            if error.params.get("status") == 404:  # none of them is there any more
                return []
            raise
        return list(_all(found))

    def keys(self, since: dt.datetime | None) -> Iterator[str]:
        """See the protocol."""
        return iter(()) if since is None else iter(dict.fromkeys(item.key for item in self.recent(since)))

    @abstractmethod
    def _container(self, path: str, params: Params = ()) -> dict[str, Any]: ...

    @abstractmethod
    def _libraries(self) -> list[LibraryInfo]: ...

    def _newest(self, library: LibraryInfo, since: dt.datetime) -> Iterator[RecentItem]:
        """Yield what a section took in since then, page by page until one ends with something older."""
        query = (("type", LEAVES[library.kind]), ("sort", "addedAt:desc"))
        size = RECENT_PAGE
        start = 0
        while start < MOST_RECENT:
            page = (("X-Plex-Container-Start", str(start)), ("X-Plex-Container-Size", str(size)))
            found = self._container(f"/library/sections/{library.key}/all", (*query, *page)).get("Metadata", ())
            for item in found:
                yield from (each for each in items_of(item, library.key) if each.added_at >= since)
            if len(found) < size or added_at(found[-1]) < since:
                return
            start, size = start + size, 500


def _all(container: dict[str, Any]) -> Iterator[RecentItem]:
    for item in container.get("Metadata", ()):
        yield from items_of(item, str(item.get("librarySectionID") or container.get("librarySectionID") or ""))


def added_at(item: Any) -> dt.datetime:
    """Return when Plex took an item in."""
    return dt.datetime.fromtimestamp(int(item.get("addedAt", 0)), dt.UTC)


def items_of(item: Any, library_key: str) -> Iterator[RecentItem]:
    """Yield an item once for each of its files; nothing for a show or an album, which have none."""
    episode = item.get("type") == "episode"
    added = added_at(item)
    for file in files(item):
        yield RecentItem(
            key=str(item.get("ratingKey", "")),
            title=str(item.get("title", "")),
            path=file,
            library_key=library_key,
            added_at=added,
            kind=str(item.get("type", "")),
            show=str(item.get("grandparentTitle", "")),
            season=small_number(item.get("parentIndex")) if episode else None,
            episode=small_number(item.get("index")) if episode else None,
            year=small_number(item.get("year")),
            picture=_picture(item),
        )


def files(item: Any) -> Iterator[str]:
    """Yield the files of an item; one that lies in the trash has none."""
    for media in () if item.get("deletedAt") else item.get("Media", ()):
        for part in () if media.get("deletedAt") else media.get("Part", ()):
            if part.get("file") and not part.get("deletedAt"):
                yield str(part["file"])


def _picture(item: Any) -> str:
    """Return the poster: of an episode, its show's. An address elsewhere is left out."""
    for name in ("grandparentThumb", "parentThumb", "thumb"):
        found = str(item.get(name) or "")
        if found.startswith("/") and not found.startswith("//"):
            return found
    return ""

"""Items as Emby and Jellyfin describe them, and which of them are new."""

from __future__ import annotations

import datetime as dt
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from mediasync.core.http import Params, Reply
from mediasync.core.texts import small_number

from .base import RecentItem, field_of, understood

KEYS = 2000  # ids a page
KINDS = {"Audio": "track", "MusicVideo": "video"}  # their word → ours, where lower case is not enough


class MediaBrowserItems(ABC):
    """What EmbyClient and JellyfinClient answer about newly added items."""

    # DateCreated may be the date of the file (Jellyfin's default), which can be years ago.
    dates_arrivals: ClassVar[bool] = False
    _asked: ClassVar[tuple[str, ...]] = ("Path", "DateCreated")  # beyond what it says anyhow

    @understood
    def items(self, keys: Sequence[str]) -> list[RecentItem]:
        if not (wanted := [self._spelled(key) for key in keys if key.isascii() and key.isalnum()]):
            return []
        query = (*self._list("Ids", *wanted), *self._list("Fields", *self._asked))
        found = self._asked_items((*query, ("Limit", str(len(wanted)))))
        return [each for item in found if (each := item_of(item)) is not None]

    def keys(self, since: dt.datetime | None) -> Iterator[str]:
        """See the protocol."""
        saved = (("MinDateLastSaved", since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),) if since else ()
        # Oldest first: what comes in meanwhile stands at the end and shifts no page.
        order = (*self._list("Filters", "IsNotFolder"), ("SortBy", "DateCreated"), ("SortOrder", "Ascending"))
        start = 0
        while page := self._keys_at((*saved, *order), start):
            yield from page
            start += len(page)

    @understood
    def _keys_at(self, query: Params, start: int) -> list[str]:
        lean = (("EnableImages", "false"), ("EnableUserData", "false"))
        found = self._asked_items((*query, *lean, ("StartIndex", str(start)), ("Limit", str(KEYS))))
        return [field_of(item, "Id", str) for item in found]

    def _spelled(self, key: str) -> str:
        """Return the id of an item as it is sent."""
        return key

    def _asked_items(self, query: Params) -> list[dict[str, Any]]:
        params = [(self._name(name), value) for name, value in (("Recursive", "true"), *query)]
        items: list[dict[str, Any]] = field_of(self._call("GET", "/Items", params).json(), "Items", list)
        return items

    @abstractmethod
    def _call(self, method: str, path: str, params: Params = (), body: Any = None) -> Reply: ...

    @abstractmethod
    def _name(self, name: str) -> str: ...

    @abstractmethod
    def _list(self, name: str, *values: str) -> Params: ...


def item_of(item: Any, library_key: str = "") -> RecentItem | None:
    """Return an item that has a file, None for a folder and for an episode that is only known to be missing."""
    added, kind = time_of(item.get("DateCreated")), str(item.get("Type", ""))
    if item.get("IsFolder") or not item.get("Path") or item.get("LocationType") == "Virtual":
        return None
    episode = kind == "Episode"
    return RecentItem(
        key=same_key(field_of(item, "Id", str)),
        title=str(item.get("Name", "")),
        path=str(item["Path"]),
        library_key=library_key,
        added_at=added or dt.datetime.fromtimestamp(0, dt.UTC),
        kind=KINDS.get(kind, kind.lower()),
        show=str(item.get("SeriesName") or item.get("AlbumArtist") or ""),
        season=small_number(item.get("ParentIndexNumber")) if episode else None,
        episode=small_number(item.get("IndexNumber")) if episode else None,
        year=small_number(item.get("ProductionYear")),
        picture=_picture(item),
    )


def same_key(key: str) -> str:
    """Return an id the one way in which it is stored: Jellyfin says a UUID with and without dashes."""
    try:
        return uuid.UUID(key).hex
    except ValueError:
        return key


def time_of(value: Any) -> dt.datetime | None:
    """Return "2026-08-05T09:03:55.5251713Z" (seven digits of a second) as a time."""
    text = str(value or "").removesuffix("Z").split("+", 1)[0]
    head, _, fraction = text.partition(".")
    try:
        return dt.datetime.fromisoformat(f"{head}.{fraction[:6]:0<6}").replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def _picture(item: Any) -> str:
    """Return the poster, which these servers show without a token: of an episode, its show's."""
    series, tag = item.get("SeriesId"), item.get("SeriesPrimaryImageTag")
    if not (series and tag):
        series, tag = item.get("Id"), (item.get("ImageTags") or {}).get("Primary")
    return f"/Items/{series}/Images/Primary?tag={tag}" if series and tag else ""

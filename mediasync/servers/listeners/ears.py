"""What each kind of server says over its websocket, and which items that is about.

Messages are hints: they say which items to ask for. A kind without an ear is asked now and then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mediasync.core.texts import plain
from mediasync.servers.clients.base import Access

PLEX_LIBRARY = "com.plexapp.plugins.library"  # others (a TV guide) speak of things that are in no library
CREATED, PROCESSED, DELETED = 0, 5, 9
DEVICE = "mediasync"


@dataclass(frozen=True, slots=True)
class Heard:
    """An item that a message is about."""

    key: str
    ready: bool = True  # False: the server still works on it
    made: bool = False  # the message says that it is new


@dataclass(frozen=True, slots=True)
class Ear:
    """How to listen to a kind of server. ``path`` and ``headers`` are made for an Access."""

    path: Callable[[Access], str]
    headers: Callable[[Access], tuple[str, ...]]
    items: Callable[[Any], Iterator[Heard]]
    keep_alive: str = ""  # the server ends a connection without it
    tells_all: bool = False  # to whoever may connect; else it shows only when it first tells of an item

    def hear(self, text: str) -> list[Heard]:
        """Return the items that a message is about; what cannot be understood is about none."""
        try:
            return list(self.items(json.loads(text)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return []


def plex_items(message: Any) -> Iterator[Heard]:
    """Yield the items of a timeline message; ids are numbers or text, by version. 5 repeats, -1 and 9 mean removal."""
    container = message.get("NotificationContainer", message)
    if container.get("type") != "timeline":
        return
    for entry in container.get("TimelineEntry", ()):
        state = int(entry.get("state", -1))
        if entry.get("identifier") != PLEX_LIBRARY or state == DELETED or int(entry.get("type", 0)) < 0:
            continue
        made = state == CREATED or entry.get("metadataState") == "created"
        if key := _key(entry.get("itemID")):
            yield Heard(key, state == PROCESSED, made)


def mediabrowser_items(message: Any) -> Iterator[Heard]:
    """Yield what was added, by Emby or Jellyfin. A message about many items may name folders too."""
    if message.get("MessageType") == "LibraryChanged":
        for each in message["Data"].get("ItemsAdded", ()):
            if key := _key(each):
                yield Heard(key, made=True)


def _key(value: Any) -> str:
    return plain(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


KEEP_ALIVE = json.dumps({"MessageType": "KeepAlive"})
EARS = {
    "plex": Ear(
        lambda access: "/:/websockets/notifications",
        lambda access: (f"X-Plex-Token: {access.token}",),
        plex_items,
        tells_all=True,
    ),
    "jellyfin": Ear(
        lambda access: f"/socket?deviceId={DEVICE}",
        lambda access: (f'Authorization: MediaBrowser Token="{access.token}"',),
        mediabrowser_items,
        KEEP_ALIVE,
    ),
    "emby": Ear(
        lambda access: f"/embywebsocket?api_key={quote(access.token, safe='')}&deviceId={DEVICE}",
        lambda access: (f"X-Emby-Token: {access.token}",),
        mediabrowser_items,
        KEEP_ALIVE,
    ),
}

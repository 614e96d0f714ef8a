"""Jellyfin: what it is asked, and why, stands in docs/servers.md and docs/scans.md."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from mediasync.core.errors import Permanent
from mediasync.core.http import Params

from .base import Client
from .mediabrowser import MediaBrowserClient, wrong_kind

ENTITIES = "MediaBrowser.Controller.Entities."
TYPES = (
    "Movies.Movie",
    "TV.Episode",
    "TV.Series",
    "TV.Season",
    "Video",
    "MusicVideo",
    "Trailer",
    "Audio.Audio",
    "Audio.MusicAlbum",
    "Audio.MusicArtist",
    "AudioBook",
    "Book",
    "Photo",
    "PhotoAlbum",
    "Folder",
)


class JellyfinClient(MediaBrowserClient):
    """A Jellyfin server. 503 ("still starting", since 10.11) is Transient like every 5xx."""

    def _exactly(self, path: str) -> Params:
        # There is no filter by path, but the id of an item is made from its path and type.
        return self._list("Ids", *item_ids(path))

    def _authorization(self, token: str) -> dict[str, str]:
        # The only way that works from 10.x to 12: X-Emby-Token and api_key are switched off by and by.
        return {"Authorization": f'MediaBrowser Token="{token}"'}

    def _check_product(self, product: str) -> None:
        if not product:
            raise wrong_kind("Emby")

    def _name(self, name: str) -> str:
        return name[0].lower() + name[1:]

    def _list(self, name: str, *values: str) -> Params:
        return tuple((name, value) for value in values)

    def _id(self, key: str) -> str:
        try:
            return str(uuid.UUID(key))  # it says ids without dashes, its document wants them with
        except ValueError:
            raise Permanent("A Jellyfin library is named by a UUID.", code="server_library_key", key=key) from None

    def _spelled(self, key: str) -> str:
        try:
            return self._id(key)
        except Permanent:
            return key

    def _folders(self) -> list[dict[str, Any]]:
        found = self._call("GET", "/Library/VirtualFolders").json()
        if not isinstance(found, list):
            raise Permanent("The answer is no list: is this the right kind of server?", code="server_shape")
        return found


CLIENT: type[Client] = JellyfinClient


def item_id(type_name: str, path: str) -> str:
    """Return the id that Jellyfin gives to an item: the MD5 of type and path in UTF-16, written as a GUID.

    Source: LibraryManager.GetNewItemId; agrees with the recorded id of a library (tests/contracts).
    """
    digest = hashlib.md5(f"{ENTITIES}{type_name}{path}".encode("utf-16-le"), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes_le=digest))


def item_ids(path: str) -> list[str]:
    """Return the ids that an item at ``path`` may have; servers may fold the case of paths first."""
    return [item_id(type_name, each) for each in dict.fromkeys((path, path.lower())) for type_name in TYPES]

"""Playlists that are files: in a folder of ours (people bring them), or at an address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Permanent
from mediasync.core.paths import to_bytes, to_text

from ..errors import ParseError, Unavailable
from . import tracklists
from .base import Page, PlaylistMeta, PlaylistRef, Reach, Tracks
from .fields import address, made_id

ENDINGS = (".m3u", ".m3u8", ".xspf", ".jspf")
PAGE = 200


def folder() -> Path:
    """Return where files lie that people brought."""
    return Path(settings.DATA_DIR) / "playlist-files"


class PlaylistFiles:
    """The plug-in."""

    label = _("Playlist files (M3U, XSPF, JSPF)")
    notice = _("Files that you brought, and those at addresses that you named. Nobody else is asked.")
    pools: ClassVar = ("manual_file",)
    fields: ClassVar = ("folder",)

    def __init__(self, reach: Reach) -> None:
        self._http = reach.http
        self._platform = reach.platform or "file"
        self._folder = to_bytes(str(reach.settings.get("folder") or folder()))

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the list at an address that ends as one of our kinds of file does."""
        parts = address(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.path.lower().endswith(ENDINGS):
            return PlaylistRef("file", made_id("url_", url), url=url)
        return None

    def collect(self, pool: str) -> Iterator[Page]:
        try:
            names = sorted(name for name in os.listdir(self._folder) if _is_list(name))
        except FileNotFoundError:
            names = []
        metas = [PlaylistMeta(self._ref(name), Path(to_text(name)).stem) for name in names]
        for start in range(0, max(1, len(metas)), PAGE):
            yield Page(tuple(metas[start : start + PAGE]), start + PAGE < len(metas), len(metas))

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        content = self._read(ref)
        kind = tracklists.kind_of(content) or (tracklists.M3U if _ends(ref, ".m3u", ".m3u8") else None)
        if kind is None:
            raise ParseError("This is no playlist.", sample=content[:200].decode("utf-8", "replace"))
        found = tracklists.read(content, kind)
        name = found.name or Path(address(ref.url).path).stem if ref.url else found.name
        meta = PlaylistMeta(ref, name, len(found.tracks))
        return Tracks("ok" if found.tracks else "empty", found.tracks, meta)

    def _read(self, ref: PlaylistRef) -> bytes:
        if ref.url.startswith(("http://", "https://")):
            return bytes(self._http.request("GET", ref.url, max_bytes=tracklists.LARGEST).body)
        name = to_bytes(ref.remote_id)
        if b"/" in name or b"\0" in name or not _is_list(name):
            raise Unavailable("This is no file of ours.")
        try:
            with open(os.path.join(self._folder, name), "rb") as file:
                return file.read(tracklists.LARGEST + 1)
        except FileNotFoundError:
            raise Unavailable("The file is gone.") from None
        except OSError as error:
            raise Permanent(f"The file cannot be read: {error.strerror}.", code="file_unreadable") from None

    def _ref(self, name: bytes) -> PlaylistRef:
        return PlaylistRef(self._platform, to_text(name))


def _is_list(name: bytes) -> bool:
    return name.lower().endswith(tuple(each.encode() for each in ENDINGS)) and not name.startswith(b".")


def _ends(ref: PlaylistRef, *endings: str) -> bool:
    return (address(ref.url).path if ref.url else ref.remote_id).lower().endswith(endings)


SOURCE = PlaylistFiles

"""Playlists of a ListenBrainz user, and those that ListenBrainz makes for him. Public ones need no token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import AccessDenied, UsageError

from ..errors import ParseError, Private, Unavailable
from ..http import Http
from ..tolerant import read
from . import tracklists
from .base import Page, PlaylistMeta, PlaylistRef, Reach, Tracks
from .fields import address, rows, table, text, whole

API, SITE = "https://api.listenbrainz.org/1", "https://listenbrainz.org"
PAGE = 25
_ID = re.compile(r"/playlist/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)


class ListenBrainz:
    """The plug-in. ``user`` is whose lists are collected; the secret is a token, for lists that are not public."""

    label = _("ListenBrainz")
    notice = _("A public service of the MetaBrainz Foundation. It is asked as slowly as it wishes.")
    pools: ClassVar = ("own",)
    fields: ClassVar = ("user", "secret", "relay")

    def __init__(self, reach: Reach) -> None:
        self._http: Http = reach.http
        self._user = str(reach.settings.get("user") or "").strip()
        self._headers = {"Authorization": f"Token {reach.secret}"} if reach.secret else {}
        self._platform = reach.platform or "listenbrainz"

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        parts = address(url)
        found = _ID.search(parts.path)
        if found is None or (parts.hostname or "").removeprefix("www.") != "listenbrainz.org":
            return None
        return _ref("listenbrainz", found.group(1).lower())

    def collect(self, pool: str) -> Iterator[Page]:
        if not self._user:
            raise UsageError("Say whose playlists are to be collected.", code="no_user")
        for path in ("playlists", "playlists/createdfor"):
            first = 0
            while True:
                params = [("count", str(PAGE)), ("offset", str(first))]
                found = self._ask(f"/user/{quote(self._user, safe='')}/{path}", params)
                lists, total = rows(found, "playlists"), whole(table(found).get("playlist_count"))
                first += PAGE
                more = bool(lists) and (total is None or first < total)
                yield Page(tuple(filter(None, map(self._meta, lists))), more or path == "playlists", total)
                if not more:
                    break

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        try:
            found = self._ask(f"/playlist/{quote(ref.remote_id, safe='')}", [])
        except (AccessDenied, Unavailable) as error:  # it says the same of a list that is not there
            if self._headers and isinstance(error, AccessDenied) and error.params.get("status") == 401:
                raise
            raise Private("ListenBrainz does not show this list.") from None
        listed = tracklists.of_jspf(found)
        meta = PlaylistMeta(replace(ref, url=f"{SITE}/playlist/{ref.remote_id}"), listed.name, len(listed.tracks))
        return Tracks("ok" if listed.tracks else "empty", listed.tracks, meta)

    def _ask(self, path: str, params: list[tuple[str, str]]) -> Any:
        """Return an answer; when it says that we have used up our questions, the next one waits until it says so."""
        reply = self._http.get(API + path, params, headers=self._headers)
        left, wait = (whole(reply.headers.get(f"X-RateLimit-{name}")) for name in ("Remaining", "Reset-In"))
        if left == 0 and wait:
            self._http.limited(API, "ListenBrainz asks us to wait.", float(wait))
        found = read(reply.body, reply.headers.get("Content-Type", ""))
        if not isinstance(found, dict):
            raise ParseError("ListenBrainz sent no object.", sample=str(found))
        return found

    def _meta(self, found: dict[str, Any]) -> PlaylistMeta | None:
        playlist = table(found, "playlist")
        inside = _ID.search(text(playlist.get("identifier")))
        return PlaylistMeta(_ref(self._platform, inside.group(1)), text(playlist.get("title"))) if inside else None


def _ref(platform: str, mbid: str) -> PlaylistRef:
    return PlaylistRef(platform, mbid, url=f"{SITE}/playlist/{mbid}")


SOURCE = ListenBrainz

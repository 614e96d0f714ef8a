"""Files of a WebDAV server (Nextcloud, ``rclone serve webdav`` in front of any cloud …), by their names."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.utils.translation import gettext_lazy as _

from mediasync.core.addresses import check_base_url

from ..errors import ParseError, Unavailable
from ..fetching import bring
from ..sources.base import Reach, TrackMeta
from . import shelf
from .base import Candidate, Fetch, Tell
from .names import ext_of, guess, is_song

BODY = (
    b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:getcontentlength/></d:prop>'
    b"</d:propfind>"
)
DAV = "{DAV:}"
MOST_FOLDERS = 20_000


class WebDav:
    """The download source ``webdav``: ``address`` is that of the folder with the music."""

    label: ClassVar = _("WebDAV")
    notice: ClassVar = _("Files are copied from your own server.")
    fields: ClassVar[tuple[str, ...]] = ("address", "user", "secret")

    def __init__(self, reach: Reach, name: str) -> None:
        self.base = check_base_url(str(reach.settings.get("address") or "")) + "/"
        self.reach, self.name = reach, name
        self.user = str(reach.settings.get("user") or "")
        login = base64.b64encode(f"{self.user}:{reach.secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"} if self.user else {}

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Look into the list of all files, asked for at the start of a job and each quarter of an hour."""
        key = ("webdav", self.name, self.base, self.user)
        return shelf.kept(self.reach, key, self._all).search(want, limit)

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        below = str(candidate.opaque.get("path") or "")
        if not below or ".." in below.split("/"):
            raise Unavailable("The candidate has no path.")
        fetch = Fetch(url=self.base + quote(below), headers=self._headers, size=candidate.size)
        return bring(fetch, part, tell, self.reach.http, came_from=self.base)

    def _all(self) -> Iterator[Candidate]:
        folders, seen = [""], {""}
        while folders:
            for path, size, is_folder in self._list(folders.pop()):
                if is_folder and path not in seen and len(seen) < MOST_FOLDERS:
                    seen.add(path)
                    folders.append(path)
                elif not is_folder and is_song(path):
                    yield _candidate(self.name, path, size)

    def _list(self, folder: str) -> Iterator[tuple[str, int | None, bool]]:
        """Yield (path below the base, bytes, whether a folder) of what lies in a folder; outside is left out."""
        url = self.base + quote(f"{folder}/" if folder else "")
        headers = {"Depth": "1", "Content-Type": "application/xml", **self._headers}
        reply = self.reach.http.request("PROPFIND", url, headers=headers, data=BODY)
        top = unquote(urlsplit(self.base).path)
        for response in _parsed(reply.body).iter(f"{DAV}response"):
            path = unquote(urlsplit(urljoin(url, response.findtext(f"{DAV}href") or "")).path)
            below = path.removeprefix(top).strip("/")
            if path.startswith(top) and below != folder and ".." not in below.split("/"):
                size = next((each.text or "" for each in response.iter(f"{DAV}getcontentlength")), "")
                is_folder = next(response.iter(f"{DAV}collection"), None) is not None
                yield below, int(size) if size.isdecimal() else None, is_folder


def _parsed(body: bytes) -> Any:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError as Malformed
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(body)
    except (Malformed, DefusedXmlException, ValueError):
        raise ParseError("This is no WebDAV server.", body[:200].decode("utf-8", "replace")) from None


def _candidate(source: str, path: str, size: int | None) -> Candidate:
    title, artists, album = guess(path)
    return Candidate(
        source=source,
        key=path[-500:],
        title=title,
        artists=artists,
        album=album,
        ext=ext_of(path),
        size=size,
        rights_basis="own-copy",
        opaque={"path": path},
    )


SOURCE = WebDav

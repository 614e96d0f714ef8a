"""Files at addresses: those of a list that somebody wrote, and those that a song's own source offers (podcasts)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError

from ..errors import Unavailable
from ..fetching import bring
from ..networks import is_private
from ..sources.base import Reach, TrackMeta
from . import shelf
from .base import Candidate, Fetch, Tell
from .names import ext_of, guess, path_of_url

OWN = "own"  # candidates that the song itself names


class Addresses:
    """The download source ``http``: ``urls`` = addresses, one a line; ``list`` = the address of such a list (or M3U).

    ``user`` and the secret are shown to the host of ``list`` only.
    """

    label: ClassVar = _("Addresses (HTTP)")
    notice: ClassVar = _("Files are fetched from the addresses of your list, and from those that a feed offers.")
    fields: ClassVar[tuple[str, ...]] = ("urls", "list", "user", "secret")

    def __init__(self, reach: Reach, name: str) -> None:
        settings = reach.settings
        self.urls = str(settings.get("urls") or "")
        self.list = str(settings.get("list") or "").strip()
        if self.list and urlsplit(self.list).scheme not in ("http", "https"):
            raise UsageError("The address of a list begins with http:// or https://.", code="bad_url")
        self.user = str(settings.get("user") or "")
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        own = [_own(self.name, want)] if _is_address(want.snapshot.get("url")) else []
        if not self.urls and not self.list:
            return own
        key = ("http", self.name, self.urls, self.list)
        return [*own, *shelf.kept(self.reach, key, self._all).search(want, limit)]

    def _all(self) -> Iterator[Candidate]:
        yield from candidates(self.name, self.urls.splitlines(), "")
        if self.list:
            text = self.reach.http.get(self.list, headers=self._headers(self.list)).body.decode("utf-8-sig", "replace")
            yield from candidates(self.name, text.splitlines(), self.list)

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        """Fetch it; an address that a feed on the internet offers must not lead into our own network."""
        url, feed = str(candidate.opaque.get("url") or ""), str(candidate.opaque.get("feed") or "")
        if not _is_address(url):
            raise Unavailable("The candidate has no address.")
        if candidate.opaque.get(OWN) and not feed and is_private(url):
            raise Unavailable("Nobody knows who named this address of our own network.", code="source_private")
        return bring(Fetch(url=url, headers=self._headers(url)), part, tell, self.reach.http, came_from=feed)

    def _headers(self, url: str) -> dict[str, str]:
        if not self.user or not self.list or urlsplit(url)[:2] != urlsplit(self.list)[:2]:
            return {}
        login = base64.b64encode(f"{self.user}:{self.reach.secret}".encode()).decode()
        return {"Authorization": f"Basic {login}"}


def candidates(source: str, lines: Iterable[str], base: str) -> Iterator[Candidate]:
    """Yield the files of a list: an address a line (relative to ``base``), with M3U's EXTINF in front or without."""
    nothing: tuple[str, tuple[str, ...], float | None] = ("", (), None)
    title, artists, duration = nothing
    for line in map(str.strip, lines):
        if line.startswith("#EXTINF:"):
            title, artists, duration = _extinf(line)
        elif line and not line.startswith("#"):
            url = urljoin(base, line)
            if _is_address(url):
                path = path_of_url(url)
                named, by, album = guess(path)
                yield Candidate(
                    source=source,
                    key=url[:500],
                    title=title or named,
                    artists=artists or by,
                    album=album,
                    duration=duration,
                    ext=ext_of(path),
                    rights_basis="user-supplied",
                    opaque={"url": url, "feed": base},
                )
            title, artists, duration = nothing


def _extinf(line: str) -> tuple[str, tuple[str, ...], float | None]:
    seconds, _comma, text = line.removeprefix("#EXTINF:").partition(",")
    artist, dash, title = (part.strip() for part in text.partition(" - "))
    try:
        length = float(seconds.split()[0])
    except (ValueError, IndexError):
        length = 0.0
    return (title if dash else artist), ((artist,) if dash and artist else ()), length if length > 0 else None


def _own(source: str, want: TrackMeta) -> Candidate:
    url = str(want.snapshot["url"])
    return Candidate(
        source=source,
        key=url[:500],
        title=want.title,
        artists=want.artists,
        album=want.album,
        duration=want.duration,
        ext=want.ext or ext_of(path_of_url(url)),
        size=want.size,
        license=str(want.snapshot.get("license") or ""),
        rights_basis="user-supplied",
        exact=True,
        opaque={"url": url, "feed": str(want.snapshot.get("feed") or ""), OWN: True},
    )


def _is_address(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


SOURCE = Addresses

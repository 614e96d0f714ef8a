"""The Internet Archive: audio items whose metadata name a licence; each file comes with its size and MD5."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from ..errors import ParseError, Unavailable
from ..fetching import bring
from ..matching import bare, score
from ..sources.base import Reach, TrackMeta
from .base import Candidate, Fetch, Tell
from .names import ext_of, guess, is_song

ADDRESS = "https://archive.org"
ITEMS = 4  # items whose files are looked at
_SPECIAL = re.compile(r'[+\-&|!(){}\[\]^"~*?:\\/]')
_IDENTIFIER = re.compile(r"^[A-Za-z0-9._-]{1,200}$")


class InternetArchive:
    """The download source ``internet_archive``."""

    label: ClassVar = _("Internet Archive")
    notice: ClassVar = _("Only files of items that name a licence are fetched.")
    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, reach: Reach, name: str) -> None:
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Ask for items by title and artist, and look at the files of the first few."""
        found = [each for item in self._items(want) for each in self._files(item)]
        return sorted(found, key=lambda each: -score(want, each))[:limit]

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        item, file = str(candidate.opaque.get("item") or ""), str(candidate.opaque.get("file") or "")
        if not candidate.license:
            raise Unavailable("The item names no licence.", code="no_licence")
        if not item or not file:
            raise Unavailable("The candidate has no file.")
        md5 = str(candidate.opaque.get("md5") or "")
        url = f"{ADDRESS}/download/{quote(item, safe='')}/{quote(file)}"
        fetch = Fetch(url=url, size=candidate.size, digest=f"md5:{md5}" if md5 else "")
        return bring(fetch, part, tell, self.reach.http, came_from=ADDRESS)

    def _items(self, want: TrackMeta) -> list[str]:
        words = _quoted(bare(want.title))
        if not words:
            return []
        artist = _quoted(want.artists[0]) if want.artists else ""
        query = f"mediatype:(audio) AND ({words})" + (f" AND creator:({artist})" if artist else "")
        params = [("q", query), ("fl[]", "identifier"), ("rows", str(ITEMS)), ("page", "1"), ("output", "json")]
        answer = self.reach.http.json(f"{ADDRESS}/advancedsearch.php", params)
        try:
            return [str(each["identifier"]) for each in answer["response"]["docs"] if _ok(each.get("identifier"))]
        except (KeyError, TypeError, AttributeError):
            raise ParseError("The archive's answer is not what we know.", str(answer)[:200]) from None

    def _files(self, item: str) -> Iterator[Candidate]:
        answer = self.reach.http.json(f"{ADDRESS}/metadata/{quote(item, safe='')}")
        facts, files = answer.get("metadata"), answer.get("files")
        if not isinstance(facts, dict) or not isinstance(files, list):
            return  # an item that is gone answers {}
        for file in files:
            if isinstance(file, dict) and is_song(str(file.get("name") or "")) and not file.get("private"):
                yield _candidate(self.name, item, facts, file)


def _candidate(source: str, item: str, facts: Mapping[str, Any], file: Mapping[str, Any]) -> Candidate:
    name = str(file["name"])
    title, _artists, _album = guess(name)
    artist = _text(file.get("artist")) or _text(file.get("creator")) or _text(facts.get("creator"))
    size = str(file.get("size") or "")
    return Candidate(
        source=source,
        key=f"{item}/{name}"[:500],
        title=_text(file.get("title")) or title,
        artists=(artist,) if artist else (),
        album=_text(file.get("album")) or _text(facts.get("title")),
        duration=_seconds(str(file.get("length") or "")),
        ext=ext_of(name),
        size=int(size) if size.isdecimal() else None,
        license=_text(facts.get("licenseurl")),
        rights_basis="public-domain" if "publicdomain" in _text(facts.get("licenseurl")) else "open-licence",
        opaque={"item": item, "file": name, "md5": str(file.get("md5") or "")},
    )


def _text(value: Any) -> str:
    return str(value[0] if isinstance(value, list) and value else value or "")


def _seconds(length: str) -> float | None:
    """Return the seconds of ``215.3`` or ``3:35``."""
    try:
        parts = [float(part) for part in length.split(":")]
    except ValueError:
        return None
    return float(sum(part * 60**power for power, part in enumerate(reversed(parts))))


def _quoted(text: str) -> str:
    """Return words without what has a meaning in Lucene's language."""
    return " ".join(_SPECIAL.sub(" ", text).lower().split())


def _ok(identifier: Any) -> bool:
    return isinstance(identifier, str) and bool(_IDENTIFIER.match(identifier))


SOURCE = InternetArchive

"""Files of a Subsonic or OpenSubsonic server, as it stores them (``download``, never transcoded)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from ..errors import Unavailable
from ..fetching import bring
from ..matching import bare, score, title_of
from ..sources.base import Reach, TrackMeta
from ..sources.fields import whole
from ..subsonic import Subsonic, listed
from .base import Candidate, Fetch, Tell

MORE = 200  # songs


class SubsonicFiles:
    """The download source ``subsonic``."""

    label: ClassVar = _("Subsonic or OpenSubsonic server")
    notice: ClassVar = _("Files are copied as the server stores them. It must be one that you may copy from.")
    fields: ClassVar[tuple[str, ...]] = ("address", "user", "secret")

    def __init__(self, reach: Reach, name: str) -> None:
        self.client = Subsonic(reach)
        self.name = name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Ask for the title; if that fills the answer, with the artist too, and for more where the title is not there.

        Some servers know no order: "Song 1" may stand behind "Song 10" to "Song 19".
        """
        title = bare(want.title)
        if not title:
            return []
        found = self._songs(title, limit)
        if len(found) >= limit:
            if want.artists:
                found += self._songs(f"{title} {want.artists[0]}", limit)
            if not any(title_of(str(song.get("title") or "")) == title_of(want.title) for song in found):
                found += self._songs(title, MORE)
        candidates = [_candidate(self.name, song) for song in {str(song["id"]): song for song in found}.values()]
        return sorted(candidates, key=lambda each: -score(want, each))[:limit]

    def _songs(self, query: str, limit: int) -> list[Mapping[str, Any]]:
        answer = self.client.call("search3", query=query, songCount=limit, artistCount=0, albumCount=0)
        result = answer.get("searchResult3")
        songs = listed(result.get("song")) if isinstance(result, dict) else []
        return [song for song in songs if song.get("id") and not song.get("isDir") and not song.get("isVideo")]

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        """Download the file; a server that says "error" with status 200 is told by the kind of its answer."""
        song = str(candidate.opaque.get("id") or "")
        if not song:
            raise Unavailable("The candidate has no id.")
        self.client.call("getSong", id=song)  # it logs in the right way, and says clearly what is gone
        url = self.client.url("download")
        return bring(Fetch(url=url, params=tuple(self.client.params(id=song))), part, tell, self.client.http)


def _candidate(name: str, song: Mapping[str, Any]) -> Candidate:
    isrc = song.get("isrc")
    artists = [str(each["name"]) for each in listed(song.get("artists")) if each.get("name")]
    return Candidate(
        source=name,
        key=str(song["id"]),
        title=str(song.get("title") or ""),
        artists=tuple(artists or ([str(song["artist"])] if song.get("artist") else [])),
        album=str(song.get("album") or ""),
        duration=whole(song.get("duration")),
        ext=str(song.get("suffix") or ""),
        size=whole(song.get("size")),
        bitrate=whole(song.get("bitRate")),
        isrc=str(isrc[0] if isinstance(isrc, list) and isrc else isrc or ""),
        mbid=str(song.get("musicBrainzId") or ""),
        rights_basis="own-copy",
        opaque={"id": str(song["id"])},
    )


SOURCE = SubsonicFiles

"""Jamendo (API v3.0): music under Creative Commons, where its owner allows downloads. Needs a client id (free)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import AccessDenied, Permanent, UsageError

from ..errors import ParseError, RateLimited, Unavailable
from ..fetching import bring
from ..matching import bare
from ..sources.base import Reach, TrackMeta
from .base import Candidate, Fetch, Tell

ADDRESS = "https://api.jamendo.com"
BAD_CLIENT, TOO_MANY = (5, 12), (6,)  # codes of headers.code (its documentation, "response codes")


class Jamendo:
    """The download source ``jamendo``; the secret is the client id."""

    label: ClassVar = _("Jamendo")
    notice: ClassVar = _("Only tracks whose owner allows downloads are fetched; each has its licence.")
    fields: ClassVar[tuple[str, ...]] = ("secret",)

    def __init__(self, reach: Reach, name: str) -> None:
        if not reach.secret:
            raise UsageError("Jamendo needs a client id.", code="no_secret")
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        title = bare(want.title)
        found = self._tracks(limit, namesearch=title) if title else []
        if len(found) >= limit and want.artists:
            found += self._tracks(limit, namesearch=title, artist_name=want.artists[0])
        return [_candidate(self.name, track) for track in {str(track["id"]): track for track in found}.values()]

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        url = str(candidate.opaque.get("url") or "")
        if not candidate.opaque.get("allowed") or not url:
            raise Unavailable("Its owner does not allow downloads.", code="not_allowed")
        return bring(Fetch(url=url), part, tell, self.reach.http, came_from=ADDRESS)

    def _tracks(self, limit: int, **query: str) -> list[Mapping[str, Any]]:
        params = [("client_id", self.reach.secret), ("format", "json"), ("limit", str(limit)), *query.items()]
        answer = self.reach.http.json(f"{ADDRESS}/v3.0/tracks/", [*params, ("audiodlformat", "flac")])
        headers = answer.get("headers") if isinstance(answer, dict) else None
        if not isinstance(headers, dict) or not isinstance(answer.get("results"), list):
            raise ParseError("Jamendo's answer is not what we know.", str(answer)[:200])
        if headers.get("status") != "success":
            raise self._error(headers)
        return [track for track in answer["results"] if isinstance(track, dict) and track.get("id")]

    def _error(self, headers: Mapping[str, Any]) -> Exception:
        code = headers.get("code")
        if code in BAD_CLIENT:
            return AccessDenied("Jamendo refuses the client id.", code="source_denied", error=code)
        if code in TOO_MANY:
            return RateLimited("Jamendo asks us to wait.", code="source_waits", error=code)
        return Permanent(f"Jamendo answered error {code}.", code="source_refused", error=code)


def _candidate(source: str, track: Mapping[str, Any]) -> Candidate:
    allowed = track.get("audiodownload_allowed") is True  # a field that is missing allows nothing
    return Candidate(
        source=source,
        key=str(track["id"]),
        title=str(track.get("name") or ""),
        artists=(str(track["artist_name"]),) if track.get("artist_name") else (),
        album=str(track.get("album_name") or ""),
        duration=float(track["duration"]) if isinstance(track.get("duration"), int | float) else None,
        ext="flac",
        license=str(track.get("license_ccurl") or ""),
        rights_basis="open-licence",
        opaque={"url": str(track.get("audiodownload") or ""), "allowed": allowed},
    )


SOURCE = Jamendo

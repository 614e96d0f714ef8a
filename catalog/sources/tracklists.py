"""Reads playlists that are files: M3U, XSPF and JSPF. What a song is called is all that matters; positions do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ..errors import ParseError
from ..tolerant import decoded, storable
from .base import TrackMeta
from .fields import address, made_id, rows, seconds, table, text, whole

M3U, XSPF, JSPF = "m3u", "xspf", "jspf"
LARGEST = 16 * 1024 * 1024  # bytes
_MBID = re.compile(r"musicbrainz\.org/recording/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)
_ISRC = re.compile(r"^(?:isrc:)?([A-Z]{2}[A-Z0-9]{3}\d{7})$", re.I)
_EXTINF = re.compile(r"#EXTINF:\s*(-?\d+(?:\.\d+)?)?([^,]*),(.*)", re.I)
_NUMBER = re.compile(r"^\d{1,3}\s*[-._ ]\s*")


@dataclass(frozen=True, slots=True)
class TrackList:
    """A playlist that carries its songs."""

    name: str
    tracks: tuple[TrackMeta, ...]


def kind_of(content: bytes) -> str | None:
    """Return which kind of playlist with songs this is; None for what may be lines of addresses."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"{":
        return JSPF
    if start[:1] == b"<":
        return XSPF
    return M3U if b"#extm3u" in start[:400].lower() or b"#extinf" in start.lower() else None


def read(content: bytes, kind: str) -> TrackList:
    """Return the songs of a file; ParseError for what is not of that kind."""
    if len(content) > LARGEST:
        raise ParseError("The file is too large.")
    return {M3U: _m3u, XSPF: _xspf, JSPF: _jspf}[kind](content)


def of_jspf(found: Any) -> TrackList:
    """Return the songs of a JSPF object, as ListenBrainz sends it too."""
    playlist = table(found, "playlist")
    if not playlist:
        raise ParseError("This is no JSPF playlist.", sample=str(found))
    return TrackList(text(playlist.get("title")), tuple(_kept(map(_jspf_track, rows(playlist, "track")))))


def _jspf(content: bytes) -> TrackList:
    try:
        return of_jspf(storable(json.loads(decoded(content))))
    except (ValueError, RecursionError):
        raise ParseError("This is no JSON.", sample=content[:200].decode("utf-8", "replace")) from None


def _jspf_track(found: Mapping[str, Any]) -> TrackMeta:
    return _track(
        title=text(found.get("title")),
        artists=_artists(found),
        album=text(found.get("album")),
        duration=seconds(found.get("duration"), 1000),
        identifiers=_texts(found.get("identifier")),
        locations=_texts(found.get("location")),
    )


def _artists(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the artists: ListenBrainz tells them apart in an extension, others join them in ``creator``."""
    extension = table(found, "extension", "https://musicbrainz.org/doc/jspf#track", "additional_metadata")
    names = tuple(name for each in rows(extension, "artists") if (name := text(each.get("artist_credit_name"))))
    creator = text(found.get("creator"))
    return names or ((creator,) if creator else ())


def _xspf(content: bytes) -> TrackList:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError as BadXml
    from defusedxml.ElementTree import fromstring

    try:
        top = fromstring(content)
    except (BadXml, DefusedXmlException, ValueError, LookupError):
        raise ParseError("This is no XSPF playlist.", sample=content[:200].decode("utf-8", "replace")) from None
    if _bare(top.tag) != "playlist":
        raise ParseError("This is no XSPF playlist.", sample=_bare(top.tag))
    tracks = (each for group in top if _bare(group.tag) == "trackList" for each in group if _bare(each.tag) == "track")
    name = next((each.text or "" for each in top if _bare(each.tag) == "title"), "")
    return TrackList(str(storable(name)).strip(), tuple(_kept(map(_xspf_track, tracks))))


def _xspf_track(element: Any) -> TrackMeta:
    said: dict[str, list[str]] = {}
    for each in element:
        said.setdefault(_bare(each.tag), []).append(str(storable(each.text or "")).strip())
    creator = next(iter(said.get("creator", [])), "")
    return _track(
        title=next(iter(said.get("title", [])), ""),
        artists=(creator,) if creator else (),
        album=next(iter(said.get("album", [])), ""),
        duration=seconds(next(iter(said.get("duration", [])), ""), 1000),
        identifiers=said.get("identifier", []),
        locations=said.get("location", []),
    )


def _m3u(content: bytes) -> TrackList:
    name, title, length = "", "", None
    tracks: list[TrackMeta] = []
    for line in str(storable(decoded(content))).splitlines():
        line = line.strip()
        if line.upper().startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip()
        elif found := _EXTINF.match(line):
            length, title = whole(found.group(1)), found.group(3).strip()
        elif line and not line.startswith("#"):
            artist, title = _named(title or _stem(line))
            tracks.append(_track(title, (artist,) if artist else (), "", float(length) if length else None, [], [line]))
            title, length = "", None
    return TrackList(name, tuple(_kept(tracks)))


def _named(line: str) -> tuple[str, str]:
    """Take "artist - title" apart."""
    artist, dash, title = line.partition(" - ")
    return (artist.strip(), title.strip()) if dash and title.strip() else ("", line.strip())


def _stem(place: str) -> str:
    """Return what the name of a file says of its song."""
    path = unquote(address(place).path) if "://" in place else place.replace("\\", "/")
    return _NUMBER.sub("", path.rstrip("/").rpartition("/")[2].rpartition(".")[0] or path)


def _track(
    title: str,
    artists: tuple[str, ...],
    album: str,
    duration: float | None,
    identifiers: list[str],
    locations: list[str],
) -> TrackMeta:
    mbid = next((found.group(1).lower() for each in identifiers if (found := _MBID.search(each))), "")
    isrc = next((found.group(1).upper() for each in identifiers if (found := _ISRC.match(each))), "")
    place = next(iter(locations), "")
    where = {"url": place} if place.startswith(("http://", "https://")) else {"path": place} if place else {}
    key = [each.casefold().strip() for each in (*artists, title, album)]
    return TrackMeta(
        remote_id=mbid or made_id("", *key),
        title=title or _stem(place),
        artists=artists,
        album=album,
        duration=duration,
        isrc=isrc,
        mbid=mbid,
        snapshot={"identifiers": identifiers, **where},
    )


def _kept(tracks: Any) -> Iterator[TrackMeta]:
    return (track for track in tracks if track.title)


def _texts(found: Any) -> list[str]:
    """Return a text or a list of texts as a list."""
    return [name for each in (found if isinstance(found, list) else [found]) if (name := text(each))]


def _bare(tag: Any) -> str:
    return str(tag).rpartition("}")[2]

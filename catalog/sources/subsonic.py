"""Playlists of a Subsonic or OpenSubsonic server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from ..subsonic import Subsonic, listed
from .base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from .fields import rows, seconds, some, table, text, whole

KEPT = ("id", "title", "artist", "artistId", "album", "albumId", "duration", "path", "suffix", "track", "year", "genre")


class SubsonicPlaylists:
    """The plug-in."""

    label = _("Subsonic or OpenSubsonic server")
    notice = _("The playlists that this user sees on your server.")
    pools: ClassVar = ("own",)
    fields: ClassVar = ("address", "user", "secret")

    def __init__(self, reach: Reach) -> None:
        self._client = Subsonic(reach)
        self._platform = reach.platform or "subsonic"

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        return None  # every server has addresses of its own

    def collect(self, pool: str) -> Iterator[Page]:
        answer = self._client.call("getPlaylists")
        found = listed(table(answer, "playlists").get("playlist"))
        yield Page(tuple(self._meta(each) for each in found if each.get("id")), has_more=False, total=len(found))

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        playlist = table(self._client.call("getPlaylist", id=ref.remote_id), "playlist")
        songs = tuple(
            _track(each) for each in listed(playlist.get("entry")) if each.get("id") and not each.get("isDir")
        )
        meta = self._meta(playlist)
        if not songs:
            return Tracks("partial" if meta.track_count else "empty", meta=meta)
        short = len(songs) < (meta.track_count or 0)
        return Tracks("partial" if short else "ok", songs, meta, f"{len(songs)} of {meta.track_count}" if short else "")

    def _meta(self, found: Mapping[str, Any]) -> PlaylistMeta:
        ref = PlaylistRef(self._platform, text(found.get("id")))
        return PlaylistMeta(ref, text(found.get("name")), whole(found.get("songCount")))


def _track(found: Mapping[str, Any]) -> TrackMeta:
    artists = tuple(name for each in rows(found, "artists") if (name := text(each.get("name"))))
    artist, isrc = text(found.get("artist")), found.get("isrc")
    rate = whole(found.get("bitRate"))
    return TrackMeta(
        remote_id=text(found.get("id")),
        title=text(found.get("title")),
        artists=artists or ((artist,) if artist else ()),
        album=text(found.get("album")),
        duration=seconds(found.get("duration")),
        isrc=text(isrc[0] if isinstance(isrc, list) and isrc else isrc),
        mbid=text(found.get("musicBrainzId")),
        ext=text(found.get("suffix")),
        size=whole(found.get("size")),
        quality=f"{rate}k" if rate else "",
        snapshot=some(found, KEPT),
    )


SOURCE = SubsonicPlaylists

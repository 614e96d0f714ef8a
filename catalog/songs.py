"""What "downloaded" means, in one place: at least one active file of the song in a folder of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from .models import FileLocation, Playlist, PlaylistSong, Song, StorageBackend
from .sources.base import TrackMeta


def local_files() -> QuerySet[FileLocation]:
    """Return the files that are here: active, and in a folder of ours."""
    # The few backends by their ids: a join for each song would cost more than the rest of the question.
    folders = StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL).values("pk")
    return FileLocation.objects.filter(status=FileLocation.Status.ACTIVE, backend__in=folders)


def is_downloaded(song: str = "pk") -> Exists:
    """Return the condition that a song is downloaded; ``song`` names its id in the outer query."""
    return Exists(local_files().filter(file_asset__song=OuterRef(song)))


def in_playlists(playlists: QuerySet[Playlist]) -> QuerySet[Song]:
    """Return the songs of playlists, each once."""
    return Song.objects.filter(Exists(PlaylistSong.objects.filter(song=OuterRef("pk"), playlist__in=playlists)))


def want_of(song: Song | Mapping[str, Any]) -> TrackMeta:
    """Return what is known of a song (a row, or its values), as download sources search by it.

    ``singers`` is for people; the names themselves are in the snapshot.
    """
    row = song.__dict__ if isinstance(song, Song) else song
    snapshot = row["snapshot"] or {}
    artists = snapshot.get("artists") or str(row["singers"]).split(JOINT)
    return TrackMeta(
        remote_id=row["remote_id"],
        title=row["name"],
        artists=tuple(str(each) for each in artists if each),
        album=row["album"],
        duration=row["duration"],
        isrc=row["isrc"],
        mbid=row["mbid"],
        kind=row["kind"],
        ext=row["ext"],
        size=row["file_size_bytes"],
        quality=row["quality_label"],
        snapshot=snapshot,
    )


JOINT = " / "
"""What stands between the artists in ``Song.singers``."""

"""Playlists with what is derived of them: coverage, and the state they are in. Nothing of it is stored."""

from __future__ import annotations

from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from mediasync.jobs.choices import ACTIVE, RESTING, WAITING
from mediasync.jobs.models import Group

from .models import Playlist, PlaylistSong, Song
from .songs import is_downloaded

DOWNLOAD = "download"
"""The name of the stage whose groups are playlists."""


class State(TextChoices):
    """What is to be done about a playlist."""

    UNSYNCED = "unsynced", _("Not synchronised")
    NOT_DOWNLOADED = "not_downloaded", _("Not downloaded")
    DOWNLOADING = "downloading", _("Is being downloaded")
    PARTIAL = "partial", _("Partly downloaded")
    DOWNLOADED = "downloaded", _("Downloaded")


def group_of(playlist_id: int) -> str:
    """Return the key of a playlist's group in every job."""
    return f"playlist:{playlist_id}"


def playlist_of(group: str) -> int | None:
    """Return the playlist of a group's key, or None."""
    prefix, _colon, number = group.partition(":")
    return int(number) if prefix == "playlist" and number.isdecimal() else None


def with_status(rows: QuerySet[Playlist] | None = None) -> QuerySet[Any]:
    """Add ``status`` (State): cheap enough to filter all playlists by it.

    Entries that are no music never become files, so they do not count. A list that was read and has no songs lacks
    none.
    """
    rows = Playlist.objects.all() if rows is None else rows
    songs = _songs()
    missing, here = songs.exclude(is_downloaded("song")), songs.filter(is_downloaded("song"))
    return rows.annotate(
        status=Case(
            When(synced_at=None, then=Value(State.UNSYNCED)),
            When(~Exists(missing), then=Value(State.DOWNLOADED)),
            When(Exists(_groups(*ACTIVE)), then=Value(State.DOWNLOADING)),
            When(Exists(here), then=Value(State.PARTIAL)),
            default=Value(State.NOT_DOWNLOADED),
            output_field=CharField(),
        )
    )


def with_coverage(rows: QuerySet[Playlist] | None = None) -> QuerySet[Any]:
    """Add ``status``, ``total_songs``, ``downloaded_songs`` (music only) and ``running_songs`` (in downloads now)."""
    songs = _songs()
    running = _groups(*ACTIVE).order_by().values("key").annotate(n=Sum("running")).values("n")
    found: QuerySet[Any] = with_status(rows).annotate(
        total_songs=_count(songs),
        downloaded_songs=_count(songs.filter(is_downloaded("song"))),
        running_songs=Coalesce(Subquery(running), 0, output_field=IntegerField()),
    )
    return found


def being_downloaded(playlist_ids: list[int]) -> set[int]:
    """Return those of the playlists that a job downloads, or is about to."""
    keys = [group_of(each) for each in playlist_ids]
    states = [*ACTIVE, *RESTING, *WAITING]
    found = Group.objects.filter(stage__name=DOWNLOAD, stage__job__state__in=states, key__in=keys)
    return {number for key in found.values_list("key", flat=True) if (number := playlist_of(key)) is not None}


def _songs() -> QuerySet[PlaylistSong]:
    return PlaylistSong.objects.filter(playlist=OuterRef("pk")).exclude(song__kind=Song.Kind.OTHER).order_by()


def _count(songs: QuerySet[PlaylistSong]) -> Coalesce:
    counted = songs.values("playlist").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _groups(*states: str) -> QuerySet[Group]:
    """Return the groups of the outer playlist in jobs of these states that have items left."""
    left = ExpressionWrapper(F("total") - F("done") - F("failed") - F("skipped"), output_field=IntegerField())
    key = Concat(Value("playlist:"), Cast(OuterRef("pk"), CharField()), output_field=CharField())
    rows = Group.objects.filter(stage__name=DOWNLOAD, stage__job__state__in=states, key=key)
    return rows.annotate(left=left).filter(left__gt=0)

"""What could not be found: songs of playlists that have no file here."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from .models import PlaylistSong, Review, Song
from .songs import is_downloaded

COLUMNS = ("id", "platform", "remote_id", "name", "singers", "album", "duration", "playlist", "position", "to_review")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would work out


def unmatched(playlists: Iterable[int] | None = None, *, untried: bool = False) -> QuerySet[Song, dict[str, Any]]:
    """Return the music in playlists (all, or these) that was looked for and is not here; one row a song.

    ``untried``: also what nobody has looked for yet. Playlist and position are those of its first list.
    """
    links = PlaylistSong.objects.filter(song=OuterRef("pk"))
    if playlists is not None:
        links = links.filter(playlist__in=list(playlists))
    first = links.order_by("playlist", "position")
    open_reviews = Review.objects.filter(song=OuterRef("pk"), state=Review.State.OPEN).order_by().values("song")
    songs = Song.objects.filter(Exists(links), ~is_downloaded(), ~Q(kind=Song.Kind.OTHER)).annotate(
        playlist=Subquery(first.values("playlist__name")[:1]),
        position=Subquery(first.values("position")[:1]),
        to_review=Coalesce(Subquery(open_reviews.annotate(n=Count("pk")).values("n")), 0, output_field=IntegerField()),
    )
    rows: QuerySet[Song, dict[str, Any]] = songs.order_by("pk").values(*COLUMNS)
    return rows if untried else rows.filter(resolved=True)


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, value: str) -> str:
        return value


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the report; no cell is a formula for the program that opens it."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(COLUMNS))  # the mark tells spreadsheets that this is UTF-8
    for row in rows:
        yield str(writer.writerow([_plain(row[name]) for name in COLUMNS]))


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

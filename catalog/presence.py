"""Which songs are on which backend: a summary that is derived from the locations, never the source of truth.

Whoever changes locations refreshes it in the same transaction; ``rebuild`` makes it anew from nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, Sum

from .models import FileAsset, FileLocation, Presence

BLOCK = 500  # songs: below the variables that old versions of SQLite allow


def refresh(songs: Iterable[int]) -> int:
    """Bring the summary of these songs up to date and return how many rows of it changed."""
    wanted = sorted(set(songs))
    return sum(_refresh(wanted[start : start + BLOCK]) for start in range(0, len(wanted), BLOCK))


def rebuild() -> int:
    """Bring the summary of all songs up to date and return how many rows of it were wrong."""
    songs: set[int] = set(FileAsset.objects.order_by().values_list("song_id", flat=True).distinct())
    songs.update(Presence.objects.order_by().values_list("song_id", flat=True).distinct())
    return refresh(songs)


def _refresh(songs: list[int]) -> int:
    with transaction.atomic():
        rows = FileLocation.objects.filter(status=FileLocation.Status.ACTIVE, file_asset__song__in=songs).order_by()
        sums = rows.values_list("file_asset__song_id", "backend_id").annotate(
            files=Count("id"), size=Sum("file_asset__file_size_bytes")
        )
        found = {(song, backend): (files, size) for song, backend, files, size in sums}
        known = Presence.objects.filter(song__in=songs).values_list("song_id", "backend_id", "files", "size", "id")
        stored = {(song, backend): (files, size) for song, backend, files, size, _pk in known}
        gone = [pk for song, backend, _files, _size, pk in known if (song, backend) not in found]
        changed = [key for key, numbers in found.items() if stored.get(key) != numbers]
        if gone:
            Presence.objects.filter(pk__in=gone).delete()
        Presence.objects.bulk_create(
            [Presence(song_id=key[0], backend_id=key[1], files=found[key][0], size=found[key][1]) for key in changed],
            update_conflicts=True,
            unique_fields=["song", "backend"],
            update_fields=["files", "size"],
        )
    return len(gone) + len(changed)

"""When a playlist is synchronised by itself: one schedule of the engine for each that has a time of its own."""

from __future__ import annotations

from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Schedule

from .models import Playlist

KIND = "sync_download"
SHORTEST = 900  # seconds: platforms are not to be asked more often


def owner_of(playlist: Playlist) -> str:
    """Return the name under which the engine keeps the schedule of a playlist."""
    return f"playlist:{playlist.pk}"


def every(playlist: Playlist) -> int:
    """Return after how many seconds a playlist is synchronised and downloaded again; 0: never by itself."""
    found = Schedule.objects.filter(owner=owner_of(playlist)).values_list("every", flat=True).first()
    return found or 0


def set_every(playlist: Playlist, seconds: int) -> None:
    """Synchronise and download a playlist after each so many seconds (0: never); UsageError below a quarter hour."""
    if seconds and seconds < SHORTEST:
        raise UsageError(f"Not more often than every {SHORTEST} seconds.", code="playlist_interval")
    if not seconds:
        jobs.drop_schedules(owner_of(playlist))
        return
    name = f"Playlist {playlist.pk}: {playlist.name}"[:100]
    named = Schedule.objects.filter(owner=owner_of(playlist)).first()
    if named is not None and named.name != name:  # it was renamed since: a schedule is found by its name
        jobs.drop_schedules(owner_of(playlist))
    jobs.put_schedule(name, KIND, {"playlists": [playlist.pk]}, every=seconds, owner=owner_of(playlist))

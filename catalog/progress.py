"""How far jobs and playlists are, for pages and the API. What was here before a job counts as done."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet

from mediasync.core.paths import for_people
from mediasync.jobs import registry
from mediasync.jobs.choices import ItemState
from mediasync.jobs.models import Item, Job, SliceSlot

from .kinds import KINDS
from .models import Playlist, PlaylistSong, Song
from .selectors import DOWNLOAD, State, with_status
from .songs import is_downloaded

NAMES = tuple(kind.name for kind in KINDS)
MOST_SLOTS = 64
BLOCK = 500  # ids a query
ITEM = ("key", "state", "error_code", "error_params")


def jobs() -> QuerySet[Job]:
    """Return the jobs of the catalog, the newest first."""
    return Job.objects.filter(kind__in=NAMES).order_by("-pk")


def running() -> QuerySet[SliceSlot]:
    """Return what the threads of the workers do for the catalog now."""
    slots = SliceSlot.objects.filter(job__kind__in=NAMES).exclude(item_key="")
    return slots.select_related("job").order_by("job_id", "slot")[:MOST_SLOTS]


def coverage() -> list[tuple[State, int]]:
    """Return how many playlists there are in each state."""
    rows = with_status().order_by().values_list("status").annotate(Count("pk"))
    counts = dict(rows)
    return [(state, counts.get(state.value, 0)) for state in State]


def songs_of(playlist: int) -> QuerySet[Any]:
    """Return the links to the songs of a playlist in its order, each with ``here``."""
    links = PlaylistSong.objects.filter(playlist=playlist).select_related("song").defer("song__snapshot")
    return links.annotate(here=is_downloaded("song")).order_by("position", "pk")


def playlists_of(job: Job) -> QuerySet[Playlist]:
    """Return the playlists that a job is limited to; none if it is not."""
    return Playlist.objects.filter(pk__in=job.scope.get("playlists") or [])


def songs_of_job(job: Job, playlist: int, start: int = 0, most: int = 1000) -> list[dict[str, Any]]:
    """Return the songs of a playlist with the state of each in a job, as values for JSON.

    A song that is no item of the job is "succeeded" when it is here, and "absent" otherwise.
    """
    links = list(songs_of(playlist)[start : start + most])
    items = Item.objects.filter(stage__job=job, stage__name=DOWNLOAD)
    states: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for first in range(0, len(links), BLOCK):  # a song of several lists is an item in the first of them
        keys = [str(link.song_id) for link in links[first : first + BLOCK]]
        for key, state, code, params in items.filter(key__in=keys).values_list(*ITEM):
            states[key] = (state, code, params or {})
    return [_row(link, *states.get(str(link.song_id), ("", "", {}))) for link in links]


def _row(link: Any, state: str, code: str, params: dict[str, Any]) -> dict[str, Any]:
    song: Song = link.song
    return {
        "song": song.pk,
        "position": link.position,
        "name": song.name,
        "artists": song.singers,
        "here": link.here,
        "state": state or (ItemState.SUCCEEDED.value if link.here else "absent"),
        "music": song.kind == Song.Kind.MUSIC,
        "reason": code,
        "note": for_people(registry.text(code, params)) if code else "",
    }

"""The folders that a person chooses must be what they are taken for: not where Plex or a library keeps its files."""

from __future__ import annotations

from collections.abc import Iterable

from mediasync.core import paths
from mediasync.core.errors import UsageError

from .plexdata import layout, places
from .plexdata.places import Data

OWN = (layout.METADATA, "Media", "Cache", "Plug-in Support")  # of Plex, below its data folder


def quarantine(chosen: str, data: Data, libraries: Iterable[str] = ()) -> str:
    """Return the folder of quarantines with its links resolved; UsageError where Plex would read or empty it."""
    real = places.real(chosen)
    plex = [f"{data.root}/{name}" for name in OWN] + ([data.cache] if data.cache else [])
    for part in (*plex, *map(places.real, libraries)):
        if paths.is_within(real, part):
            raise _refuse_quarantine(part)
    if real in (data.root, "/"):
        raise _refuse_quarantine(real)
    return real


def cache(data: Data, libraries: Iterable[str]) -> None:
    """Raise UsageError where the chosen cache is (in) a library: its pictures may look just like cached ones."""
    named = data.cache.rpartition("/")[2] == places.CACHE.rpartition("/")[2]
    for each in map(places.real, libraries):
        if paths.is_within(each, data.cache) or (paths.is_within(data.cache, each) and not named):
            raise places.no_cache(data.cache)


def _refuse_quarantine(part: str) -> UsageError:
    message = f"The quarantine cannot lie in {paths.for_people(part)}."
    return UsageError(message, code="cleanup_quarantine_place", path=part)

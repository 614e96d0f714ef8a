"""What is known at this moment of the Plex server that a data folder belongs to, looked up once in a few seconds."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import closing

from django.utils import timezone

from mediasync.core import clock
from mediasync.servers.clients.plex_butler import PlexButler
from mediasync.servers.services import access_of

from .models import PlexFolder
from .plexdata import pms
from .plexdata.pms import Signs

FRESH = 10.0  # seconds; to look starts a process and asks the server four questions

_lock = threading.Lock()
_known: dict[tuple[int, str], tuple[float, Signs]] = {}


def look(folder: PlexFolder, database: str, now: dt.datetime) -> Signs:
    """Return the signs of the folder's server. Call it with the database closed: our own lock hides that of Plex."""
    key = (folder.pk, database)
    with _lock:
        at, signs = _known.get(key, (0.0, None))
        if signs is not None and 0 <= clock.system.monotonic() - at < FRESH:
            return signs
        signs = _look(folder, database, now)
        _known[key] = (clock.system.monotonic(), signs)
    return signs


def forget() -> None:
    """Look anew at the next question."""
    with _lock:
        _known.clear()


def _look(folder: PlexFolder, database: str, now: dt.datetime) -> Signs:
    hour = timezone.localtime(now).hour
    if folder.server is None:
        return pms.look(database, hour=hour)
    with closing(PlexButler(access_of(folder.server))) as butler:
        return pms.look(database, butler, hour=hour)

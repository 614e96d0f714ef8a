"""What can be said of the Plex server of a data folder: whether it runs, and what it does now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import MediasyncError

from . import apply_signals
from .models import PlexFolder
from .plexdata import places


def of(folder: PlexFolder, clock: Clock = clocks.system) -> Callable[[], dict[str, Any]]:
    """Return what asks the server when it is called; that raises nothing.

    ``running`` (also where nobody can tell), ``why`` (signs), ``asked``, ``busy``, ``watched``, ``butler`` (its hours).
    """

    def ask() -> dict[str, Any]:
        try:
            database = places.resolve(folder.path, folder.cache_path).database
            return apply_signals.look(folder, database, clock.now())._asdict()
        except (MediasyncError, OSError) as error:
            return {"running": True, "why": ("unknown",), "error": str(error)}

    return ask

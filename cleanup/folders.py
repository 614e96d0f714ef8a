"""Make data folders known: those in the usual places, or one that a person names."""

from __future__ import annotations

import os

from mediasync.core import paths
from mediasync.core.errors import UsageError

from .models import PlexFolder
from .plexdata import places


def find() -> list[str]:
    """Return the data folders in the usual places that are not known yet (stored text)."""
    known = {paths.to_text(_real(path)) for path in PlexFolder.objects.values_list("path", flat=True)}
    return [path for path in places.find() if paths.to_text(_real(path)) not in known]


def add(path: str, name: str = "") -> PlexFolder:
    """Make a data folder known, or return the one that is; UsageError says what ``path`` lacks."""
    clean = check(path)
    known = PlexFolder.objects.filter(path=clean).first()
    return known or PlexFolder.objects.create(path=clean, name=name or free_name())


def check(path: str) -> str:
    """Return a path in its normal form; UsageError for one that is none, or that is no data folder."""
    try:
        clean = paths.normalise(path)
    except ValueError as error:
        raise UsageError(str(error), code="bad_path") from None
    places.resolve(clean)
    return clean


def free_name(wanted: str = "Plex") -> str:
    """Return a name that no data folder has: Plex, Plex 2 …"""
    taken = set(PlexFolder.objects.values_list("name", flat=True))
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def _real(path: str) -> bytes:
    return os.path.realpath(paths.to_bytes(path))

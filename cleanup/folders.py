"""Make data folders known: those in the usual places, or one that a person names."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from mediasync.core import paths
from mediasync.core.errors import Conflict, UsageError

from .choices import RunState
from .models import PlanRow, PlexFolder, Run
from .plexdata import places


def find() -> list[str]:
    """Return the data folders in the usual places that are not known yet (stored text)."""
    known = {places.real(path) for path in PlexFolder.objects.values_list("path", flat=True)}
    return [path for path in places.find() if places.real(path) not in known]


def add(path: str, name: str = "") -> PlexFolder:
    """Make a data folder known, or return the one that is; UsageError says what ``path`` lacks."""
    clean = _clean(path)
    return same(clean) or PlexFolder.objects.create(path=clean, name=name or free_name())


def check(path: str, own: int | None = None) -> str:
    """Return a path in its normal form; UsageError for one that is none, or that is no data folder.

    Also for one that another row (not ``own``) is about: two runs could work on the same files at once.
    """
    clean = _clean(path)
    known = same(clean, own)
    if known is not None:
        raise UsageError(f"{known} is this data folder already.", code="cleanup_folder_known", name=known.name)
    return clean


def same(path: str, own: int | None = None) -> PlexFolder | None:
    """Return the known data folder that is this one, whatever links or mounts lead to it, None if there is none."""
    found = _identity(path)
    others = PlexFolder.objects.exclude(pk=own or 0).order_by("pk")
    return next((each for each in others if each.path == path or (found and found == _identity(each.path))), None)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(paths.to_bytes(path))
    except OSError:  # not mounted now
        return None
    return found.st_dev, found.st_ino


def _clean(path: str) -> str:
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


def holding(folders: Sequence[PlexFolder]) -> QuerySet[Run]:
    """Return the runs of these folders of which something may lie in a quarantine: only they know the way back."""
    return Run.objects.filter(folder__in=folders).exclude(quarantine="").exclude(state=RunState.PURGED)


def forget(folder: PlexFolder) -> None:
    """Delete a data folder with its runs and plans; nothing on disk is touched. Conflict while a quarantine is kept."""
    with transaction.atomic():
        if holding([folder]).exists():
            message = f"A quarantine of {folder} still holds files: restore them, or delete them for good."
            raise Conflict(message, code="cleanup_quarantine_kept", name=folder.name)
        PlanRow.objects.filter(run__folder=folder)._raw_delete("default")
        folder.delete()

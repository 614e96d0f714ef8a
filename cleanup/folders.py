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


def _real(path: str) -> bytes:
    return os.path.realpath(paths.to_bytes(path))

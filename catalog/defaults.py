"""What is there before anybody has set up anything: a folder of one's own, files of playlists, and platforms, off."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.db import transaction

from mediasync.core.paths import to_text

from . import revisions
from .models import ConfigRevision, DownloadSource, Source

OWN_FOLDER = "own-music"  # in the data folder: whoever has music elsewhere names that folder instead
PLATFORMS = ("netease", "qq", "kuwo")  # their notice is to be read first


def settle() -> bool:
    """Make the sources of a new installation and return True; False where something was set up, or removed, before."""
    if any(model.objects.exists() for model in (ConfigRevision, Source, DownloadSource)):
        return False
    folder = Path(settings.DATA_DIR) / OWN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with transaction.atomic():
        own_files()
        Source.objects.bulk_create(
            (Source(name=name, plugin=name, enabled=False) for name in PLATFORMS), ignore_conflicts=True
        )
        DownloadSource.objects.get_or_create(
            name="library",
            defaults={"plugin": "library", "enabled": True, "settings": {"folder": to_text(os.fsencode(folder))}},
        )
        revisions.save("a new installation")
    return True


def own_files() -> Source:
    """Return the source of files that people brought; it asks nobody, so it is switched on from the start."""
    row = Source.objects.filter(plugin="file").order_by("-enabled", "pk").first()
    if row is None:
        values = {"plugin": "file", "pace": 0.0, "enabled": True}
        row, _made = Source.objects.get_or_create(name="file", defaults=values)
    return row

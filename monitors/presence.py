"""What is at a local path, also where that path is on no disk here: then the snapshot tells."""

from __future__ import annotations

import os

from mediasync.core.paths import to_bytes

from .models import Directory, File, Root
from .selectors import root_of


def is_folder(local: str) -> bool | None:
    """Return whether what is at a path (absolute, stored text) is a folder; None: nothing is there.

    A link that leads nowhere is nothing. Raises OSError for what cannot be looked at.
    """
    found = root_of(local, Root.objects.filter(mounted=False).only("pk", "path"))
    if found is not None:
        return known(*found)
    try:
        mode = os.stat(to_bytes(local)).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return mode & 0o170000 == 0o040000


def known(root: Root, below: str) -> bool | None:
    """Return the same by the snapshot of a root."""
    if Directory.objects.filter(root_id=root.pk, path=below).exists():
        return True
    folder, _, name = below.rpartition("/")
    owners = Directory.objects.filter(root_id=root.pk, path=folder).values("pk")
    return False if File.objects.filter(directory_id__in=owners, name=name).exists() else None

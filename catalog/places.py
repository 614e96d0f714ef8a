"""Where files are: the storage of a backend, and the path on this machine of what lies in a local one."""

from __future__ import annotations

from mediasync.core.errors import UsageError
from mediasync.core.paths import join

from . import plugins
from .models import FileLocation, StorageBackend
from .storage.base import Storage


def storage_of(backend: StorageBackend) -> Storage:
    """Return the storage of a backend; UsageError for a plug-in that is missing and settings that cannot be."""
    made: Storage = plugins.load(plugins.STORAGES, backend.plugin)(backend.container_name, backend.config)
    return made


def path_of(backend: StorageBackend, locator: str) -> str:
    """Return where a file of a local backend lies (absolute stored text).

    Raises UsageError for a backend that is not local, and for a locator that leads out of its folder.
    """
    if backend.kind != StorageBackend.Kind.LOCAL:
        raise UsageError(f"{backend.name} is not a folder of this machine.", code="not_local", backend=backend.name)
    return join(backend.container_name, below(locator))


def is_needed(backend_id: int, locator: str) -> bool:
    """Tell whether a row counts on the file that lies there: two songs may have one."""
    rows = FileLocation.objects.filter(backend=backend_id, locator=locator)
    return rows.filter(status=FileLocation.Status.ACTIVE).exists()


def below(locator: str) -> str:
    """Return a locator if it stays below its backend: relative, without ``.`` and ``..``; else UsageError."""
    parts = locator.split("/")
    if not locator or "\0" in locator or any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"{locator!r} is no place below a backend.", code="bad_locator", locator=locator)
    return locator

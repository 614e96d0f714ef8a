"""Listers, by the name that ``Root.lister`` holds."""

from __future__ import annotations

from collections.abc import Callable

from mediasync.core.paths import to_bytes
from monitors import filesystems
from monitors.filters import Filter
from monitors.models import Root

from .base import Crew, Lister, Reserve
from .clouddrive import CloudDrive
from .local import Local, Mounted
from .rclone import Rclone

__all__ = ["KINDS", "Crew", "Lister", "Reserve", "lister_of"]


def _local(root: Root) -> Lister:
    path = to_bytes(root.path)
    remote = filesystems.is_remote(path)
    return (Mounted if remote else Local)(path, Filter.of(root).spec(), remote=remote, parallel=root.parallel)


KINDS: dict[str, Callable[[Root], Lister]] = {
    Root.Lister.LOCAL: _local,
    Root.Lister.CLOUDDRIVE: CloudDrive,
    Root.Lister.RCLONE: Rclone,
}


def lister_of(root: Root, *, fresh: bool | None = None) -> Lister:
    """Return the lister of a root; ``fresh`` says whether the other side is to read past its caches, if it has any."""
    lister = KINDS[root.lister](root)
    if fresh is not None and isinstance(lister, CloudDrive):
        lister.fresh = fresh
    return lister

"""Files of songs that left a mirrored playlist: into the trash of their folder, unless another playlist has the song.

The row says first that a file is on its way; whatever a kill leaves there is moved the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from django.conf import settings

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people, join, to_bytes
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import Context

from . import presence, signals
from .models import FileLocation, PlaylistSong, StorageBackend
from .places import is_needed, path_of
from .songs import local_files

TRASH = ".mediasync-trash"
BLOCK = 500
Status = FileLocation.Status


def mark(songs: Iterable[int]) -> int:
    """Mark the local files of those songs that are in no playlist any more; inside a transaction."""
    rows = sorted(songs)
    count = 0
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        kept = set(PlaylistSong.objects.filter(song__in=block).values_list("song_id", flat=True))
        gone = [song for song in block if song not in kept]
        pks = list(local_files().filter(file_asset__song__in=gone).values_list("pk", flat=True))
        count += FileLocation.objects.filter(pk__in=pks).update(status=Status.LEAVING)
        presence.refresh(gone)
    return count


def put_away(ctx: Context) -> int:
    """Move what is marked, file by file, and return how many are away. One that cannot be moved stays marked.

    A file that another song has as well stays where it is: only the row goes.
    """
    rows = FileLocation.objects.filter(status=Status.LEAVING).select_related("backend", "file_asset")
    moved = 0
    for location in rows.order_by("pk"):
        ctx.checkpoint()
        kept = is_needed(location.backend_id, location.locator)
        try:
            path = path_of(location.backend, location.locator)
            if not kept:
                _move(path, join(location.backend.container_name, f"{TRASH}/{location.locator}"))
        except (OSError, MediasyncError) as error:
            ctx.log("trash_failed", Level.WARNING, path=for_people(location.locator), error=for_people(str(error)))
            continue
        with ctx.transaction():
            mine = FileLocation.objects.filter(pk=location.pk, status=Status.LEAVING).update(status=Status.INACTIVE)
            if mine and not kept:  # else another thread was faster
                signals.removed.send(FileLocation, paths=[path])
        if mine and not kept:
            ctx.log("trashed", path=for_people(location.locator))
        moved += mine
    return moved


def _move(path: str, target: str) -> None:
    """Move a file (stored text); one that is gone already is fine, and one in the trash makes way."""
    os.makedirs(os.path.dirname(to_bytes(target)), exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(to_bytes(path), to_bytes(target))
        with suppress(OSError):
            os.utime(to_bytes(target))  # from now on it counts how long it is kept


def empty(ctx: Context) -> int:
    """Remove what has lain in the trash for ``KEEP_TRASH_DAYS``, and folders that are empty then; return how many."""
    if settings.KEEP_TRASH_DAYS <= 0:
        return 0
    oldest = ctx.now().timestamp() - settings.KEEP_TRASH_DAYS * 86400
    count = 0
    for backend in StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL, enabled=True):
        top = to_bytes(join(backend.container_name, TRASH))
        if os.path.islink(top):
            continue
        for folder, _folders, names in os.walk(top, topdown=False):
            ctx.checkpoint()
            for name in names:
                count += _remove_old(os.path.join(folder, name), oldest)
            if folder != top:
                with suppress(OSError):
                    os.rmdir(folder)
    if count:
        ctx.log("music_trash_emptied", count=count, days=settings.KEEP_TRASH_DAYS)
    return count


def _remove_old(path: bytes, oldest: float) -> bool:
    with suppress(OSError):
        if os.lstat(path).st_mtime < oldest:
            os.unlink(path)
            return True
    return False

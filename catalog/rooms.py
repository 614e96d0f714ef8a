"""Which folder a new file goes to, and what happens when it is full: one pause, one question, on to another folder."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from mediasync.core.errors import Conflict, NeedsOperator, UsageError
from mediasync.core.paths import for_people, normalise, to_bytes
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState, Source
from mediasync.jobs.models import Job

from .models import StorageBackend

RESERVE = 200_000_000  # bytes that stay free: ten workers start before the first has written
GUESS = 50_000_000  # bytes of a song whose size nobody says
FULL = "disk_full"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def free_bytes(folder: str) -> int:
    """Return the free bytes of the file system below ``folder`` (stored text); of what is above it until it exists."""
    path = to_bytes(folder)
    while not os.path.isdir(path) and path != b"/":
        path = os.path.dirname(path)
    return shutil.disk_usage(path).free


def first_room(root: int | None = None) -> StorageBackend:
    """Return the folder that is asked for, else the one that is marked, else that of ``LIBRARY_DIR``; UsageError."""
    local = StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL)
    if root is not None:
        found = local.filter(pk=root).first()
    else:
        found = local.filter(is_default=True, enabled=True).first()
        if found is None and settings.LIBRARY_DIR:
            return backend_for(settings.LIBRARY_DIR)
    if found is None:
        raise UsageError(
            "Say which folder music is to go to: no local folder is marked for it.", code="no_music_folder"
        )
    return found


def room(root: int | None = None) -> StorageBackend:
    """Return where a file goes now: from the first folder on to where full ones lead. Raises UsageError."""
    found, seen = first_room(root), set()
    while found.overflow_id is not None and found.pk not in seen:
        seen.add(found.pk)
        found = StorageBackend.objects.get(pk=found.overflow_id)
    return found


def need(backend: StorageBackend, size: int | None, free: Callable[[str], int] | None = None) -> None:
    """Raise NeedsOperator when a file of so many bytes (None = unknown) does not fit with some to spare."""
    wanted = (GUESS if size is None else size) + RESERVE
    try:
        there = (free or free_bytes)(backend.container_name)
    except OSError as error:
        raise gone(backend, error) from None
    if there < wanted:
        raise full(backend, free=there, needed=wanted)


def full(backend: StorageBackend, **params: int) -> NeedsOperator:
    """Return the error of a full folder: the engine lets what runs end, and pauses the job once."""
    folder = for_people(backend.container_name)
    return NeedsOperator(
        f"There is no room left in {folder}: name another folder.",
        code=FULL,
        backend=backend.pk,
        folder=folder,
        **params,
    )


def gone(backend: StorageBackend, error: OSError) -> NeedsOperator:
    """Return the error of a folder that cannot be used (or, by its number, is full)."""
    if error.errno in NO_ROOM:
        return full(backend)
    folder = for_people(backend.container_name)
    return NeedsOperator(
        f"{folder} cannot be written to: {error.strerror or error}.",
        code="library_unusable",
        backend=backend.pk,
        folder=folder,
        error=str(error.strerror or error),
    )


def backend_for(folder: str) -> StorageBackend:
    """Return the local backend of a folder (stored text, from the root), making both when they are missing.

    UsageError for a relative path and for a folder that cannot be made or written to.
    """
    try:
        path = normalise(folder.strip())
    except ValueError as error:
        raise UsageError(f"Name a folder from its root: {error}.", code="bad_folder") from None
    try:
        os.makedirs(to_bytes(path), exist_ok=True)
        writable = os.access(to_bytes(path), os.W_OK | os.X_OK)
    except OSError as error:
        raise UsageError(f"{for_people(path)}: {error.strerror}.", code="bad_folder") from None
    if not writable:
        raise UsageError(f"{for_people(path)} cannot be written to.", code="bad_folder")
    with transaction.atomic():
        local = StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL, container_name=path)
        return local.order_by("pk").first() or StorageBackend.objects.create(
            name=_free_name(path), kind=StorageBackend.Kind.LOCAL, plugin="local_fs", container_name=path
        )


def _free_name(path: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[-40:].strip("-") or "folder"
    taken = set(StorageBackend.objects.filter(name__startswith=stem).values_list("name", flat=True))
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def full_room(job: Job) -> StorageBackend | None:
    """Return the folder for which a job is paused because it is full, or None: show the form only for this."""
    if job.state != JobState.PAUSED or job.reason_code != FULL:
        return None
    return StorageBackend.objects.filter(pk=(job.reason_params or {}).get("backend") or 0).first()


def spill(backend: StorageBackend, folder: str, free: Callable[[str], int] | None = None) -> StorageBackend:
    """Let new files of a full folder go to another one, and return that; whoever says so second is told so.

    Raises UsageError (the folder is no other one, or has no room either) and Conflict (somebody was faster).
    """
    other = backend_for(folder)
    if other.pk == backend.pk:
        raise UsageError("This is the folder that is full: name another one.", code="same_folder")
    if (free or free_bytes)(other.container_name) < GUESS + RESERVE:
        raise UsageError(f"There is no room in {for_people(other.container_name)} either.", code="also_full")
    with transaction.atomic():
        if not StorageBackend.objects.filter(pk=backend.pk, overflow=None).update(overflow=other):
            raise Conflict("Somebody has already named another folder.", code="already_spilled")
        StorageBackend.objects.filter(pk=other.pk).update(overflow=None)  # it has room (again): it leads nowhere else
    return other


def move_on(job: Job, folder: str, *, actor: str, source: Source) -> StorageBackend:
    """Name the folder for the rest of a job that is paused for want of room, and let it go on.

    Raises Conflict when it is not paused for that, and what ``spill`` raises.
    """
    backend = full_room(job)
    if backend is None:
        raise Conflict("This job does not wait for another folder.", code="not_full")
    other = spill(backend, folder)
    jobs.resume(job, actor=actor, source=source)
    return other

"""Uploads: where to, and how one file gets there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import F

from mediasync.core import clock
from mediasync.core.errors import Conflict, MediasyncError, Permanent, UsageError
from mediasync.core.paths import for_people, to_bytes

from . import presence
from .models import FileLocation, StorageBackend, UploadTask
from .places import path_of, storage_of
from .storage.base import Storage, Stored

State = UploadTask.State
ACTIVE = FileLocation.Status.ACTIVE
LOCAL = StorageBackend.Kind.LOCAL
Transaction = Callable[[], AbstractContextManager[None]]
Tell = Callable[[int, int | None], None]


# -- Where to


def register_object_backend(name: str, bucket: str, **config: str) -> tuple[StorageBackend, bool]:
    """Make the object storage ``name``, or bring it up to date; return it and whether it is new.

    ``config`` are the fields of ``storage.s3.S3``. Raises UsageError for what cannot be, and Conflict when the name is
    that of another kind, or when files lie in another bucket under it.
    """
    wanted = {field: value.strip() for field, value in config.items() if value.strip()}
    known = StorageBackend.objects.filter(name=name).first()
    made = known or StorageBackend(name=name, kind=StorageBackend.Kind.OBJECT, plugin="s3")
    if made.kind != StorageBackend.Kind.OBJECT:
        raise Conflict(f"{name} is another kind of backend.", code="backend_other_kind", name=name)
    moved = known is not None and known.container_name != bucket
    if moved and FileLocation.objects.filter(backend=known, status=ACTIVE).exists():
        raise Conflict(
            f"Files lie in the bucket {made.container_name}: register {bucket} under another name.",
            code="bucket_in_use",
            bucket=made.container_name,
        )
    made.container_name, made.config = bucket, wanted
    try:
        made.full_clean(validate_unique=known is None)
    except ValidationError as error:
        said = ", ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        raise UsageError(f"This cannot be an object storage: {said}", code="bad_backend") from None
    storage_of(made)  # refuses settings that cannot be; asks nobody
    made.save()
    return made, known is None


def register_from_settings() -> StorageBackend | None:
    """Register what the settings ``OBJECT_…`` name; None if they name nothing."""
    config = dict(settings.OBJECT_BACKEND)
    name, bucket = config.pop("name"), config.pop("bucket")
    return register_object_backend(name, bucket, **config)[0] if name else None


def target(scope: Mapping[str, Any]) -> StorageBackend:
    """Return where a job uploads to: what it names (id), else what the settings name, else the only one that there is.

    Raises UsageError when that leaves nothing, or more than one.
    """
    remote = StorageBackend.objects.filter(enabled=True).exclude(kind=LOCAL)
    if named := scope.get("backend"):
        found = list(StorageBackend.objects.filter(enabled=True, pk=named))
    else:
        found = list(remote.filter(name=settings.OBJECT_BACKEND["name"])) or list(remote[:2])
    if len(found) != 1:
        names = ", ".join(remote.order_by("name").values_list("name", flat=True)) or "none"
        raise UsageError(f"Say which backend to upload to; there are: {names}.", code="no_target", names=names)
    return found[0]


# -- One file


def perform(
    task_id: int, storage: Storage, tell: Tell, within: Transaction, *, verify: bool = False, force: bool = False
) -> bool:
    """Upload one file and write all that follows from it in one transaction; False if it was there already.

    The local file stays, and stays the primary one. Raises what the storage raises, and Permanent for a file that is
    gone or is not what it was; the task says so too. ``force`` uploads whatever is there.
    """
    task = UploadTask.objects.select_related("file_asset", "backend", "source_location__backend").get(pk=task_id)
    there = FileLocation.objects.filter(file_asset=task.file_asset, backend=task.backend, status=ACTIVE)
    size = task.file_asset.file_size_bytes
    if not (force or verify) and there.exists():
        with within():
            _set(task, State.SUCCEEDED)
        return False
    try:
        if verify and not force and storage.exists(task.locator) == size:
            with within():
                if not there.filter(locator=task.locator).exists():
                    _note(task, Stored(task.locator, size, public_url=storage.address(task.locator)))
                _set(task, State.SUCCEEDED)
            return False
        path = _source(task, any_size=force)
        with within():
            UploadTask.objects.filter(pk=task.pk).update(attempts=F("attempts") + 1)
            _set(task, State.UPLOADING)
        stored = storage.put(path, task.locator, tell)
    except MediasyncError as error:
        with within():
            _set(task, State.FAILED, str(error))
        raise
    except BaseException:  # Stop, or a mistake of ours: nobody works on it now
        with within():
            _set(task, State.PENDING)
        raise
    with within():
        _note(task, stored)
        _set(task, State.SUCCEEDED)
    return True


def _source(task: UploadTask, *, any_size: bool) -> Path:
    """Return the local file: that of the task, else another copy of the same version."""
    rows = FileLocation.objects.filter(file_asset=task.file_asset, status=ACTIVE, backend__kind=LOCAL)
    rows = rows.exclude(backend=task.backend).select_related("backend").order_by("-is_primary", "id")
    found = sorted(rows, key=lambda row: row.pk != task.source_location_id)
    wrong = ""
    for row in found:
        path = to_bytes(path_of(row.backend, row.locator))
        try:
            size = os.stat(path).st_size
        except OSError:
            continue
        if any_size or size == task.file_asset.file_size_bytes:
            return Path(os.fsdecode(path))
        wrong = wrong or row.locator
    if wrong:
        text = f"{for_people(wrong)} has changed since it was stored; force it to upload it as it is."
        raise Permanent(text, code="file_changed", locator=wrong)
    locator = found[0].locator if found else task.locator
    raise Permanent(f"{for_people(locator)} is not there.", code="file_missing", locator=locator)


def _note(task: UploadTask, stored: Stored) -> None:
    """Write down where it lies now, and that the song is there."""
    FileLocation.objects.update_or_create(
        file_asset=task.file_asset,
        backend=task.backend,
        locator=stored.locator,
        defaults={
            "status": ACTIVE,
            "is_primary": False,
            "public_url": stored.public_url,
            "remote_file_id": stored.remote_file_id,
        },
    )
    presence.refresh([task.file_asset.song_id])


def _set(task: UploadTask, state: UploadTask.State, error: str = "") -> None:
    UploadTask.objects.filter(pk=task.pk).update(state=state, error=error[:500], changed_at=clock.system.now())

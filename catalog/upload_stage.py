"""The stage ``upload``: one item a file, so that each can be tried again alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock
from mediasync.core.errors import AccessDenied, NeedsOperator
from mediasync.core.paths import for_people
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import (
    JSON,
    Context,
    Done,
    ItemInfo,
    JobInfo,
    NewItem,
    Outcome,
    Planned,
    Skipped,
    Stage,
    Text,
)

from . import uploads
from .models import Playlist, StorageBackend, UploadTask
from .places import storage_of
from .selectors import group_of
from .storage.base import Storage
from .upload_queue import Queue, Queued, Wanted

LONGEST = 400  # characters of a locator in the key of an item


class Upload(Stage):
    """Bring what lies on this machine to another backend."""

    name = "upload"
    label: Text = _("Upload")
    effect = Effect.IDEMPOTENT  # the same key again gives the same object

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Storage] = {}

    def workers_for(self, job: JobInfo) -> int:
        return int(job.scope.get("workers") or settings.UPLOAD_WORKERS)

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield files that are missing on the backend; the cursor is (last version, files so far)."""
        after, done = cursor or (0, 0)
        backend, wanted = uploads.target(job.scope), Wanted.of(job.scope)
        if wanted.limit and done >= wanted.limit:
            return
        left = replace(wanted, limit=max(0, wanted.limit - done))
        queue = Queue(backend, self._storage(backend), left, after)
        playlists = wanted.songs.get("playlists") or []
        names = dict(Playlist.objects.filter(pk__in=playlists).values_list("pk", "name"))
        for block in queue.blocks():
            done += len(block)
            yield Planned([_item(each, names) for each in block], [queue.after, done])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        """Upload one file. Keys that are refused pause the job: every other file would meet the same."""
        task = UploadTask.objects.select_related("backend").filter(pk=item.payload["task"]).first()
        if task is None:
            return Skipped("upload_gone")
        verify = bool(ctx.job.scope.get("verify"))
        storage = self._storage(task.backend)
        try:
            done = uploads.perform(
                task.pk, storage, _tell(task.locator, ctx), ctx.transaction, verify=verify, force=item.force
            )
        except AccessDenied as error:
            name = task.backend.name
            raise NeedsOperator(f"{name}: {error}", code="storage_denied", backend=name) from None
        return Done({"uploaded": 1}) if done else Skipped("already_there")

    def _storage(self, backend: StorageBackend) -> Storage:
        """Return the storage of a backend, the same one for all threads; a change of its settings makes a new one."""
        key = json.dumps([backend.pk, backend.plugin, backend.container_name, backend.config], sort_keys=True)
        with self._lock:
            if key not in self._open:
                self._open.clear() if len(self._open) > 20 else None
                self._open[key] = storage_of(backend)
            return self._open[key]


def _item(each: Queued, names: dict[int, str]) -> NewItem:
    key = f"{for_people(each.name)[:LONGEST]} #{each.asset}"
    if each.playlist is None:
        return NewItem(key, {"task": each.task}, each.platform, each.platform)
    return NewItem(key, {"task": each.task}, group_of(each.playlist), names.get(each.playlist, ""))


def _tell(locator: str, ctx: Context) -> Any:
    """Return what hears how far an upload is: it reports, and stops it when that was asked for."""
    begun = clock.system.monotonic()

    def tell(done: int, total: int | None) -> None:
        ctx.checkpoint()
        seconds = clock.system.monotonic() - begun
        name = for_people(locator.rpartition("/")[2])
        ctx.progress(name, bytes_per_second=done / seconds if seconds > 0.1 else 0.0)

    return tell

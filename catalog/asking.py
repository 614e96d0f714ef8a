"""Which sources a job may ask, and what is kept of those that refused or failed."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections.abc import Mapping
from typing import Any

from mediasync.core.errors import AccessDenied, WorkError
from mediasync.core.texts import plain
from mediasync.jobs.models import Command, Job
from mediasync.jobs.registry import Context
from mediasync.jobs.transitions import ended

from .models import DownloadSource, Source

Occasion = tuple[int, dt.datetime | None, int | None]  # job, when it was made, the newest command to it
JOBS = 100  # occasions of which it is remembered who refused us


def sources_for(scope: Mapping[str, Any]) -> list[Source]:
    """Return the sources that are switched on and that a scope means, by name."""
    rows = Source.objects.filter(enabled=True).order_by("name")
    return list(rows.filter(name__in=scope["sources"]) if scope.get("sources") else rows)


def note_failure(source: Source | DownloadSource, what: str, error: WorkError, ctx: Context) -> None:
    """Write down at the source what went wrong with it last, and in doing what."""
    with ctx.transaction():
        type(source)._default_manager.filter(pk=source.pk).update(last_error=plain(f"{what}: {error}")[:500])


def forget_failure(source: Source | DownloadSource, what: str, ctx: Context) -> None:
    """Forget what went wrong in doing the same."""
    if source.last_error.startswith(f"{what}: "):
        with ctx.transaction():
            mine = type(source)._default_manager.filter(pk=source.pk, last_error=source.last_error)
            mine.update(last_error="")


def occasion(job: int) -> Occasion:
    """Return what stands for this start of a job; after a resume or a retry it is another."""
    created = Job.objects.filter(pk=job).values_list("created", flat=True).first()
    asked = Command.objects.filter(job=job).order_by("-id").values_list("pk", flat=True).first()
    return job, created, asked


class Refusals:
    """Who refused us on which occasion: a source whose login is wrong is not asked again (by this process)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: dict[Occasion, dict[str, AccessDenied]] = {}

    def note(self, when: Occasion, source: str, error: AccessDenied) -> None:
        with self._lock:
            while len(self._denied) >= JOBS:
                self._denied.pop(next(iter(self._denied)))
            self._denied.setdefault(when, {})[source] = error

    def of(self, when: Occasion) -> Mapping[str, AccessDenied]:
        """Return what the sources said that refused us."""
        return dict(self._denied.get(when, {}))

    def check(self, when: Occasion, source: str) -> None:
        """Raise what the source said when it refused us."""
        if error := self._denied.get(when, {}).get(source):
            raise type(error)(str(error), code=error.code, **error.params)

    def forget(self, job: int | None = None) -> None:
        """Forget what a job heard, or all of them."""
        with self._lock:
            for when in [each for each in self._denied if job in (None, each[0])]:
                del self._denied[when]


refusals = Refusals()


def on_ended(sender: Any, job_id: int, **_more: Any) -> None:
    """A job ended: nothing of it is kept in memory."""
    refusals.forget(job_id)
    if "catalog.downloads.shelf" in sys.modules:  # else nobody has searched in this process
        from .downloads import shelf

        shelf.forget(job_id)


def connect() -> None:
    """Hear of jobs that end."""
    ended.connect(on_ended, dispatch_uid="forget what was kept for a job")

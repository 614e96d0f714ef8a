"""Which sources a job may ask, and what is kept of those that refused or failed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from mediasync.core.errors import AccessDenied, WorkError
from mediasync.core.texts import plain
from mediasync.jobs.registry import Context

from .models import Source

JOBS = 100  # of which it is remembered who refused us


def sources_for(scope: Mapping[str, Any]) -> list[Source]:
    """Return the sources that are switched on and that a scope means, by name."""
    rows = Source.objects.filter(enabled=True).order_by("name")
    return list(rows.filter(name__in=scope["sources"]) if scope.get("sources") else rows)


def note_failure(source: Source, what: str, error: WorkError, ctx: Context) -> None:
    """Write down at the source what went wrong with it last, and in doing what."""
    with ctx.transaction():
        Source.objects.filter(pk=source.pk).update(last_error=plain(f"{what}: {error}")[:500])


def forget_failure(source: Source, what: str, ctx: Context) -> None:
    """Forget what went wrong in doing the same."""
    if source.last_error.startswith(f"{what}: "):
        with ctx.transaction():
            Source.objects.filter(pk=source.pk, last_error=source.last_error).update(last_error="")


class Refusals:
    """Who refused us in which job: a source whose login is wrong is not asked again in it (by this process)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: dict[int, dict[str, AccessDenied]] = {}

    def note(self, job: int, source: str, error: AccessDenied) -> None:
        with self._lock:
            while len(self._denied) >= JOBS:
                self._denied.pop(next(iter(self._denied)))
            self._denied.setdefault(job, {})[source] = error

    def forget(self) -> None:
        self._denied.clear()

    def check(self, job: int, source: str) -> None:
        """Raise what the source said when it refused us."""
        if error := self._denied.get(job, {}).get(source):
            raise type(error)(str(error), code=error.code, **error.params)


refusals = Refusals()

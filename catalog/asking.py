"""Which sources a job may ask, and what is kept of those that refused or failed."""

from __future__ import annotations

import datetime as dt
import math
import sys
import threading
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Unreachable, WorkError
from mediasync.core.texts import plain
from mediasync.jobs.models import Command, Job
from mediasync.jobs.registry import Context
from mediasync.jobs.transitions import ended

from .models import DownloadSource, Source

Occasion = tuple[int, dt.datetime | None, int | None]  # job, when it was made, the newest command to it
E = TypeVar("E", bound=WorkError)
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


class Kept(Generic[E]):
    """What sources said on which occasion, so that they are not asked again for ``seconds`` (by this process)."""

    def __init__(self, seconds: float = math.inf, clock: Clock = clocks.system) -> None:
        self._lock = threading.Lock()
        self._said: dict[Occasion, dict[str, tuple[float, E]]] = {}
        self._seconds, self._clock = seconds, clock

    def note(self, when: Occasion, source: str, error: E) -> None:
        with self._lock:
            while len(self._said) >= JOBS:
                self._said.pop(next(iter(self._said)))
            self._said.setdefault(when, {})[source] = self._clock.monotonic(), error

    def of(self, when: Occasion) -> Mapping[str, E]:
        """Return what the sources said that are not to be asked now."""
        with self._lock:
            said = dict(self._said.get(when, {}))
        since = self._clock.monotonic() - self._seconds
        return {source: error for source, (at, error) in said.items() if at > since}

    def check(self, when: Occasion, source: str) -> None:
        """Raise what the source said, if it is not to be asked now."""
        if error := self.of(when).get(source):
            raise type(error)(str(error), code=error.code, **error.params)

    def forget(self, job: int | None = None) -> None:
        """Forget what a job heard, or all of them."""
        with self._lock:
            for when in [each for each in self._said if job in (None, each[0])]:
                del self._said[when]


refusals: Kept[AccessDenied] = Kept()  # a login that is wrong stays wrong
hitches: Kept[Unreachable] = Kept(60.0)  # who hangs would hold up each song for minutes


def on_ended(sender: Any, job_id: int, **_more: Any) -> None:
    """A job ended: nothing of it is kept in memory."""
    refusals.forget(job_id)
    hitches.forget(job_id)
    if "catalog.downloads.shelf" in sys.modules:  # else nobody has searched in this process
        from .downloads import shelf

        shelf.forget(job_id)


def connect() -> None:
    """Hear of jobs that end."""
    ended.connect(on_ended, dispatch_uid="forget what was kept for a job")

"""What a running item is lent: progress, log, checkpoints and fenced transactions. Knows no queue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from mediasync.core.errors import Stop

from . import items
from .choices import Level
from .leases import fence
from .models import Event
from .notes import Notes
from .outcomes import Claimed, dumps, storable
from .pulse import Signals
from .registry import JSON, JobInfo


class ItemContext:
    """``registry.Context`` for the items of one call of ``run`` or ``run_batch``.

    ``tick`` is called from the item's own thread where items run in the main thread: it looks for requests, reports
    progress, and (told so by a checkpoint) writes what is due.
    """

    def __init__(
        self,
        job: JobInfo,
        stage_id: int,
        claimed: Sequence[Claimed],
        signals: Signals,
        notes: Notes,
        tick: Callable[[bool], None] | None = None,
    ) -> None:
        self.job = job
        self.claimed = claimed
        self.text = ""
        self.bytes_per_second = 0.0
        self.numbers: dict[str, float] = {}
        self.unsaved: JSON = None  # the cursor of the last checkpoint, until it is written
        self._stage_id = stage_id
        self._signals = signals
        self._notes = notes
        self._tick = tick
        self._inside = False

    def now(self) -> dt.datetime:
        return self._signals.lease.clock.now()

    @property
    def stopping(self) -> bool:
        if self._tick:
            self._tick(False)
        return self._signals.stopping

    def checkpoint(self, cursor: JSON = None) -> None:
        """Stop here if that was asked; when only the slice's time is up, stop if ``cursor`` saves the work done."""
        if cursor is not None:
            self.unsaved = cursor
        if self._tick:
            self._tick(not self._inside)
        if self._signals.stopping or (self._signals.over and cursor is not None):
            raise Stop

    @contextmanager
    def transaction(self, cursor: JSON = None) -> Iterator[None]:
        """Open a fenced transaction; keep it short, the job's other threads wait for it."""
        with transaction.atomic():
            fence(self._signals.lease)
            self.unsaved = None  # older than what this transaction saves; the fence keeps the main thread out
            if cursor is not None:
                saved = dumps(cursor)
                items.save_cursors((each.info.id, saved) for each in self.claimed)
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def progress(self, text: str = "", *, bytes_per_second: float = 0.0, **numbers: float) -> None:
        self.text = text or self.text
        self.bytes_per_second = bytes_per_second
        self.numbers.update(numbers)
        if self._tick:
            self._tick(False)

    def log(self, code: str, level: Level = Level.INFO, **params: Any) -> None:
        self._notes.events.append(
            Event(
                job_id=self.job.id,
                stage_id=self._stage_id,
                item_key=self.claimed[0].info.key if len(self.claimed) == 1 else "",
                at=self.now(),
                level=level,
                code=code[:100],
                params=storable(params),
            )
        )

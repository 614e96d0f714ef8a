"""The newest lines that were logged while a job was worked on, kept with the job for its page.

The slice stores them with its other notes, at most once a second, so logging itself never touches the database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mediasync.core.clock import Clock

from . import rings
from .models import JobLog
from .outcomes import storable


@contextmanager
def ring_of(job_id: int) -> Iterator[None]:
    """Gather the lines of a job inside the block, after those that earlier slices have stored."""
    text = JobLog.objects.filter(job_id=job_id).values_list("text", flat=True).first() or ""
    rings.kept[job_id] = deque(text.splitlines(), maxlen=rings.LINES)
    try:
        with rings.about(job_id):
            yield
    finally:
        rings.kept.pop(job_id, None)
        rings.unsaved.discard(job_id)


def save(job_id: int, clock: Clock) -> None:
    """Store the lines of a job if there are new ones; belongs into a fenced transaction."""
    if job_id in rings.unsaved:
        rings.unsaved.discard(job_id)
        text = str(storable("\n".join(rings.kept[job_id])))
        JobLog.objects.update_or_create(job_id=job_id, defaults={"text": text, "updated": clock.now()})

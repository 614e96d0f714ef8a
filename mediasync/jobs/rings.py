"""The newest log lines of each job that this process works on. Plain Python: logging is set up before any model is.

``Ring`` is a handler of the root logger: it takes what threads log that are ``about`` a job. ``logs.py`` stores it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LINES, LONGEST = 200, 2000  # lines a job, characters a line

_job: ContextVar[int | None] = ContextVar("job", default=None)
kept: dict[int, deque[str]] = {}
unsaved: set[int] = set()


class Ring(logging.Handler):
    """Keep what is logged about a job."""

    def emit(self, record: logging.LogRecord) -> None:
        job = _job.get()
        if job is not None and (lines := kept.get(job)) is not None:
            lines.extend(line[:LONGEST] for line in self.format(record).splitlines())
            unsaved.add(job)


@contextmanager
def about(job_id: int) -> Iterator[None]:
    """Take what this thread logs inside the block for the job's."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)

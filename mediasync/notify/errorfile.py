"""Unhandled errors on their way to people: a line in a file now, a notice when the conductor reads it.

The handler runs wherever an error is logged, also inside a broken transaction, so it must not touch the database.
Lines are appended whole (O_APPEND), so processes need no lock.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "errors.jsonl"  # in MEDIASYNC_DATA
MOST = 1_000_000  # bytes that may wait; an error in a loop must not fill the disk
TRACE = 1500  # characters of a traceback, its end
NOT_OURS = ("mediasync.notify", "django.security", "apprise")  # would go round in a circle; strangers can cause them


class ErrorFile(logging.Handler):
    """Append each error that carries an exception to ``path``. A file that cannot be written costs the line only."""

    def __init__(self, path: str) -> None:
        super().__init__(logging.ERROR)
        self.path = Path(path)

    def emit(self, record: logging.LogRecord) -> None:
        if not record.exc_info or record.exc_info[0] is None or record.name.startswith(NOT_OURS):
            return
        try:
            line = (json.dumps(told(record)) + "\n").encode()
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.fstat(file).st_size < MOST:
                    os.write(file, line)
            finally:
                os.close(file)
        except (OSError, ValueError, RecursionError):
            return


def told(record: logging.LogRecord) -> dict[str, Any]:
    """Return what people are told of an error: no values of variables, which may be secrets."""
    assert record.exc_info is not None
    kind, error, trace = record.exc_info
    frames = traceback.extract_tb(trace)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else record.name
    lines = "".join(traceback.format_list(frames))
    name = kind.__name__ if kind else "Error"
    return {
        "at": record.created,
        "logger": record.name,
        "error": f"{name}: {error}"[:300],
        "where": where,
        "trace": lines[-TRACE:],
    }


def take(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key, facts) of what was written, and remove it when all was taken.

    One that dies meanwhile leaves a file that the next one reads first. The key is the same for the same error in the
    same hour, so that one in a loop is told once an hour.
    """
    reading = path.with_name(path.name + ".reading")
    for _ in range(2):  # what a dead one left, then what is new
        if not reading.exists():
            if not path.exists():
                return
            path.rename(reading)
        for line in reading.read_bytes().splitlines():
            if (facts := _facts(line)) is not None:
                hour = dt.datetime.fromtimestamp(facts["at"], dt.UTC).strftime("%Y-%m-%dT%H")
                kind = str(facts["error"]).partition(":")[0]
                yield f"{hour} {kind} {facts['where']}"[-200:], facts
        reading.unlink(missing_ok=True)


def _facts(line: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(line)
        dt.datetime.fromtimestamp(facts["at"], dt.UTC)
        return facts if isinstance(facts, dict) and {"error", "where", "logger", "trace"} <= facts.keys() else None
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None

"""The list of what was put away, beside it: one JSON document a line, on the disk before the first thing is moved.

It tells a person, or a program, what lies where without our database: ``path`` (below ``base``: the data or the cache
folder), ``to`` (below the run's quarantine), what ``lstat`` said, the target of a link; and for a value of Plex's
database the item, the column, the old and the new value. A line is an intent: look whether it was done. Lines may come
twice, after a crash.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .plexdata.safe import Root

NAME = "manifest.jsonl"
_encode = json.JSONEncoder(separators=(",", ":")).encode
quoted = json.encoder.encode_basestring_ascii
"""A text as JSON."""


class Manifest:
    """The open list of one run. ``write`` returns when the lines are on the disk."""

    def __init__(self, quarantine: Root) -> None:
        with suppress(FileExistsError):
            os.close(quarantine.create(NAME))
            quarantine.sync()
        above = quarantine.open_folder()
        try:
            self._fd = os.open(NAME, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        finally:
            os.close(above)
        self._end_line()

    def close(self) -> None:
        os.close(self._fd)

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append the documents and wait for the disk; OSError when it is full."""
        self.lines([_encode(line) for line in lines])

    def lines(self, lines: Sequence[str]) -> None:
        """Append documents that are JSON already; see ``write``."""
        if not lines:
            return
        data = memoryview(("\n".join(lines) + "\n").encode("ascii"))
        while data:
            data = data[os.write(self._fd, data) :]
        os.fsync(self._fd)

    def _end_line(self) -> None:
        """End the half of a line that a crash may have left."""
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")


def read(quarantine: Root) -> Iterator[dict[str, Any]]:
    """Yield the documents of a manifest; half a line, which a crash leaves, is passed over."""
    try:
        opened = quarantine.open_file(NAME)
    except FileNotFoundError:
        return
    with os.fdopen(opened, "rb") as file:
        for line in file:
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found

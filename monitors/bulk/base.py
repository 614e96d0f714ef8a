"""What a bulk writer does. Every call belongs inside ``ctx.transaction()``; rows are plain tuples in column order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

DirectoryRow = tuple[int, int, int | None, str, int, int, int, bool, str]
DIRECTORY = ("id", "root_id", "parent_id", "path", "mtime_ns", "signature", "listed_at", "dirty", "error")
DirectoryUpdate = tuple[int, int, int, int, bool, str]
DIRECTORY_UPDATE = ("id", "mtime_ns", "signature", "listed_at", "dirty", "error")
FileRow = tuple[int, str, int, int, int | None]
FILE = ("directory_id", "name", "size", "mtime_ns", "ident")
ChangeRow = tuple[int, int | None, str, str, bool, str, str, int, int, str, dt.datetime]
CHANGE = (
    *("root_id", "job_id", "kind", "state", "is_dir"),
    *("path", "old_path", "size", "files", "reason", "seen_at"),
)


class Bulk(Protocol):
    """Writes to monitors_directory, monitors_file and monitors_change."""

    def reserve(self, count: int) -> int:
        """Return the first of ``count`` directory ids that nobody else will use (those not used are lost)."""

    def insert_directories(self, rows: Sequence[DirectoryRow]) -> None: ...

    def insert_files(self, flat: list[Any]) -> None:
        """Insert files given as one flat list: the columns of ``FILE``, row after row."""

    def insert_changes(self, rows: Sequence[ChangeRow]) -> None: ...

    def update_directories(self, rows: Sequence[DirectoryUpdate]) -> None: ...

    def update_files(self, rows: Sequence[FileRow]) -> None: ...

"""A copy of our own database, taken while others may be using it."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediasync.core.errors import MediasyncError, UsageError


def backup(database: Mapping[str, Any], folder: Path, *, now: dt.datetime, label: str) -> Path:
    """Copy the database (an entry of ``DATABASES``) into ``folder`` and return the file.

    SQLite is copied with its own backup interface, PostgreSQL with ``pg_dump --format=custom``. The file appears
    under its name only when it is complete.

    Raises UsageError when pg_dump is missing, MediasyncError when the copy failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    is_sqlite = database["ENGINE"].endswith("sqlite3")
    name = f"{label}-{now:%Y%m%d-%H%M%S}.{'sqlite3' if is_sqlite else 'pgdump'}"
    draft = folder / f".{name}.part"
    try:
        if is_sqlite:
            _copy_sqlite(Path(database["NAME"]), draft)
        else:
            _dump_postgres(database, draft)
        return draft.rename(folder / name)
    finally:
        draft.unlink(missing_ok=True)


def prune(folder: Path, *, label: str, keep: int) -> None:
    """Remove all but the ``keep`` newest backups of one label."""
    for old in sorted(folder.glob(f"{label}-*"))[:-keep]:
        old.unlink()


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy, pages=4096)
            (answer,) = copy.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        raise MediasyncError(f"The database {source} could not be copied: {error}.", code="backup_failed") from error
    if answer != "ok":
        raise MediasyncError(f"The copy of {source} is damaged: {answer}.", code="backup_failed")


def _dump_postgres(database: Mapping[str, Any], target: Path) -> None:
    program = shutil.which("pg_dump")
    if not program:
        raise UsageError(
            "A backup is made before the database is changed, and pg_dump is not installed. "
            "Install PostgreSQL's client programs, or make your own backup and start with --no-backup."
        )
    options = {"--host": database.get("HOST"), "--port": database.get("PORT"), "--username": database.get("USER")}
    arguments = [f"{name}={value}" for name, value in options.items() if value]
    result = subprocess.run(
        [program, "--format=custom", f"--file={target}", "--no-password", *arguments, database["NAME"]],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": database.get("PASSWORD") or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise MediasyncError(f"pg_dump failed: {result.stderr.strip()}", code="backup_failed")

"""PostgreSQL: COPY, and for updates COPY into a temporary table and one UPDATE from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from .base import (
    CHANGE,
    DIRECTORY,
    DIRECTORY_UPDATE,
    FILE,
    ChangeRow,
    DirectoryRow,
    DirectoryUpdate,
    FileRow,
)

LOCK = 7_203_114  # advisory; any number that nothing else here uses
SEQUENCE = "pg_get_serial_sequence('monitors_directory', 'id')"
ROW = "%d\t%s\t%d\t%d\t%s\n"  # formatted all at once: four times as fast as row by row
NULL = "\\N"
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class PostgreSQL:
    """See ``base.Bulk``."""

    def reserve(self, count: int) -> int:
        # Two crawls must not take their ids between each other's two calls; only crawls make directories.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute(f"SELECT nextval({SEQUENCE})")
            first = int(cursor.fetchone()[0])
            cursor.execute(f"SELECT setval({SEQUENCE}, %s)", [first + count - 1])
        return first

    def insert_directories(self, rows: Sequence[DirectoryRow]) -> None:
        _copy("monitors_directory", DIRECTORY, rows)

    def insert_files(self, flat: list[Any]) -> None:
        text = (ROW * (len(flat) // 5)) % tuple(_escaped(flat))
        with _cursor() as cursor, cursor.copy(f"COPY monitors_file ({', '.join(FILE)}) FROM STDIN") as copy:
            copy.write(text)

    def insert_changes(self, rows: Sequence[ChangeRow]) -> None:
        _copy("monitors_change", CHANGE, rows)

    def update_directories(self, rows: Sequence[DirectoryUpdate]) -> None:
        _update("monitors_directory", DIRECTORY_UPDATE, 1, rows)

    def update_files(self, rows: Sequence[FileRow]) -> None:
        _update("monitors_file", FILE, 2, rows)


def _cursor() -> Any:
    connection.ensure_connection()
    return connection.connection.cursor()


def _escaped(flat: list[Any]) -> list[Any]:
    """Return file rows as COPY's text format wants them; most blocks hold nothing that it escapes."""
    names, idents = flat[1::5], flat[4::5]
    together = "".join(names)
    if "\\" in together or not together.isprintable():
        flat = flat.copy()
        flat[1::5] = [name.translate(ESCAPES) for name in names]
    if None in idents:
        flat = flat.copy()
        flat[4::5] = [NULL if ident is None else ident for ident in idents]
    return flat


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with _cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _update(table: str, columns: Sequence[str], keys: int, rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns after the first ``keys`` ones, which say in what row."""
    if not rows:
        return
    temporary = f"{table}_new"
    with _cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {temporary} ON COMMIT DROP AS "
            f"SELECT {', '.join(columns)} FROM {table} WITH NO DATA"
        )
        _copy(temporary, columns, rows)
        values = ", ".join(f"{column} = new.{column}" for column in columns[keys:])
        same = " AND ".join(f"old.{column} = new.{column}" for column in columns[:keys])
        cursor.execute(f"UPDATE {table} old SET {values} FROM {temporary} new WHERE {same}")
        cursor.execute(f"DROP TABLE {temporary}")

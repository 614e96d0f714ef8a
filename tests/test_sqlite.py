"""The SQLite file can shrink, and reading it does not wait for whoever writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

from mediasync import settings as shipped
from mediasync.sqlite import let_shrink


def _connect(path: Path, **options: object) -> DatabaseWrapper:
    entry = {"NAME": str(path), "OPTIONS": {**shipped.SQLITE_OPTIONS, **options}}
    defaults = {"TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True}
    return DatabaseWrapper({**defaults, **entry, "ENGINE": "django.db.backends.sqlite3"}, "extra")


@pytest.mark.django_db
def test_a_new_file_can_shrink_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    for name, already, mode in (("new", "", 2), ("old", "CREATE TABLE t (x)", 0)):
        connection = _connect(tmp_path / name)
        with connection.cursor() as cursor:
            cursor.execute(already or "PRAGMA user_version").fetchall()
            let_shrink(connection)
            cursor.execute("CREATE TABLE first (x)")
            assert cursor.execute("PRAGMA auto_vacuum").fetchone() == (mode,)
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()


@pytest.mark.django_db
def test_a_reader_connects_while_somebody_writes(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "db", isolation_level=None)
    writer.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x)")
    writer.execute("BEGIN IMMEDIATE")
    reader = _connect(tmp_path / "db", timeout=0.05)
    with reader.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)
    reader.close()
    writer.close()

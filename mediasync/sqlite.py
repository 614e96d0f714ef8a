"""What is set once, when our SQLite file is made, and not at each connection."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


def before_migrations(sender: Any, using: str, **_more: Any) -> None:
    """Prepare a database that is about to get its first table; for the signal ``pre_migrate``."""
    let_shrink(connections[using])


def let_shrink(connection: BaseDatabaseWrapper) -> None:
    """Let retention give the pages of deleted rows back bit by bit, if no table was made yet.

    Each ``PRAGMA auto_vacuum`` writes to the file. In ``init_command`` it made every connection, and so every page,
    wait for whoever was writing.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block or connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("VACUUM")  # the header is there already: journal_mode wrote it

"""Write many rows of the snapshot at once: one module a database, because the ORM's objects cost eight times more."""

from __future__ import annotations

from django.db import connection

from .base import Bulk

__all__ = ["Bulk", "store"]


def store() -> Bulk:
    """Return the writer for the database that is used."""
    if connection.vendor == "postgresql":
        from .postgresql import PostgreSQL

        return PostgreSQL()
    from .sqlite import SQLite

    return SQLite()

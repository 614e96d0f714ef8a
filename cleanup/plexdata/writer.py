"""Addresses written into Plex's live database: guarded by the old value, in small transactions, read back.

Plex's triggers keep its index of titles, with a tokenizer that only its own program has, so a plain UPDATE fails on
most databases. No trigger concerns the addresses: they are left out by one of three methods (``methods.py``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, NamedTuple, Self

from mediasync.core import filesystems, paths
from mediasync.core.errors import MediasyncError, Permanent

from . import methods
from .database import Schema, open_ro, probe
from .methods import Busy, Failed, Method, Update

__all__ = ["Update", "Writer", "Written", "check_place", "open_writer"]

ROWS = 50  # of one transaction
SECONDS = 0.25  # that one transaction may take
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds between tries on a locked database
BUSY_MS = 30_000  # how long SQLite itself waits for a lock

Wait = Callable[[float], None]
"""Waits so many seconds; may raise to stop. Called with no transaction open."""


class Written(NamedTuple):
    """What became of an update. ``outcome`` is a value of ``choices.Outcome``."""

    outcome: Literal["updated", "db_changed", "locked", "error"]
    detail: str = ""


class Writer:
    """Made by ``open_writer``; use it in a ``with``. ``method`` says how it writes."""

    def __init__(self, how: Method, schema: Schema, wait: Wait, waits: Sequence[float] = WAITS) -> None:
        self._how, self._schema, self._wait, self._waits = how, schema, wait, tuple(waits)

    @property
    def method(self) -> str:
        return self._how.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._how.close()

    def write(self, updates: Sequence[Update]) -> list[Written]:
        """Write each update whose old value is still there; return what became of them, in their order.

        "updated" means that the new value was read back after the commit (also if it was there before, so that a block
        may be written again). After an error that is no lock nothing more is tried: the rest are errors, too.
        """
        self._check(updates)
        done: list[Written] = []
        waits = iter(self._waits)
        while len(done) < len(updates):
            batch = updates[len(done) : len(done) + ROWS]
            try:
                done += self._transact(batch)
                waits = iter(self._waits)
            except Busy:
                seconds = next(waits, None)
                if seconds is None:
                    return done + [Written("locked")] * (len(updates) - len(done))
                self._wait(seconds)
            except Failed as error:
                return done + [Written("error", str(error)[:200])] * (len(updates) - len(done))
        return done

    def _transact(self, batch: Sequence[Update]) -> list[Written]:
        changed = self._how.apply(batch, SECONDS)
        values = self._how.read([(each.item, each.column) for each in batch[: len(changed)]])
        return list(map(_judge, batch, changed, values))

    def _check(self, updates: Sequence[Update]) -> None:
        for each in updates:
            if each.column not in self._schema.columns:
                raise ValueError(f"metadata_items has no address {each.column!r}")


def _judge(update: Update, changed: bool, value: str | None) -> Written:
    if value == update.new:
        return Written("updated")
    return Written("error", "not read back") if changed and value == update.old else Written("db_changed")


def open_writer(
    database: str,
    order: Sequence[str] = methods.NAMES,
    *,
    wait: Wait = time.sleep,
    waits: Sequence[float] = WAITS,
    busy_ms: int = BUSY_MS,
    running: bool = False,
    plex_sqlite: str = "",
) -> Writer:
    """Open the live ``database`` (stored text) with the first method of ``order`` that works there.

    ``running``: Plex is up, so the WAL is left to it. ``plex_sqlite``: its program, where it lies elsewhere. Raises
    Permanent: ``plex_database_remote``, ``plex_database_owner``, or ``plex_no_writer`` with what each method said.
    """
    check_place(database)
    con = open_ro(database)
    try:
        schema = probe(con)
    finally:
        con.close()
    said: dict[str, str] = {}
    for name in order:
        try:
            how = methods.METHODS[name](database, schema, busy_ms=busy_ms, running=running, program=plex_sqlite)
            return Writer(how, schema, wait, waits)
        except (Failed, MediasyncError) as error:
            said[name] = str(error)[:200]
    raise Permanent("Plex's database cannot be written here.", code="plex_no_writer", said=said)


def check_place(database: str, uid: int | None = None) -> None:
    """Raise Permanent where writing would endanger the database.

    On network file systems locks may not hold. And ``-wal`` and ``-shm`` would be ours: Plex, which runs as the owner
    of its database, could not open them (for root SQLite gives them to that owner itself).
    """
    path = os.path.realpath(paths.to_bytes(database))
    kind = filesystems.kind_of(os.fsdecode(path))
    if filesystems.is_remote(kind):
        raise Permanent(f"The database lies on {kind}.", code="plex_database_remote", kind=kind)
    owner, uid = os.stat(path).st_uid, os.geteuid() if uid is None else uid
    if uid not in (0, owner):
        raise Permanent("Only the owner of the database may write.", code="plex_database_owner", owner=owner, uid=uid)

"""Three ways to write an address without Plex's triggers, in the order of what is best.

``triggers_off``  SQLite's own switch, for this connection only: schema and search index stay byte for byte.
``plex_sqlite``   Plex's own program, which has the tokenizer: only where that is installed.
``trigger_swap``  the triggers are dropped and made again, word for word, in the same transaction: the last resort.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import apsw

from mediasync.core import paths

from .database import Schema, open_ro, quoted, uri

PROGRAM = "Plex SQLite"
PROGRAMS = ("/usr/lib/plexmediaserver", "/Applications/Plex Media Server.app/Contents/MacOS", "/opt/plexmediaserver")
TRY = "EXPLAIN UPDATE metadata_items SET {column}={column} WHERE id=-1"  # is prepared, does nothing


class Update(NamedTuple):
    """``column`` of one item is to become ``new`` if it is ``old`` now. None is NULL."""

    item: int
    column: str
    old: str | None
    new: str | None


class Busy(Exception):
    """The database is locked; nothing of the batch was written."""


class Failed(Exception):
    """The database cannot be written (in this way); nothing of the batch was."""


class Method(Protocol):
    """How a batch is written."""

    name: str

    def __init__(self, database: str, schema: Schema, *, busy_ms: int, running: bool, program: str) -> None: ...

    def apply(self, batch: Sequence[Update], seconds: float) -> list[bool]:
        """Write a batch in one transaction, or its beginning once ``seconds`` are over; tell which rows changed."""

    def read(self, places: Sequence[tuple[int, str]]) -> list[str | None]:
        """Return the values of (item, column) as they are now."""

    def close(self) -> None: ...


class _Own:
    """A connection of our own that writes."""

    name = ""

    def __init__(self, database: str, schema: Schema, *, busy_ms: int, running: bool, program: str) -> None:
        del program
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        with _translated():
            self._con = apsw.Connection(uri(database, "rw"), flags=flags)
        try:
            with _translated():
                self._con.set_busy_timeout(busy_ms)
                if running:  # Plex looks after its WAL itself
                    self._con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                    self._con.execute("PRAGMA wal_autocheckpoint=0")
                self.begin(schema)
        except Busy:
            pass  # locked now; each batch waits for itself
        except Failed:
            self._con.close()
            raise

    def begin(self, schema: Schema) -> None:
        """Prepare the connection."""

    def before(self) -> None:
        """Do what comes first in each transaction."""

    def after(self) -> None:
        """Do what comes last in each transaction."""

    def apply(self, batch: Sequence[Update], seconds: float) -> list[bool]:
        until = time.monotonic() + seconds
        changed: list[bool] = []
        with _translated():
            self._con.execute("BEGIN IMMEDIATE")
            try:
                self.before()
                for each in batch:
                    column = quoted(each.column)
                    query = f"UPDATE metadata_items SET {column}=:new WHERE id=:id AND {column} IS :old"
                    self._con.execute(query, {"id": each.item, "old": each.old, "new": each.new})
                    changed.append(self._con.changes() > 0)
                    if time.monotonic() > until:
                        break
                self.after()
                self._con.execute("COMMIT")
            except BaseException:
                if self._con.in_transaction:
                    self._con.execute("ROLLBACK")
                raise
        return changed

    def read(self, places: Sequence[tuple[int, str]]) -> list[str | None]:
        return _read(self._con, places)

    def close(self) -> None:
        self._con.close()


class TriggersOff(_Own):
    """The triggers are switched off for this connection."""

    name = "triggers_off"

    def begin(self, schema: Schema) -> None:
        self._con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        self._con.execute(TRY.format(column=quoted(schema.columns[0])))


class TriggerSwap(_Own):
    """The triggers that an UPDATE would fire are dropped and made again in the same transaction."""

    name = "trigger_swap"
    _triggers: dict[str, str]

    def begin(self, schema: Schema) -> None:
        self._triggers = dict(schema.triggers) if schema.fires else {}

    def before(self) -> None:
        if self._now() != self._triggers:
            raise Failed("the triggers have changed")
        for name in self._triggers:
            self._con.execute(f"DROP TRIGGER {quoted(name)}")

    def after(self) -> None:
        for sql in self._triggers.values():
            self._con.execute(sql)
        if self._now() != self._triggers:
            raise Failed("the triggers could not be made again as they were")

    def _now(self) -> dict[str, str]:
        rows = self._con.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'")
        return {str(name): str(sql) for name, sql in rows if name in self._triggers}


class PlexSqlite:
    """Plex's own SQLite program. Values go in as hexadecimal, so that none of them can be anything but a value."""

    name = "plex_sqlite"

    def __init__(self, database: str, schema: Schema, *, busy_ms: int, running: bool, program: str) -> None:
        places = [program] if program else [os.path.join(folder, PROGRAM) for folder in PROGRAMS]
        found = [each for each in places if os.access(each, os.X_OK) and os.path.isfile(each)]
        if not found:
            raise Failed(f"{PROGRAM} was not found")
        self._command = [os.fsencode(found[0]), paths.to_bytes(database)]
        self._busy_ms, self._running = busy_ms, running
        with contextlib.suppress(Busy):
            self._run([TRY.format(column=quoted(schema.columns[0])) + ";"])
        self._ro = open_ro(database)

    def apply(self, batch: Sequence[Update], seconds: float) -> list[bool]:
        del seconds  # the program is quick, and its transaction is not ours to end
        lines = ["PRAGMA wal_autocheckpoint=0;"] if self._running else []
        lines.append("BEGIN IMMEDIATE;")
        for each in batch:
            column, old, new = quoted(each.column), _literal(each.old), _literal(each.new)
            lines.append(f"UPDATE metadata_items SET {column}={new} WHERE id={int(each.item)} AND {column} IS {old};")
            lines.append("SELECT 'changed', changes();")
        said = self._run([*lines, "COMMIT;"])
        changed = [line.endswith("1") for line in said.splitlines() if line.startswith("changed|")]
        if len(changed) != len(batch):
            raise Failed("the program said something else than expected")
        return changed

    def read(self, places: Sequence[tuple[int, str]]) -> list[str | None]:
        return _read(self._ro, places)

    def close(self) -> None:
        self._ro.close()

    def _run(self, lines: Sequence[str]) -> str:
        script = "\n".join([".bail on", f".timeout {self._busy_ms}", ".mode list", *lines, ""])
        limit = self._busy_ms / 1000 + 60
        try:
            done = subprocess.run(self._command, input=script, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            raise Busy("no answer") from None
        except OSError as error:
            raise Failed(str(error)) from None
        if done.returncode or "rror" in done.stderr:
            raise (Busy if "locked" in done.stderr else Failed)(done.stderr.strip()[-200:])
        return done.stdout


def _literal(value: str | None) -> str:
    return "NULL" if value is None else f"CAST(x'{value.encode().hex()}' AS TEXT)"


def _read(con: apsw.Connection, places: Sequence[tuple[int, str]]) -> list[str | None]:
    def value(item: int, column: str) -> Any:
        row = con.execute(f"SELECT {quoted(column)} FROM metadata_items WHERE id=?", (item,)).fetchone()
        return row[0] if row else None

    with _translated():
        return [value(*each) for each in places]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Busy(str(error)) from None
    except apsw.Error as error:
        raise Failed(str(error)) from None


METHODS: dict[str, type[Method]] = {each.name: each for each in (TriggersOff, PlexSqlite, TriggerSwap)}
NAMES = tuple(METHODS)

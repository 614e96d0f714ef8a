"""Plex's database read without harm: a snapshot in one step, and a probe of what its schema has.

Nothing here gates on versions: ``schema_migrations`` is a set, not a line. Columns and triggers are looked at.

One library for one file: locks of SQLite are those of a process, so two libraries in it (Python's sqlite3 and apsw) do
not see each other's, and closing a file in one lets go of the locks of the other. A second writer would then come in
and break the database (sqlite.org/howtocorrupt.html, 2.2). So Plex's databases are opened with apsw only, and while one
is open nobody may open and close its file in any other way either.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import apsw

from mediasync.core import paths
from mediasync.core.errors import Permanent, Transient

BUSY = 30.0  # seconds that a reader waits for a lock
COLUMN = re.compile(r"user_\w+_url\Z")
NEEDED = {
    "metadata_items": {"id", "metadata_type", "hash", "parent_id"},
    "media_items": {"id", "metadata_item_id"},
    "media_parts": {"hash", "media_item_id"},
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A private, checked copy."""

    path: str  # stored text
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database has. ``addresses``: table → its columns that hold addresses of images."""

    columns: tuple[str, ...]  # of metadata_items: user_thumb_url …
    addresses: dict[str, tuple[str, ...]]  # all others, of any table
    tables: dict[str, frozenset[str]]  # all tables with all columns
    triggers: dict[str, str]  # those on metadata_items that an UPDATE fires: name → SQL
    generation: str  # of the triggers: none, G1, G2, G3, other
    fires: bool  # whether writing an address fires one of them
    migrations: int
    newest: str  # migration, for people only

    def has(self, table: str, *columns: str) -> bool:
        return set(columns) <= self.tables.get(table, frozenset())


def uri(path: str, mode: str = "ro") -> str:
    """Return the address by which SQLite opens a file; ``path`` is stored text."""
    return f"file:{quote(paths.to_bytes(path))}?mode={mode}"


def open_ro(path: str, *, follows: bool = False) -> apsw.Connection:
    """Open a database for reading only; Permanent if it is none (or not ours to open), Transient if it is locked.

    Reading a WAL database makes ``-wal`` and ``-shm`` where Plex is stopped. Root's are given to the owner of the
    database by SQLite itself; anybody else's would lock Plex out, so then it is opened as one that nobody changes
    (``immutable``), if there is no WAL. ``follows``: what changes later must be seen, so that is no way.
    """
    still = _is_still(path)
    if still and follows:
        raise _not_ours(path)
    try:
        mode = "ro&immutable=1" if still else "ro"
        con = apsw.Connection(uri(path, mode), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        con.set_busy_timeout(int(BUSY * 1000))
        con.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except apsw.Error as error:
        raise failed(error, path) from None
    con.execute("PRAGMA query_only=ON")
    return con


def _is_still(path: str) -> bool:
    """Tell whether Plex has stopped and our side files would lock it out; Permanent if there is an old WAL as well."""
    name = paths.to_bytes(path)
    try:
        if os.geteuid() in (0, os.stat(name).st_uid) or os.path.exists(name + b"-shm"):
            return False
    except OSError:  # SQLite says what is wrong
        return False
    if os.path.exists(name + b"-wal") and os.path.getsize(name + b"-wal"):
        raise _not_ours(path)
    return True


def _not_ours(path: str) -> Permanent:
    message = "Only the owner of Plex's database may open it while Plex is stopped."
    return Permanent(message, code="plex_database_owner", path=path)


def snapshot(live: str, to: str) -> Snapshot:
    """Copy ``live`` to ``to`` (replaced) in one step and check the copy; both are stored text.

    One step holds a read lock for about 24 µs a KiB and is consistent under load; stepwise copies start over for ever.
    Raises Transient when locked, Permanent when it cannot be read, the copy is not sound or the disk is full.
    """
    target = Path(os.fsdecode(paths.to_bytes(to)))
    part = target.with_name(target.name + ".part")
    _remove(part)
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        name = paths.to_text(os.fsencode(part))
        _copy(live, name)
        check(name)
        with part.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        part.replace(target)
    except OSError as error:
        answer = f"{target}: {error.strerror}"
        raise Permanent("The copy of Plex's database cannot be written.", code="plex_snapshot", answer=answer) from None
    finally:
        _remove(part)
    return Snapshot(to, size, digest)


def _remove(part: Path) -> None:
    for end in ("", "-journal", "-wal", "-shm"):
        Path(f"{part}{end}").unlink(missing_ok=True)


def _copy(live: str, to: str) -> None:
    still, before = _is_still(live), _facts(live)
    source = open_ro(live)
    try:
        copy = apsw.Connection(uri(to, "rw"), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
        try:
            with copy.backup("main", source, "main") as backup:
                while not backup.done:
                    backup.step(-1)
        finally:
            copy.close()
    except apsw.Error as error:
        raise failed(error, live) from None
    finally:
        source.close()  # at once: a held reader makes the WAL grow
    if still and _facts(live) != before:
        raise Transient("Plex's database changed while it was copied.", code="plex_database_locked", path=live)


def _facts(path: str) -> tuple[object, ...]:
    """Return what changes when somebody writes a database that was at rest; ``stat`` only, as nothing may open it."""
    name = paths.to_bytes(path)
    try:
        found = os.stat(name)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, os.path.exists(name + b"-wal")


def check(path: str) -> None:
    """Run ``quick_check`` on each table of a private copy, or raise Permanent with its first words.

    Plex's collations exist only in its own program; any stand-in does for this check. Never used on a live database.
    Virtual tables cannot be asked without Plex's modules; their content lies in plain tables, which are.
    """
    try:
        con = apsw.Connection(uri(path, "rw"), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    except apsw.Error as error:
        raise failed(error, path) from None
    try:
        con.execute("PRAGMA journal_mode=DELETE")  # a copy of a WAL database would leave -wal and -shm beside it
        for name in collations(con):
            con.create_collation(name, _compare)
        for table in ("sqlite_schema", *_tables(con)):
            found = con.execute(f"PRAGMA quick_check({quoted(table)})").fetchall()
            if wrong := [str(row[0]) for row in found if row[0] != "ok"]:
                answer = f"{table}: {wrong[0]}"[:200]
                raise Permanent("The copy of Plex's database is not sound.", code="plex_database_broken", answer=answer)
    except apsw.Error as error:
        raise failed(error, path) from None
    finally:
        con.close()


def quoted(name: str) -> str:
    """Return a name that was found in the schema as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def collations(con: apsw.Connection) -> set[str]:
    """Return the names of collations that the schema uses and SQLite does not have."""
    known = {str(row[1]).lower() for row in con.execute("PRAGMA collation_list")}
    found: set[str] = set()
    for (sql,) in con.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        found |= set(re.findall(r"COLLATE\s+[\"'`\[]?(\w+)", str(sql), re.IGNORECASE))
    return {name for name in found if name.lower() not in known}


def _compare(one: str, two: str) -> int:
    return (one > two) - (one < two)


def probe(con: apsw.Connection) -> Schema:
    """Look at what the database has; Permanent if it is not one of Plex's libraries."""
    try:
        tables = _tables(con)
    except apsw.Error as error:
        raise failed(error, "") from None
    lacking = [f"{table}.{name}" for table, names in NEEDED.items() for name in names - tables.get(table, frozenset())]
    columns = tuple(sorted(name for name in tables.get("metadata_items", ()) if COLUMN.match(name)))
    if lacking or not columns:
        what = ", ".join(sorted(lacking)) or "metadata_items.user_*_url"
        raise Permanent(f"This is no library of Plex: {what} is missing.", code="plex_database_foreign", what=what)
    addresses = {
        table: tuple(sorted(name for name in names if name.lower().endswith("_url") and name not in known))
        for table, names in sorted(tables.items())
        for known in [{"metadata_items": columns, "taggings": ("thumb_url",)}.get(table, ())]
    }
    triggers = _update_triggers(con)
    firing = [sql for sql in triggers.values() if _fires(sql, columns)]
    migrations, newest = _migrations(con, tables)
    generation = _generation(triggers, bool(firing))
    kept = {table: names for table, names in addresses.items() if names}
    return Schema(columns, kept, tables, triggers, generation, bool(firing), migrations, newest)


def _tables(con: apsw.Connection) -> dict[str, frozenset[str]]:
    names = con.execute(
        "SELECT name FROM sqlite_master"
        " WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    columns = "SELECT name FROM pragma_table_info(?)"
    return {str(name): frozenset(str(row[0]) for row in con.execute(columns, (name,))) for (name,) in names}


def _update_triggers(con: apsw.Connection) -> dict[str, str]:
    found = con.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger' AND lower(tbl_name)='metadata_items'")
    return {str(name): str(sql) for name, sql in found if sql and _event(str(sql)) is not None}


def _event(sql: str) -> str | None:
    """Return the columns an UPDATE trigger names ("" = all of them), None for a trigger of another event."""
    head = re.split(r"\bBEGIN\b", sql, maxsplit=1, flags=re.IGNORECASE)[0]
    found = re.search(r"\bUPDATE\b(?:\s+OF\s+(.+?))?\s+ON\s", head, re.IGNORECASE | re.DOTALL)
    return (found[1] or "") if found else None


def _fires(sql: str, columns: tuple[str, ...]) -> bool:
    event = _event(sql)
    named = {name.strip(" \t\r\n\"'`[]").lower() for name in (event or "").split(",")}
    return event is not None and (not event or bool(named & set(columns)))


def _generation(triggers: dict[str, str], fires: bool) -> str:
    """Return how people call the triggers: G1 (plain tokenizer), G2 (Plex's own), G3 (only for columns of titles)."""
    if not triggers:
        return "none"
    own = any("_icu" in sql for sql in triggers.values())
    if not fires:
        return "G3" if own else "other"
    return "G2" if own else "G1"


def _migrations(con: apsw.Connection, tables: dict[str, frozenset[str]]) -> tuple[int, str]:
    if "version" not in tables.get("schema_migrations", ()):
        return 0, ""
    [(number, newest)] = con.execute("SELECT count(*), coalesce(max(version), '') FROM schema_migrations").fetchall()
    return int(str(number)), str(newest)


def failed(error: apsw.Error, path: str = "") -> Exception:
    """Return our error for one of SQLite's: Transient where it was a lock, else Permanent."""
    text = str(error)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return Transient("Plex's database is locked.", code="plex_database_locked", path=path)
    return Permanent("Plex's database cannot be read.", code="plex_database_unreadable", path=path, answer=text[:200])

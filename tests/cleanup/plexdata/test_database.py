"""The snapshot and the probe: whatever schema, whatever state, and never a guess."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

import cleanup
from cleanup.plexdata import database
from cleanup.plexdata.live import Live
from mediasync.core import paths
from mediasync.core.errors import Permanent, Transient

from .conftest import OWN, REAL, Films

EXPECTED = {"G1": ("G1", True), "G2": ("G2", True), "G3": ("G3", False), "G2 of 2023": ("G2", True)}
EXPECTED |= {"schema_2025.sql": ("G2", True), "schema_2020.sql": ("G1", True)}


@pytest.mark.parametrize("name", [*OWN, *REAL])
def test_it_probes_columns_and_triggers(name: str, films: Callable[..., Films]) -> None:
    con = database.open_ro(films(name).data.database)
    found = database.probe(con)
    con.close()
    assert (found.generation, found.fires) == EXPECTED[name]
    assert {"user_thumb_url", "user_art_url", "user_banner_url", "user_music_url"} <= set(found.columns)
    assert ("user_square_art_url" in found.columns) == (name in ("G1", "G2", "G3"))
    assert {"tags", "library_sections", "metadata_item_views"} <= set(found.addresses)
    assert len(found.triggers) == 2


@pytest.mark.parametrize(
    ("sql", "fires"),
    [
        ("CREATE TRIGGER t AFTER UPDATE ON metadata_items BEGIN SELECT 1; END", True),
        ("CREATE TRIGGER t AFTER UPDATE OF title, 'user_thumb_url' ON metadata_items BEGIN SELECT 1; END", True),
        ('CREATE TRIGGER t AFTER UPDATE OF "title",title_sort ON "metadata_items" BEGIN SELECT 1; END', False),
        ("create trigger t after update\nof title\non metadata_items begin update tags set id=id; end", False),
        ("CREATE TRIGGER t AFTER DELETE ON metadata_items BEGIN UPDATE tags SET id=1; END", None),
    ],
)
def test_it_reads_what_a_trigger_fires_on(sql: str, fires: bool | None, tmp_path: Path) -> None:
    con = apsw.Connection(str(tmp_path / "x.db"))
    con.execute("CREATE TABLE tags (id, user_thumb_url)")
    con.execute("CREATE TABLE metadata_items (id, metadata_type, hash, parent_id, title, title_sort, user_thumb_url)")
    con.execute("CREATE TABLE media_items (id, metadata_item_id)")
    con.execute("CREATE TABLE media_parts (id, media_item_id, hash)")
    con.execute(sql)
    found = database.probe(con)
    con.close()
    assert (found.fires if found.triggers else None) == fires


@pytest.mark.parametrize("name", [*OWN, *REAL])
def test_a_snapshot_is_whole_checked_and_alone(name: str, films: Callable[..., Films], tmp_path: Path) -> None:
    made = films(name)
    other = subprocess.Popen(  # a transaction that lies in the WAL only
        [sys.executable, "-c", WRITE_AND_WAIT, made.data.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout and other.stdout.readline() == b"written\n"
        found = database.snapshot(made.data.database, paths.to_text(os.fsencode(tmp_path / "copy.db")))
    finally:
        other.communicate(b"\n")
    assert found.sha256 == hashlib.sha256((tmp_path / "copy.db").read_bytes()).hexdigest()
    assert found.size == (tmp_path / "copy.db").stat().st_size
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
    con = sqlite3.connect(tmp_path / "copy.db")
    assert con.execute("SELECT count(*) FROM media_parts WHERE file='only in the WAL'").fetchone() == (1,)
    assert con.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    con.close()
    assert [each for each in os.listdir(tmp_path) if each.startswith("copy.db")] == ["copy.db"]


WRITE_AND_WAIT = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute("PRAGMA wal_autocheckpoint=0")
con.execute("INSERT INTO media_parts (file) VALUES ('only in the WAL')")
print("written", flush=True)
sys.stdin.readline()
"""


def test_a_broken_copy_is_refused(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films("G2", 200)
    con = sqlite3.connect(made.data.database)
    page = con.execute("SELECT rootpage FROM sqlite_master WHERE name='metadata_items'").fetchone()[0]
    size = con.execute("PRAGMA page_size").fetchone()[0]
    con.execute("PRAGMA journal_mode=DELETE")
    con.close()
    with open(made.data.database, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xee" * size)
    with pytest.raises(Permanent):
        database.snapshot(made.data.database, str(tmp_path / "copy.db"))
    assert not (tmp_path / "copy.db").exists(), "no copy that was not checked takes the place of one that was"


def test_a_lost_index_entry_is_noticed(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films("G2", 20)
    con = sqlite3.connect(made.data.database, isolation_level=None)
    con.execute("PRAGMA writable_schema=ON")
    sql = con.execute("SELECT sql FROM sqlite_master WHERE name='index_media_parts_on_hash'").fetchone()[0]
    con.execute("UPDATE sqlite_master SET sql=? WHERE name='index_media_parts_on_hash'", (sql + " WHERE size > 5",))
    con.close()
    con = sqlite3.connect(made.data.database, isolation_level=None)
    con.execute("INSERT INTO media_parts (hash, size) VALUES ('x', 1)")
    con.execute("PRAGMA writable_schema=ON")
    con.execute("UPDATE sqlite_master SET sql=? WHERE name='index_media_parts_on_hash'", (sql,))
    con.close()
    with pytest.raises(Permanent) as caught:
        database.snapshot(made.data.database, str(tmp_path / "copy.db"))
    assert caught.value.code == "plex_database_broken"


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Permanent):
        database.open_ro(str(tmp_path / "x.db"))
    with pytest.raises(Permanent):
        database.open_ro(str(tmp_path / "nowhere.db"))
    assert not (tmp_path / "nowhere.db").exists()


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    con = apsw.Connection(str(tmp_path / "x.db"))
    con.execute("CREATE TABLE metadata_items (id, title)")
    with pytest.raises(Permanent) as caught:
        database.probe(con)
    con.close()
    assert caught.value.code == "plex_database_foreign"
    assert "metadata_items.hash" in caught.value.params["what"]


def test_reading_writes_nothing(films: Callable[..., Films]) -> None:
    con = database.open_ro(films("G1").data.database)
    with pytest.raises(apsw.ReadOnlyError):
        con.execute("DELETE FROM media_parts")
    con.close()


def test_a_lock_is_told_from_a_fault(films: Callable[..., Films], monkeypatch: pytest.MonkeyPatch) -> None:
    made = films()
    monkeypatch.setattr(database, "BUSY", 0.05)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, made.data.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout and other.stdout.readline() == b"held\n"
        with pytest.raises(Transient) as caught:
            database.open_ro(made.data.database)
        assert caught.value.code == "plex_database_locked"
    finally:
        other.communicate(b"\n")


HOLD = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute("PRAGMA locking_mode=EXCLUSIVE")
con.execute("BEGIN EXCLUSIVE")
con.execute("DELETE FROM media_parts")
print("held", flush=True)
sys.stdin.readline()
"""


def side_files(made: Films) -> list[Path]:
    return [path for end in ("-wal", "-shm") if (path := Path(made.data.database + end)).exists()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_side_files_to_the_owner(films: Callable[..., Films]) -> None:
    made = films()
    os.chown(made.data.database, 12345, 12345)
    database.open_ro(made.data.database).close()
    assert {path.stat().st_uid for path in side_files(made)} <= {12345}


def test_anybody_else_leaves_none(films: Callable[..., Films], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = films()
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(made.data.database).st_uid + 1)
    found = database.snapshot(made.data.database, str(tmp_path / "copy.db"))
    assert found.size and side_files(made) == []
    with pytest.raises(Permanent) as caught:
        Live(made.data.database)
    assert caught.value.code == "plex_database_owner"
    Path(made.data.database + "-wal").write_bytes(b"left by a crash")
    with pytest.raises(Permanent) as caught:
        database.snapshot(made.data.database, str(tmp_path / "copy.db"))
    assert caught.value.code == "plex_database_owner"
    assert not (tmp_path / "copy.db.part").exists()


def test_a_copy_of_what_changed_meanwhile_is_none(
    films: Callable[..., Films], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = films()
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(made.data.database).st_uid + 1)
    check = database.open_ro

    def open_ro(path: str) -> apsw.Connection:
        con = check(path)
        os.utime(path)
        return con

    monkeypatch.setattr(database, "open_ro", open_ro)
    with pytest.raises(Transient):
        database.snapshot(made.data.database, str(tmp_path / "copy.db"))
    assert os.listdir(tmp_path).count("copy.db") == 0


def test_a_full_disk_is_said(films: Callable[..., Films], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = films()
    (tmp_path / "copy.db").write_text("the last one")

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for target in ("copy.db", "nowhere/copy.db"):
        with pytest.raises(Permanent) as caught:
            database.snapshot(made.data.database, str(tmp_path / target))
        assert caught.value.code == "plex_snapshot"
    assert (tmp_path / "copy.db").read_text() == "the last one"
    assert not (tmp_path / "copy.db.part").exists()


def test_no_second_sqlite_touches_a_database() -> None:
    """Two libraries in one process do not see each other's locks (see the module); so there is only one."""
    folder = Path(cleanup.__file__).parent
    guilty = [path.name for path in folder.rglob("*.py") if "import sqlite3" in path.read_text()]
    assert guilty == []

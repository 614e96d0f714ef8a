"""Writing addresses: past Plex's triggers, guarded, in small transactions, with patience, and read back."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from cleanup.plexdata import methods, writer
from cleanup.plexdata.writer import Update, open_writer
from mediasync.core import filesystems
from mediasync.core.errors import Permanent

from .conftest import OWN, REAL, Films

THUMB = "user_thumb_url"
STOCK = ("triggers_off", "trigger_swap")


@pytest.fixture
def plex_sqlite(tmp_path: Path) -> str:
    """A stand-in for Plex's program: it knows the tokenizer (here: it switches the triggers off)."""
    program = tmp_path / "Plex SQLite"
    program.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent(
            """
            import apsw, sys
            con = apsw.Connection(sys.argv[1])
            con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            try:
                for line in sys.stdin.read().splitlines():
                    if line.startswith(".timeout"):
                        con.set_busy_timeout(int(line.split()[1]))
                    elif not line.startswith("."):
                        for row in con.execute(line):
                            print("|".join(map(str, row)))
            except apsw.Error as error:
                sys.exit(f"Runtime error near line 1: {error}")
            """
        )
    )
    program.chmod(0o755)
    return str(program)


def shadow(films: Films) -> tuple[object, ...]:
    """Return all that must not change: the schema, its version, and what lies in the tables of the search index."""
    con = sqlite3.connect(films.data.database)
    master = con.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    tables = [row[1] for row in master if row[0] == "table" and row[1].startswith("fts4") and "VIRTUAL" not in row[3]]
    content = [con.execute(f'SELECT * FROM "{name}"').fetchall() for name in sorted(tables)]
    con.close()
    return master, content


def version(films: Films) -> int:
    con = sqlite3.connect(films.data.database)
    found = con.execute("PRAGMA schema_version").fetchone()[0]
    con.close()
    return int(found)


def rows(films: Films) -> list[tuple[object, ...]]:
    con = sqlite3.connect(films.data.database)
    found = con.execute("SELECT * FROM metadata_items ORDER BY id").fetchall()
    con.close()
    return found


@pytest.mark.parametrize("name", [*OWN, *REAL])
def test_a_stock_update_fails_where_it_fails_on_a_real_database(name: str, films: Callable[..., Films]) -> None:
    con = sqlite3.connect(films(name).data.database)
    fails = "G2" in name or "2025" in name
    try:
        if fails:
            with pytest.raises(sqlite3.OperationalError, match="unknown tokenizer: collating"):
                con.execute(f"UPDATE metadata_items SET {THUMB}='x' WHERE id=-1")
        else:
            con.execute(f"UPDATE metadata_items SET {THUMB}='x' WHERE id=1")
    finally:
        con.close()


@pytest.mark.parametrize("method", methods.NAMES)
@pytest.mark.parametrize("name", [*OWN, *REAL])
def test_it_writes_and_leaves_all_else_alone(
    name: str, method: str, films: Callable[..., Films], plex_sqlite: str
) -> None:
    made = films(name, 4)
    before, was, at = shadow(made), rows(made), version(made)
    updates = [
        Update(item.id, THUMB, value, f"{url}?a='\"é")
        for item, (_, value, url) in zip(made.items, made.posters, strict=True)
    ]
    with open_writer(made.data.database, [method], plex_sqlite=plex_sqlite) as pen:
        assert pen.method == method
        assert pen.write(updates[:3]) == [writer.Written("updated")] * 3
    assert shadow(made) == before
    if method != "trigger_swap":
        assert version(made) == at
    now = rows(made)
    assert [{*new} - {*old} for old, new in zip(was, now, strict=True)] == [{each.new} for each in updates[:3]] + [
        set()
    ]


@pytest.mark.parametrize("method", methods.NAMES)
def test_it_guards_the_old_value(method: str, films: Callable[..., Films], plex_sqlite: str) -> None:
    made = films("G2")
    value = made.posters[0][1]
    with open_writer(made.data.database, [method], plex_sqlite=plex_sqlite) as pen:
        done = pen.write(
            [
                Update(made.items[0].id, THUMB, "metadata://posters/other", "https://x/1"),
                Update(made.items[1].id, THUMB, None, "https://x/2"),
                Update(made.items[2].id, "user_art_url", None, "https://x/3"),
                Update(999, THUMB, value, "https://x/4"),
            ]
        )
        assert [each.outcome for each in done] == ["db_changed", "db_changed", "updated", "db_changed"]
        back = Update(made.items[2].id, "user_art_url", "https://x/3", None)
        assert pen.write([back]) == [writer.Written("updated")]
    assert made.posters[0][1] in rows(made)[0]


def test_it_may_write_a_block_again(films: Callable[..., Films]) -> None:
    made = films()
    update = Update(made.items[0].id, THUMB, made.posters[0][1], "https://x/1")
    with open_writer(made.data.database) as pen:
        assert pen.write([update]) == pen.write([update]) == [writer.Written("updated")]


@pytest.mark.parametrize("method", methods.NAMES)
def test_it_is_patient_with_a_lock_and_then_gives_up(
    method: str, films: Callable[..., Films], plex_sqlite: str
) -> None:
    made = films()
    other = apsw.Connection(made.data.database)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            other.execute("ROLLBACK")

    updates = [Update(item.id, THUMB, made.posters[n][1], f"https://x/{n}") for n, item in enumerate(made.items)]
    with open_writer(
        made.data.database, [method], wait=wait, waits=(1, 2, 4), busy_ms=50, plex_sqlite=plex_sqlite
    ) as pen:
        other.execute("BEGIN IMMEDIATE")
        assert [each.outcome for each in pen.write(updates[:2])] == ["updated", "updated"]
        assert waited == [1, 2]
        other.execute("BEGIN IMMEDIATE")
        assert pen.write(updates[2:]) == [writer.Written("locked")]
        assert waited == [1, 2, 1, 2, 4]
        other.execute("ROLLBACK")
    other.close()
    assert made.posters[2][1] in rows(made)[2]


def test_it_keeps_transactions_small(films: Callable[..., Films]) -> None:
    made = films("G2", 120)
    sizes: list[int] = []
    with open_writer(made.data.database) as pen:
        how = pen._how
        apply = how.apply
        how.apply = lambda batch, seconds: sizes.append(len(batch)) or apply(batch, seconds)  # type: ignore
        updates = [Update(item.id, THUMB, made.posters[n][1], f"https://x/{n}") for n, item in enumerate(made.items)]
        assert {each.outcome for each in pen.write(updates)} == {"updated"}
        assert sizes == [50, 50, 20]
        how.apply = lambda batch, _seconds: apply(batch, 0.0)  # type: ignore
        back = [Update(each.item, each.column, each.new, each.old) for each in updates[:5]]
        assert {each.outcome for each in pen.write(back)} == {"updated"}, "a slow disk ends a batch early"


def test_it_stops_at_an_error_that_is_no_lock(films: Callable[..., Films]) -> None:
    made = films("G2", 60)

    def fail(*_: object) -> list[bool]:
        raise methods.Failed("disk I/O error")

    with open_writer(made.data.database) as pen:
        pen._how.apply = fail  # type: ignore
        done = pen.write([Update(item.id, THUMB, None, "x") for item in made.items])
    assert done == [writer.Written("error", "disk I/O error")] * 60


def test_it_takes_the_first_method_that_works(films: Callable[..., Films], plex_sqlite: str) -> None:
    made = films()
    with open_writer(made.data.database, ("plex_sqlite", "trigger_swap"), plex_sqlite="/nowhere") as pen:
        assert pen.method == "trigger_swap"
    with open_writer(made.data.database, ("plex_sqlite", "trigger_swap"), plex_sqlite=plex_sqlite) as pen:
        assert pen.method == "plex_sqlite"
    with pytest.raises(Permanent) as caught:
        open_writer(made.data.database, ("plex_sqlite",), plex_sqlite="/nowhere")
    assert caught.value.code == "plex_no_writer"


def test_it_writes_no_other_column(films: Callable[..., Films]) -> None:
    made = films()
    with open_writer(made.data.database) as pen, pytest.raises(ValueError, match="changed_at"):
        pen.write([Update(1, "changed_at", "0", "1")])


def test_it_rolls_the_triggers_back_with_the_rest(films: Callable[..., Films]) -> None:
    made = films("G2")
    before = shadow(made)
    with open_writer(made.data.database, ["trigger_swap"]) as pen:
        done = pen.write([Update(1, THUMB, made.posters[0][1], 5)])  # type: ignore[arg-type]
        pen._how._triggers = dict.fromkeys(pen._how._triggers, "CREATE TRIGGER nonsense")  # type: ignore
        assert pen.write([Update(2, THUMB, made.posters[1][1], "https://x/2")])[0].outcome == "error"
    assert done[0].outcome == "db_changed"  # SQLite made a text of the number
    assert shadow(made) == before
    assert made.posters[1][1] in rows(made)[1]


def test_it_refuses_a_database_on_a_network_or_of_another_owner(
    films: Callable[..., Films], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = films()
    with pytest.raises(Permanent) as caught:
        writer.check_place(made.data.database, uid=os.stat(made.data.database).st_uid + 1)
    assert caught.value.code == "plex_database_owner"
    monkeypatch.setattr(filesystems, "kind_of", lambda _path: "fuse.rclone")
    with pytest.raises(Permanent) as caught:
        open_writer(made.data.database)
    assert caught.value.code == "plex_database_remote"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_the_wal_to_its_owner(films: Callable[..., Films]) -> None:
    made = films()
    os.chown(made.data.database, 12345, 12345)
    with open_writer(made.data.database, running=True) as pen:
        pen.write([Update(made.items[0].id, THUMB, made.posters[0][1], "https://x/1")])
        found = [os.stat(made.data.database + end) for end in ("-wal", "-shm")]
        assert [each.st_uid for each in found] == [12345, 12345]
        assert all(stat.S_ISREG(each.st_mode) for each in found)

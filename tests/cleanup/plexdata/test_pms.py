"""Whether Plex runs: the server, its process, the lock on its database; and where nobody can tell, it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleanup.plexdata import holders, pms
from cleanup.plexdata.database import open_ro
from cleanup.plexdata.pms import Signs
from mediasync.core import filesystems
from mediasync.servers.clients.base import Access
from mediasync.servers.clients.plex_butler import PlexButler
from tests.fakes.plex_butler import FakePlexButler
from tests.fakes.server import Library

from .conftest import Films

OPEN = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1])
con.execute("SELECT count(*) FROM media_parts").fetchall()
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """A /proc in which Plex is not."""
    (tmp_path / "proc/17").mkdir(parents=True)
    (tmp_path / "proc/17/cmdline").write_bytes(b"/usr/bin/python3\0Plex Media Server\0")
    (tmp_path / "proc/18").mkdir()
    return tmp_path / "proc"


@pytest.fixture
def database(films: Callable[..., Films]) -> str:
    return films().data.database


@pytest.fixture
def plex(tmp_path: Path) -> Iterator[FakePlexButler]:
    with FakePlexButler([Library("Films", "movie", [str(tmp_path)])]) as fake:
        yield fake


@pytest.fixture
def butler(plex: FakePlexButler) -> Iterator[PlexButler]:
    client = PlexButler(Access(plex.url, plex.token))
    yield client
    client.close()


def test_a_folder_at_rest_is_at_rest(database: str, nobody: Path) -> None:
    assert pms.look(database, hour=3, proc=nobody) == Signs(False)


def test_another_process_that_has_the_database_open_is_seen(database: str, nobody: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", OPEN, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout and other.stdout.readline() == b"open\n"
        assert holders.holder(database) == other.pid
        assert pms.look(database, hour=3, proc=nobody) == Signs(True, ("open",))
    finally:
        other.kill()
        other.communicate()
    assert Path(database + "-wal").exists(), "what a crash leaves behind"
    assert pms.look(database, hour=3, proc=nobody) == Signs(False)


def test_what_we_have_open_ourselves_hides_others(database: str, nobody: Path) -> None:
    con = open_ro(database)
    assert holders.holder(database) == holders.UNKNOWN
    assert pms.look(database, hour=3, proc=nobody) == Signs(True, ("unknown",))
    con.close()
    assert holders.holder(database) is None


def test_where_locks_do_not_show_it_runs(database: str, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "kind_of", lambda _path: "nfs4")
    assert pms.look(database, hour=3, proc=nobody) == Signs(True, ("remote",))


def test_its_process_is_seen(database: str, nobody: Path) -> None:
    (nobody / "18/cmdline").write_bytes(b"/usr/lib/plexmediaserver/Plex Media Server\0")
    assert pms.look(database, hour=3, proc=nobody) == Signs(True, ("process",))


def test_the_server_says_what_it_is_doing(
    database: str, nobody: Path, plex: FakePlexButler, butler: PlexButler
) -> None:
    assert pms.look(database, butler, hour=12, proc=nobody) == Signs(True, ("identity",), True)
    assert pms.look(database, butler, hour=3, proc=nobody).butler
    plex.watching, plex.libraries["1"].scanning = 1, True
    found = pms.look(database, butler, hour=12, proc=nobody)
    assert (found.busy, found.watched, found.butler) == (True, True, False)


def test_a_server_that_is_gone_is_not_running(
    database: str, nobody: Path, plex: FakePlexButler, butler: PlexButler
) -> None:
    plex.crashed = True
    assert pms.look(database, butler, hour=12, proc=nobody) == Signs(False)


def test_a_server_that_does_not_say_is_not_known_to_be_idle(
    database: str, nobody: Path, plex: FakePlexButler, butler: PlexButler
) -> None:
    plex.fail(503, 10)
    assert pms.look(database, butler, hour=12, proc=nobody) == Signs(True, ("identity",), False)


def test_something_else_at_the_address_may_hide_plex(
    database: str, nobody: Path, plex: FakePlexButler, butler: PlexButler
) -> None:
    plex.fail(200, 10, body=b"<html>")
    assert pms.look(database, butler, hour=12, proc=nobody) == Signs(True, ("unknown",), False)

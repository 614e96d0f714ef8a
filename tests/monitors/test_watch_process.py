"""``manage.py watch`` as a process: killed, ended, in reserve, and with a database that others lock."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.monitors.feeding import until

MANAGE = [sys.executable, "manage.py"]


class Place:
    """A data folder, a root, and the watchers that were started over them."""

    def __init__(self, top: Path) -> None:
        self.data, self.tv = top / "data", top / "tv"
        (self.tv / "Show").mkdir(parents=True)
        self.data.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
            "MEDIASYNC_DATA": str(self.data),
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "HINT_DEBOUNCE": "watch=0",
            "LOG_LEVEL": "INFO",
        }
        self.log = top / "log"
        self.started: list[subprocess.Popen[bytes]] = []
        self.manage("migrate", "-v0")
        self.manage("crawl", "--add", str(self.tv))

    def manage(self, *arguments: str) -> None:
        subprocess.run([*MANAGE, *arguments], env=self.environment, check=True, capture_output=True)

    def watch(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.started.append(subprocess.Popen([*MANAGE, "watch"], env=self.environment, stderr=log))
        return self.started[-1]

    def ask(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.data / "mediasync.sqlite3", timeout=30)) as database:
            return database.execute(query).fetchall()

    def works(self, start: int) -> bool:
        return self.ask("SELECT state, starts FROM monitors_feedstate") == [("fine", start)]

    def asked(self) -> list[dict[str, Any]]:
        """Return the scopes of the jobs that the watcher asked for."""
        rows = self.ask("SELECT scope FROM jobs_job WHERE \"trigger\" = 'watcher' ORDER BY id")
        return [json.loads(scope) for (scope,) in rows]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.wait()


def test_it_is_killed_and_its_successor_misses_nothing(place: Place) -> None:
    first = place.watch()
    until(lambda: place.works(1))
    until(lambda: place.asked() == [{"root": 1}])
    (place.tv / "Show/a.mkv").write_text("x")
    until(lambda: {"root": 1, "paths": ["Show"], "shallow": True} in place.asked())
    [(owner,)] = place.ask("SELECT owner FROM monitors_watchlease")
    first.kill()
    first.wait()
    with closing(sqlite3.connect(place.data / "mediasync.sqlite3", timeout=30)) as database, database:
        database.execute("UPDATE jobs_job SET state = 'succeeded' WHERE \"trigger\" = 'watcher'")
    (place.tv / "Show/b.mkv").write_text("x")  # nobody listens
    place.watch()
    until(lambda: place.works(2))  # at once: it is known that the first one is dead
    until(lambda: place.asked().count({"root": 1}) == 2)
    assert place.ask("SELECT owner FROM monitors_watchlease") != [(owner,)]


def test_it_says_that_it_has_ended_and_another_takes_over(place: Place) -> None:
    first = place.watch()
    until(lambda: place.works(1))
    second = place.watch()
    until(lambda: "waits in reserve" in place.log.read_text())
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    until(lambda: place.works(2))
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert place.ask("SELECT state, code FROM monitors_feedstate") == [("off", "feed_nobody")]
    assert place.ask("SELECT owner, until FROM monitors_watchlease") == [("", None)]


def test_it_waits_for_a_database_that_is_locked(place: Place) -> None:
    place.watch()
    until(lambda: place.works(1))
    with closing(sqlite3.connect(place.data / "mediasync.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        for n in range(20):
            (place.tv / f"Show/{n}.mkv").write_text("x")
            (place.tv / f"Show {n}").mkdir()
        time.sleep(1)  # long enough to be told of, and for the watcher to want to write
        database.execute("COMMIT")
    until(lambda: "Show 19" in told(place))
    found = told(place)
    assert {"", "Show", *(f"Show {n}" for n in range(20))} <= found


def told(place: Place) -> set[str]:
    """Return the folders that jobs are to look at."""
    return {path for scope in place.asked() for path in (*scope.get("paths", ()), *scope.get("deep", ()))}

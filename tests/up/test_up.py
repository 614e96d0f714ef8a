"""``manage.py up`` as a newcomer meets it: a real process tree in an empty data folder."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import TOP, Installation, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.kill_all()


def gone(here: Installation, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while here.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not here.processes()


@pytest.mark.parametrize("to", ["master", "group"])
def test_it_comes_up_and_leaves_no_process(here: Installation, to: str) -> None:
    process = here.up()
    here.wait_ready()
    text = here.log.read_text()
    assert re.search(r"user\s+admin\s+password\s+\S{16}", text)
    assert (here.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert here.get("/healthz")[0] == 200

    second = subprocess.run(
        [sys.executable, str(TOP / "manage.py"), "up"],
        env=here.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 4
    assert f"pid {process.pid}, http://{here.address}/" in second.stderr

    begun = time.monotonic()
    if to == "group":
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
    else:
        process.terminate()
    assert process.wait(timeout=15) == 0
    assert time.monotonic() - begun < 10
    assert gone(here, 1), here.processes()
    assert "Traceback" not in here.log.read_text()


def test_it_shows_the_password_once_and_restarts_what_dies(here: Installation) -> None:
    first = here.up("--prepare-only")
    assert first.wait(timeout=60) == 0
    here.up()
    here.wait_ready()
    assert here.log.read_text().count("password") == 1
    web = next(pid for pid, line in here.processes().items() if "gunicorn" in line)
    os.kill(web, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while here.get("/healthz")[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    here.wait_ready()
    assert re.search(r"web ended \((signal SIGKILL|exit code)", here.log.read_text())


def test_its_children_end_when_it_is_killed(here: Installation) -> None:
    process = here.up()
    here.wait_ready()
    process.kill()
    process.wait()
    assert gone(here, 12), here.processes()
    here.up()  # and the lock is free
    here.wait_ready()


def test_it_says_that_the_port_is_taken(here: Installation) -> None:
    host, _, port = here.address.rpartition(":")
    with socket.socket() as taken:
        taken.bind((host, int(port)))
        taken.listen()
        process = here.up()
        assert process.wait(timeout=60) == 2
    assert f"Cannot listen on {here.address}" in here.log.read_text()


def test_it_adds_and_crawls_a_root_first(here: Installation) -> None:
    films = here.folder / "films"
    (films / "A Film (2020)").mkdir(parents=True)
    (films / "A Film (2020)" / "film.mkv").write_bytes(b"x")
    process = here.up("--root", str(films), "--links", str(here.folder / "links"), "--prepare-only")
    assert process.wait(timeout=60) == 0, here.log.read_text()
    assert (here.folder / "links" / "A Film (2020)" / "film.mkv").is_symlink()


def test_a_sigterm_during_the_first_crawl_leaves_no_process(here: Installation) -> None:
    assert here.up("--prepare-only").wait(timeout=60) == 0
    database = sqlite3.connect(here.folder / "data" / "mediasync.sqlite3", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")  # so that the crawl lasts
    process = here.up("--root", str(here.folder))
    wait_for(lambda: any("manage.py crawl" in line for line in here.processes().values()), 30, here.log.read_text)
    process.terminate()
    process.wait(timeout=60)
    assert gone(here, 5), here.processes()
    database.close()

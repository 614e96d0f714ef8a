"""A real Subsonic server (Supysonic, API 1.12) on loopback, in a process of its own with a home of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest

USER, PASSWORD = "mei", "a pass word&ß"
BIN = Path(sys.executable).parent
START_SECONDS = 90.0


@dataclass(frozen=True)
class Supysonic:
    """``url`` has no path; ``scan`` makes it know the files that lie in ``music`` now."""

    url: str
    music: Path
    home: Path

    def scan(self) -> None:
        cli(self.home, "folder", "scan", "--foreground")


def cli(home: Path, *arguments: str) -> None:
    done = subprocess.run(
        [str(BIN / "supysonic-cli"), *arguments], env=environment(home), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": str(home)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[Supysonic]:
    """Run a server whose music is what lies in ``folder``/music (made if missing); skips where it is not installed."""
    if not (BIN / "supysonic-server").exists():
        pytest.skip("Supysonic is not installed")
    home, music = folder / "supysonic", folder / "music"
    home.mkdir(parents=True, exist_ok=True)
    music.mkdir(exist_ok=True)
    (home / ".supysonic").write_text(
        f"[base]\ndatabase_uri = sqlite:///{home}/supysonic.db\n[webapp]\ncache_dir = {home}/cache\n"
        f"mount_webui = off\n[daemon]\nsocket = {home}/daemon.sock\n"
    )
    cli(home, "user", "add", USER, "-p", PASSWORD)
    cli(home, "folder", "add", "Music", str(music))
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / "supysonic-server"), "-S", "waitress", "--host", "127.0.0.1", "--port", str(port)],
            env=environment(home),
            stdout=log,
            stderr=log,
        )
    try:
        server = Supysonic(f"http://127.0.0.1:{port}", music, home)
        _wait(server, process)
        server.scan()
        yield server
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _wait(server: Supysonic, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, (server.home / "log").read_text()
        try:
            urllib.request.urlopen(f"{server.url}/rest/ping.view?f=json", timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError((server.home / "log").read_text())

"""rclone as an S3 server and as a daemon with a remote control, on loopback, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = [Path(sys.executable).parent / "rclone", Path("/usr/bin/rclone")]
KEY, SECRET = "AKIDTEST", "s3cr3t/with+signs"
USER, PASSWORD = "mei", "p:ass word"
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def knows(binary: Path, *command: str) -> bool:
    """Tell whether this rclone is here and has a command: 1.60 has no ``serve s3``."""
    if not binary.exists():
        return False
    done = subprocess.run([str(binary), *command, "--help"], capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and f"rclone {' '.join(command)}" in done.stdout


@contextmanager
def rclone(binary: Path, home: Path, port: int, *arguments: str) -> Iterator[None]:
    """Run one rclone until the end of the block; nothing of this machine's own configuration is read."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "RCLONE_CONFIG": str(home / "rclone.conf")}
    with (home / "rclone.log").open("wb") as log:
        process = subprocess.Popen([str(binary), *arguments], env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert process.poll() is None, (home / "rclone.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def s3(folder: Path, buckets: Sequence[str] = ("music",)) -> Iterator[str]:
    """Serve the folders ``folder``/<bucket> over S3 and give the address."""
    binary = next((each for each in BINARIES if knows(each, "serve", "s3")), None)
    if binary is None:
        pytest.skip("no rclone here can serve S3")
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True)
    home = folder.with_name(folder.name + "-home")
    home.mkdir()
    port = free_port()
    address = f"127.0.0.1:{port}"
    with rclone(binary, home, port, "serve", "s3", "--addr", address, "--auth-key", f"{KEY},{SECRET}", str(folder)):
        yield f"http://{address}"


@contextmanager
def daemon(binary: Path, folder: Path) -> Iterator[str]:
    """Run ``rclone rcd`` with the remote ``cloud:``, whose files lie in ``folder``, and give its address."""
    if not knows(binary, "rcd"):
        pytest.skip(f"{binary} is not installed")
    folder.mkdir(parents=True)
    home = folder.with_name(folder.name + "-home")
    home.mkdir()
    (home / "rclone.conf").write_text(f"[cloud]\ntype = alias\nremote = {folder}\n")
    port = free_port()
    address = f"127.0.0.1:{port}"
    with rclone(binary, home, port, "rcd", "--rc-addr", address, "--rc-user", USER, "--rc-pass", PASSWORD):
        yield f"http://{address}"

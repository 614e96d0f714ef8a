"""The web process goes on to answer while other callers have fallen asleep."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.ui.up import web

APP = """
from mediasync.ui.up.web import Worker

class Hasty(Worker):
    longest = 0.5

def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Run gunicorn with one thread, which waits half a second for a request."""
    (tmp_path / "app.py").write_text(APP)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "gunicorn", "app", "--chdir", str(tmp_path), "--threads", "1"]
        command += ["--bind", f"fd://{listener.fileno()}", "--worker-class", "app.Hasty", "--no-control-socket"]
        top = str(Path(web.__file__).parents[3])
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], env={"PYTHONPATH": top}, cwd=tmp_path)
        try:
            yield listener.getsockname()
        finally:
            process.kill()
            process.wait()


def ask(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(1000)


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /hooks/a/b/ HT",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["head", "body", "chunk"],
)
def test_it_answers_though_others_never_end_what_they_say(address: tuple[str, int], begun: bytes) -> None:
    asleep = [socket.create_connection(address, timeout=60) for _ in range(3)]
    for each in asleep:
        each.sendall(begun)
    try:
        assert b"200 OK" in ask(address, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    finally:
        for each in asleep:
            each.close()

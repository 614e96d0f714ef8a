"""Payloads on a real database file: several watchers, one that is killed, and a real web server before it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.installation import TOP, Installation, wait_for

NUMBER = 60
MAKE = f"""
from monitors.hooks import services as hooks
from monitors.models import Payload, Root
Root.objects.create(name="TV", path="/tv", minimum_entries=0)
hook = hooks.add_hook("any", "generic")
Payload.objects.bulk_create(
    Payload(hook=hook, method="POST", path="/", body=json.dumps({{"path": f"/tv/S/{{n}}.mkv"}}).encode())
    for n in range({NUMBER})
)
print(json.dumps(hooks.url_of(hook)))
"""
PARSE = "from monitors.hooks import payloads\nprint(json.dumps(payloads.parse_waiting()))"
COUNT = """
from monitors.models import Hint, Payload
print(json.dumps([Payload.objects.filter(state="done").count(), list(Hint.objects.values_list("hits", flat=True))]))
"""
STOP_INSIDE = """
import os
from monitors.hints import intake
from monitors.hooks import payloads
real, calls = intake.take_in, []
def take_in(*args, **more):
    calls.append(1)
    made = real(*args, **more)
    if len(calls) == 3:
        open("inside", "w").close()
        __import__("time").sleep(300)
    return made
intake.take_in = take_in
payloads.parse_waiting()
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.manage("up", "--prepare-only")
    yield installation
    installation.kill_all()


@pytest.mark.slow
def test_it_follows_each_once_with_several_watchers_of_which_one_is_killed(place: Installation) -> None:
    place.python(MAKE)
    command = [sys.executable, str(TOP / "manage.py"), "shell", "--no-imports", "-c", STOP_INSIDE]
    victim = subprocess.Popen(command, env=place.environment, cwd=place.folder, stdout=subprocess.DEVNULL)
    wait_for((place.folder / "inside").exists, 60)
    os.kill(victim.pid, signal.SIGKILL)  # between the hints and the commit of the third
    victim.wait()
    assert place.python(COUNT) == [2, [1, 1]]
    with ThreadPoolExecutor(3) as pool:
        done = sum(pool.map(lambda _number: int(place.python(PARSE)), range(3)))
    assert done == NUMBER - 2
    assert place.python(COUNT) == [NUMBER, [1] * NUMBER]


def call(place: Installation, *parts: bytes) -> bytes:
    """Send raw bytes and return the head of the answer; "" if there is none."""
    host, _, port = place.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        try:
            for part in parts:
                wire.sendall(part)
            wire.shutdown(socket.SHUT_WR)
            return wire.recv(65536)
        except ConnectionError:
            return b""


def head(address: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {address} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@pytest.mark.slow
def test_it_takes_calls_from_the_wire(place: Installation) -> None:
    address = place.python(MAKE)
    web = [sys.executable, "-m", "gunicorn", "mediasync.wsgi", "--chdir", str(TOP), "--bind", place.address]
    web += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    server = subprocess.Popen(web, env=place.environment, cwd=place.folder, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: place.get("/health")[0] == 200, 60)
        chunked = head(address, "Transfer-Encoding: chunked")
        assert b" 200 " in call(place, chunked, b'7\r\n{"path"\r\n', b'7\r\n:"/tv"}\r\n0\r\n\r\n').split(b"\r\n")[0]
        big = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        assert b" 413 " in call(place, chunked, *[big] * 17, b"0\r\n\r\n").split(b"\r\n")[0]
        assert b" 413 " in call(place, head(address, "Content-Length: 99999999")).split(b"\r\n")[0]
        assert b" 200 " not in call(place, head(address, "Content-Length: 50"), b"cut off").split(b"\r\n")[0]
        assert b" 200 " not in call(place, chunked, b"7\r\ncut").split(b"\r\n")[0]
        assert b" 200 " in call(place, head(address, "Content-Length: 2"), b"{}").split(b"\r\n")[0]
    finally:
        server.terminate()
        server.wait(60)
    stored: list[Any] = place.python(
        "from monitors.models import Payload\n"
        f"print(json.dumps([bytes(row.body).decode() for row in Payload.objects.order_by('id')[{NUMBER}:]]))"
    )
    assert stored == [json.dumps({"path": "/tv"}, separators=(",", ":")), "{}"]

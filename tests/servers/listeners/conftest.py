"""A server of each kind, its listener's row, and a clock that tests move."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from mediasync.core.clock import FakeClock
from mediasync.servers import services
from mediasync.servers.clients.base import ScanTarget
from mediasync.servers.listeners.asking import Asking
from mediasync.servers.models import Listener, Server
from tests.fakes.server import FakeServer

LONG_AGO = 1_000_000_000  # seconds: 2001


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(dt.datetime.now(dt.UTC))


@pytest.fixture
def asking(server: Server, clock: FakeClock) -> Asking:
    """The questions of its listener, before the first."""
    services.load_libraries(server)
    row = Listener.objects.create(server=server)
    return Asking(server, services.client_for(server), row, clock)


def add(server: Server, media: Path, name: str, *, old: bool = False) -> str:
    """Make a file and have the server take it in; ``old``: with the date of long ago, as clouds keep it."""
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    if old:
        os.utime(path, (LONG_AGO, LONG_AGO))
    library = server.libraries.get(title="Movies" if name.startswith("movies") else "Shows")
    client = services.client_for(server)
    client.scan([ScanTarget(str(path.parent), "Created", True, library.key)])
    client.close()
    return str(path)


def scan_all(fake: FakeServer, server: Server) -> None:
    """Have the server take in all that is there."""
    client = services.client_for(server)
    for library in fake.libraries.values():
        client.refresh_library(library.key)
    client.close()


@pytest.fixture
def shared_memory() -> Iterator[None]:
    """Read without locks while threads write: in a shared SQLite in memory nobody waits for a lock."""
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA read_uncommitted = 1")
    yield
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA read_uncommitted = 0")

"""What the tests of deliveries share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mediasync.servers import services as servers
from mediasync.servers.models import Server

from .helpers import START, Clock, FakeClient, FakeSight, engine


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of everything."""
    clock = Clock(START)
    monkeypatch.setattr("mediasync.core.clock.system", clock)
    return clock


@pytest.fixture
def sight() -> FakeSight:
    return FakeSight()


@pytest.fixture
def clients(clock: Clock, sight: FakeSight, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, FakeClient]]:
    """The fake client of each server, by its name."""
    found: dict[str, FakeClient] = {}

    def client_for(server: Server) -> FakeClient:
        kind = {"unit": "directory"} if server.kind == "plex" else {"unit": "file", "batch": 500}
        return found.setdefault(server.name, FakeClient(**kind))  # type: ignore[arg-type]

    monkeypatch.setattr(servers, "client_for", client_for)
    with engine(clock, sight):
        yield found

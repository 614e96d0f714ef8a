"""Media servers on loopback, each with one film and one episode on a real disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mediasync.servers import services
from mediasync.servers.clients.base import Access, Client, client_class
from mediasync.servers.models import Server
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library

FAKES: dict[str, tuple[type[FakeServer], str, str]] = {
    "plex": (FakePlex, "movie", "show"),
    "emby": (FakeEmby, "movies", "tvshows"),
    "jellyfin": (FakeJellyfin, "movies", "tvshows"),
}
MakeFake = Callable[[str], FakeServer]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A film and an episode."""
    for name in ("movies/A & B (2020)/A & B (2020).mkv", "tv/Show/Season 01/Show - S01E01, Pilot.mkv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def fake_server(media: Path) -> Iterator[MakeFake]:
    """Start a fake server of a kind."""
    with ExitStack() as stack:

        def start(kind: str) -> FakeServer:
            fake, films, shows = FAKES[kind]
            libraries = [Library("Movies", films, [f"{media}/movies"]), Library("Shows", shows, [f"{media}/tv"])]
            return stack.enter_context(fake(libraries))

        yield start


@pytest.fixture(params=FAKES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(kind: str, fake_server: MakeFake) -> FakeServer:
    """A fake server of each kind in turn."""
    return fake_server(kind)


@pytest.fixture
def client(kind: str, fake: FakeServer) -> Iterator[Client]:
    """Our client for it."""
    client = client_class(kind)(Access(fake.url, fake.token, read_timeout=5))
    yield client
    client.close()


@pytest.fixture
def server(db: None, kind: str, fake: FakeServer) -> Server:
    """Its row."""
    return services.save(Server(name=f"My {kind}", kind=kind, url=fake.url), token=fake.token)

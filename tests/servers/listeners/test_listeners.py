"""Whole listeners, in threads as the watcher runs them, against servers that are cut, stopped and started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.servers import services
from mediasync.servers.listeners.supervisor import Listeners
from mediasync.servers.models import Arrival, Listener, Server
from tests.fakes.mediabrowser import FakeMediaBrowser
from tests.fakes.plex import timeline
from tests.fakes.server import FakeServer
from tests.monitors.feeding import delete, until, write

from .conftest import LONG_AGO, add, scan_all

pytestmark = pytest.mark.django_db(transaction=True)


class Run:
    """The listeners of a process; its clock moves while we wait."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.listeners = clock, Listeners(clock)

    def until_state(self, state: str, code: str | None = None) -> None:
        def there() -> bool:
            self.tick()
            row = Listener.objects.first()
            return row is not None and row.state == state and code in (None, row.code)

        until(there)

    def until_arrivals(self, *paths: str) -> None:
        def there() -> bool:
            self.tick()
            return set(Arrival.objects.values_list("path", flat=True)) == set(paths)

        until(there)

    def tick(self, seconds: float = 0.5) -> None:
        self.clock.advance(seconds)
        self.listeners.tick()


@pytest.fixture
def run(clock: FakeClock, server: Server, fake: FakeServer, shared_memory: None) -> Iterator[Run]:
    services.load_libraries(server)
    scan_all(fake, server)
    clock.advance(2)  # beyond the second in which they were taken in
    made = Run(clock)
    yield made
    made.listeners.close()


def test_it_records_at_once_what_a_server_tells(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    run.until_state("live")
    before = run.clock.monotonic()
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_arrivals(film)
    assert run.clock.monotonic() - before < 60
    assert Listener.objects.get().heard_at is not None


def late(fake: FakeServer, path: str, run: Run) -> None:
    """Date what was taken in by the clock of the test."""
    for name in ("added", "saved"):
        if path in (when := vars(fake).get(name, {})):
            when[path] = int(run.clock.now().timestamp())


def test_it_makes_good_what_it_missed_while_cut(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    run.until_state("live")
    fake.sockets.cut()
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_state("trouble", "listener_cut")
    run.until_state("live")
    run.until_arrivals(film)
    assert Listener.objects.get().starts >= 2


@pytest.mark.parametrize("kind", ["plex"])
def test_it_bears_a_refresh_of_everything(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    library = fake.libraries["1"]
    library.known |= {f"/films/{n}.mkv": LONG_AGO for n in range(1000)}
    run.until_state("live")
    before = len(fake.requests)
    for path in library.known:
        fake.sockets.push(*timeline(library, path)[1:])  # not "created"
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_arrivals(film)
    until(lambda: run.tick() or len(fake.requests) - before > 20)
    asked = [each for each in fake.requests[before:] if each.path.startswith("/library/metadata/")]
    assert 20 <= len(asked) <= 40  # fifty items a question, each once


def test_it_polls_where_no_websocket_is(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    fake.fail(404)
    run.until_state("polling", "listener_refused")
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_arrivals(film)


@pytest.mark.parametrize("kind", ["plex"])  # the others are asked each minute until they tell of an item
def test_an_idle_plex_is_not_asked(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    run.until_state("live")
    before = len(fake.requests)
    run.tick(600)
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_arrivals(film)
    asked = [request.path.rsplit("/", 1)[0] for request in fake.requests[before:]]
    assert asked == ["/library/sections/1", "/library/metadata"]  # our scan, and what the message was about


@pytest.mark.parametrize("kind", ["emby", "jellyfin"])  # Plex tells everybody
def test_it_polls_a_server_that_tells_nothing(run: Run, server: Server, fake: FakeServer, media: Path) -> None:
    assert isinstance(fake, FakeMediaBrowser)
    fake.tells = False
    run.until_state("live")
    film = add(server, media, "movies/New (2030)/New (2030).mkv")
    late(fake, film, run)
    run.until_arrivals(film)


def test_it_asks_nothing_of_a_paused_server(run: Run, server: Server, fake: FakeServer) -> None:
    run.until_state("live")
    write(Server.objects.all(), paused=True)
    run.until_state("off", "listener_server_off")
    until(lambda: not len(fake.sockets))
    before = len(fake.requests)
    for _ in range(200):
        run.tick(10)
    assert len(fake.requests) == before and not run.listeners.runners
    write(Server.objects.all(), paused=False)
    run.until_state("live")


def test_it_stops_and_starts_as_people_want(run: Run, fake: FakeServer) -> None:
    run.until_state("live")
    write(Listener.objects.all(), enabled=False)
    run.until_state("off", "listener_off")
    write(Listener.objects.all(), enabled=True, restart=True)
    run.until_state("live")
    assert not Listener.objects.get().restart


def test_it_pauses_a_server_that_refuses_the_token(run: Run, fake: FakeServer) -> None:
    fake.token = "another"
    run.until_state("off", "listener_server_off")
    assert Server.objects.get().paused_reason == "server_denied"


def test_it_waits_longer_and_longer_for_a_server_that_is_away(run: Run, server: Server) -> None:
    write(Server.objects.all(), url="http://127.0.0.1:9")
    run.until_state("trouble")
    for _ in range(120):
        run.tick(30)  # an hour
        until(lambda: all(each.again_at or not each.thread.is_alive() for each in run.listeners.runners.values()))
    assert 3 <= Listener.objects.get().starts <= 30
    assert Server.objects.get().fails >= 3


def test_a_server_that_is_deleted_meanwhile_is_no_error(
    run: Run, server: Server, fake: FakeServer, media: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run.until_state("live")
    [runner] = run.listeners.runners.values()
    add(server, media, "movies/New (2030)/New (2030).mkv")
    until(lambda: Listener.objects.get().heard_at is not None)
    delete(Server.objects.all())
    run.clock.advance(70)  # what was heard is due, and nobody has seen yet that the server is gone
    until(lambda: not runner.thread.is_alive())
    for _ in range(2):
        runner.look_after()
        run.clock.advance(901)
    run.tick()
    assert run.listeners.runners == {}
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


def test_it_says_in_the_end_that_nobody_listens(run: Run, fake: FakeServer) -> None:
    run.until_state("live")
    run.listeners.close()
    row = Listener.objects.get()
    assert (row.state, row.code) == ("off", "listener_nobody")
    until(lambda: not len(fake.sockets))

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Snooze, Unreachable
from mediasync.servers import services
from mediasync.servers.clients.mediabrowser_items import item_of, same_key
from mediasync.servers.listeners import asking as module
from mediasync.servers.listeners import services as listeners
from mediasync.servers.listeners.asking import Asking
from mediasync.servers.models import Arrival, KnownItem, Library, Listener, Server
from tests.fakes.mediabrowser import FakeMediaBrowser
from tests.fakes.plex import rating_key
from tests.fakes.server import FakeServer, Request

from .conftest import LONG_AGO, add, scan_all

pytestmark = pytest.mark.django_db


def paths() -> set[str]:
    return set(Arrival.objects.values_list("path", flat=True))


def settle(fake: FakeServer, asking: Asking) -> None:
    """Let the server have what lies there, from long ago, and look for the first time."""
    scan_all(fake, asking.server)
    for name, when in vars(fake).items():
        if name in ("added", "saved"):
            when.update(dict.fromkeys(when, LONG_AGO))
    asking.everything()


def test_it_calls_nothing_new_at_the_first_look(fake: FakeServer, asking: Asking) -> None:
    settle(fake, asking)
    for _ in range(2):
        assert asking.everything() == 0
    assert asking.row.begun_at is not None and not Arrival.objects.exists()


def test_it_records_what_comes_later_in_full(fake: FakeServer, asking: Asking, media: Path) -> None:
    settle(fake, asking)
    film = add(asking.server, media, "movies/New (2024)/New (2024).mkv")
    episode = add(asking.server, media, "tv/Show/Season 02/Show - S02E01.mkv")
    assert asking.everything() == 2 and asking.everything() == 0
    assert paths() == {film, episode}
    arrival = Arrival.objects.get(path=episode)
    assert (arrival.kind, arrival.show, arrival.number) == ("episode", "Show", "S02E01")
    assert arrival.library == Library.objects.get(title="Shows") and arrival.picture.startswith("/")
    assert arrival.picture_url.startswith(fake.url) and fake.token not in arrival.picture
    assert Arrival.objects.get(path=film).kind == "movie"


def test_it_takes_a_file_with_an_old_date_for_new(fake: FakeServer, asking: Asking, media: Path) -> None:
    settle(fake, asking)
    film = add(asking.server, media, "movies/Old (1990)/Old (1990).mkv", old=True)
    assert asking.everything() == 1 and paths() == {film}


def test_it_catches_up_with_what_came_meanwhile(
    fake: FakeServer, asking: Asking, media: Path, clock: FakeClock
) -> None:
    settle(fake, asking)
    film = add(asking.server, media, "movies/New (2024)/New (2024).mkv")
    clock.advance(3 * 86_400)
    later = Asking(asking.server, asking.client, Listener.objects.get(), clock)  # another process
    assert later.everything() == 1 and paths() == {film}


def test_it_does_not_take_a_refresh_of_all_for_news(fake: FakeServer, asking: Asking) -> None:
    settle(fake, asking)
    if isinstance(saved := getattr(fake, "saved", None), dict):
        saved.update(dict.fromkeys(fake.known, time.time()))
    assert asking.everything() == 0
    assert asking.about([*map(key_of(fake), fake.known)]) == 0


def key_of(fake: FakeServer) -> Callable[[str], str]:
    """Return what tells the id of a path."""
    if isinstance(fake, FakeMediaBrowser):
        ids = {each["Path"]: each["Id"] for each in fake._items(Request("GET", "/Items", (), {}))["Items"]}
        return lambda path: str(ids[path])
    return lambda path: str(rating_key(path))


def test_it_asks_for_what_a_message_was_about(fake: FakeServer, asking: Asking, media: Path) -> None:
    settle(fake, asking)
    film = add(asking.server, media, "movies/New (2024)/New (2024).mkv")
    key = key_of(fake)(film)
    before = len(fake.requests)
    assert asking.about([key, "987654321"]) == 1 and len(fake.requests) == before + 1
    assert asking.about([key]) == 0 and asking.everything() == 0
    assert same_key(Arrival.objects.get().key) == same_key(key)


@pytest.mark.parametrize("kind", ["plex"])  # elsewhere the ids that are known decide
def test_it_believes_plex_that_an_item_is_new(fake: FakeServer, asking: Asking, media: Path) -> None:
    settle(fake, asking)
    film = add(asking.server, media, "movies/New (2024)/New (2024).mkv")
    vars(fake)["added"][film] = LONG_AGO
    key = str(rating_key(film))
    assert asking.about([key]) == 0
    assert asking.about([key], [key]) == 1


@pytest.mark.parametrize("kind", ["plex"])  # elsewhere the question has no end
def test_it_catches_up_with_more_than_a_page(fake: FakeServer, asking: Asking, clock: FakeClock) -> None:
    settle(fake, asking)
    library, now = next(iter(fake.libraries.values())), int(clock.now().timestamp()) + 60
    before = len(fake.requests)
    assert asking.everything() == 0 and len(fake.requests) == before + 2  # a page of each of its two libraries
    library.known |= dict.fromkeys((f"/films/{n}.mkv" for n in range(700)), now)
    assert asking.everything() == 700 and len(fake.requests) == before + 6


@pytest.mark.parametrize("kind", ["plex"])
def test_a_clock_that_was_ahead_hides_nothing(fake: FakeServer, asking: Asking, media: Path, clock: FakeClock) -> None:
    settle(fake, asking)
    clock.advance(30 * 86_400)
    asking.everything()
    film = add(asking.server, media, "movies/New (2024)/New (2024).mkv")
    clock.advance(60 - 30 * 86_400)
    assert asking.everything() == 1 and paths() == {film}


def test_it_asks_for_many_in_batches(
    fake: FakeServer, asking: Asking, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 4)
    settle(fake, asking)
    for n in range(10):
        add(asking.server, media, f"movies/New {n} (2024)/New {n} (2024).mkv")
    assert asking.everything() == 10 and len(paths()) == 10


def test_it_pages_through_all_ids(asking: Asking, fake: FakeServer, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("mediasync.servers.clients.mediabrowser_items.KEYS", 1)
    settle(fake, asking)
    assert KnownItem.objects.count() == (0 if kind == "plex" else 2)


def test_it_asks_nobody_who_may_not_be_asked(fake: FakeServer, asking: Asking, clock: FakeClock) -> None:
    settle(fake, asking)
    Server.objects.update(paused=True)
    before = len(fake.requests)
    with pytest.raises(Snooze):
        asking.everything()
    assert len(fake.requests) == before


def test_it_tells_the_limits_how_the_server_fared(fake: FakeServer, asking: Asking) -> None:
    fake.fail(401)
    with pytest.raises(AccessDenied):
        asking.everything()
    server = Server.objects.get()
    assert server.paused and asking.row.begun_at is None


def test_it_begins_anew_after_a_failed_first_look(fake: FakeServer, asking: Asking, kind: str) -> None:
    scan_all(fake, asking.server)
    fake.fail(500)
    with pytest.raises(Exception, match="cannot answer"):
        asking.everything()
    assert asking.row.begun_at is None
    settle(fake, asking)
    assert not Arrival.objects.exists() and KnownItem.objects.count() == (0 if kind == "plex" else 2)


def test_it_can_forget_what_it_knows(fake: FakeServer, asking: Asking) -> None:
    settle(fake, asking)
    listeners.begin_anew(asking.row)
    row = Listener.objects.get()
    assert row.begun_at is None and row.restart and not KnownItem.objects.exists()


def test_it_leaves_out_what_has_no_file() -> None:
    assert item_of({"Id": "a", "Name": "Missing", "LocationType": "Virtual", "Path": "/x", "Type": "Episode"}) is None
    assert item_of({"Id": "a", "Name": "Show", "IsFolder": True, "Path": "/x"}) is None
    assert item_of({"Id": "a", "Name": "No path"}) is None


def test_it_counts_a_server_that_is_gone(asking: Asking, clock: FakeClock) -> None:
    Server.objects.update(url="http://127.0.0.1:9")
    server = Server.objects.get()
    gone = Asking(server, services.client_for(server), Listener.objects.get(), clock)
    with pytest.raises(Unreachable):
        gone.everything()
    assert Server.objects.get().fails == 1

"""Every request that our clients make, and every answer that our fakes give, against the servers' own documents."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from openapi_core import OpenAPI
from plexapi.server import PlexServer

from mediasync.servers.clients.base import Access, Client, ScanTarget, client_class
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library

from .judge import complaints

FAKES: dict[str, tuple[type[FakeServer], str]] = {
    "plex": (FakePlex, "movie"),
    "emby": (FakeEmby, "movies"),
    "jellyfin": (FakeJellyfin, "movies"),
}


def use_everything(client: Client, media: Path, key: str) -> None:
    """Call each method of the protocol once."""
    client.probe()
    client.libraries()
    client.scan([ScanTarget(f"{media}/A (2020)/A (2020).mkv", "Created", False, key)])
    client.refresh_library(key)
    client.busy(key)
    client.knows(f"{media}/A (2020)/A (2020).mkv")
    client.knows(f"{media}/B (2020)")
    film = client.known(key, [f"{media}/A (2020)/A (2020).mkv"], pause)[f"{media}/A (2020)/A (2020).mkv"]
    found = client.known(key, [f"{media}/{name}" for name in ("A (2020)", "B", "C", "D", "E")], pause)
    assert film.here and [each.here for each in found.values()] == [True, False, False, False, False]
    assert client.titled(key, "A") == [f"{media}/A (2020)/A (2020).mkv"]
    client.look_again(film.item, "refresh")
    client.trash(key, pause, 10)
    client.recent(since := dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert client.items(list(client.keys(since)))


def pause() -> None:
    """Let the server be asked once more."""


@pytest.mark.parametrize("kind", FAKES)
def test_requests_and_answers_keep_to_the_document(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    document: OpenAPI = request.getfixturevalue(f"{kind}_document")
    (tmp_path / "A (2020)").mkdir()
    (tmp_path / "A (2020)" / "A (2020).mkv").touch()
    fake_type, library_kind = FAKES[kind]
    with fake_type([Library("Movies", library_kind, [str(tmp_path)])]) as fake:
        fake.libraries[next(iter(fake.libraries))].scanning = kind == "plex"
        client = client_class(kind)(Access(fake.url, fake.token))
        use_everything(client, tmp_path, next(iter(fake.libraries)))
        client.close()
        assert len(fake.known) == 1
    assert len(fake.exchanges) >= 8
    wrong = [complaint for exchange in fake.exchanges for complaint in complaints(document, *exchange)]
    if kind == "plex":
        # The document calls most fields required; the recorded servers leave half of them out (test_recordings.py).
        # It also knows no PUT (see below).
        wrong = [each for each in wrong if not each.endswith("is a required property") and not each.startswith("PUT ")]
    assert wrong == []


def test_what_the_plex_document_leaves_out_is_asked_as_another_program_asks(tmp_path: Path, fixtures: Path) -> None:
    (tmp_path / "A (2020).mkv").touch()
    with FakePlex([Library("Movies", "movie", [str(tmp_path)])]) as fake:
        section = PlexServer(fake.url, fake.token).library.section("Movies")
        section.update()
        [film] = section.all()
        fake.exchanges.clear()
        film.refresh()
        film.analyze()
        section.emptyTrash()
        theirs = [(each.method, each.path) for each in fake.requests]
        fake.exchanges.clear()
        client = client_class("plex")(Access(fake.url, fake.token))
        [known] = client.known("1", [str(tmp_path / "A (2020).mkv")], pause).values()
        fake.exchanges.clear()
        client.look_again(known.item, "refresh")
        client.look_again(known.item, "analyze")
        client.empty_trash("1")
        client.close()
        assert [(each.method, each.path) for each in fake.requests] == theirs
        assert all(response.status == 200 for _, response in fake.exchanges)
        assert {method for method, _ in theirs} == {"PUT"}

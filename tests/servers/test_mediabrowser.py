"""What is Emby's and Jellyfin's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediasync.core.errors import AccessDenied, Permanent, Transient
from mediasync.servers.clients.base import Access, ScanTarget
from mediasync.servers.clients.emby import EmbyClient
from mediasync.servers.clients.jellyfin import JellyfinClient
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin

from .conftest import MakeFake


@pytest.mark.parametrize("prefixes", [("/emby",), ("",), ("/emby", "")])
@pytest.mark.parametrize("given", ["", "/emby"])
def test_emby_is_reached_with_and_without_its_prefix(
    fake_server: MakeFake, prefixes: tuple[str, ...], given: str
) -> None:
    fake = fake_server("emby")
    assert isinstance(fake, FakeEmby)
    fake.prefixes = prefixes
    client = EmbyClient(Access(fake.url + given, fake.token))
    if given and "/emby" not in prefixes:
        with pytest.raises(Permanent):
            client.probe()
    else:
        client.probe()
        before = len(fake.requests)
        client.probe()
        assert len(fake.requests) == before + 1  # found once, remembered
    client.close()


def test_an_old_emby_has_only_the_plain_list(fake_server: MakeFake) -> None:
    fake = fake_server("emby")
    assert isinstance(fake, FakeEmby)
    fake.documented = False
    client = EmbyClient(Access(fake.url, fake.token))
    assert [each.title for each in client.libraries()] == ["Movies", "Shows"]
    client.close()


@pytest.mark.parametrize(("kind", "client_type"), [("emby", EmbyClient), ("jellyfin", JellyfinClient)])
def test_many_paths_are_one_post_with_their_own_update_type(
    fake_server: MakeFake, media: Path, kind: str, client_type: type[EmbyClient | JellyfinClient]
) -> None:
    fake = fake_server(kind)
    client = client_type(Access(fake.url, fake.token))
    client.scan(
        [
            ScanTarget(f"{media}/movies/A.mkv", "Created", False, "x"),
            ScanTarget(f"{media}/movies/B.mkv", "Deleted", False, "x"),
        ]
    )
    client.close()
    [request] = fake.requests
    assert (request.method, request.path) == ("POST", "/Library/Media/Updated")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "Updates": [
            {"Path": f"{media}/movies/A.mkv", "UpdateType": "Created"},
            {"Path": f"{media}/movies/B.mkv", "UpdateType": "Deleted"},
        ]
    }


def test_jellyfin_is_asked_in_the_only_way_that_stays(fake_server: MakeFake) -> None:
    fake = fake_server("jellyfin")
    client = JellyfinClient(Access(fake.url, fake.token))
    client.probe()
    assert fake.requests[-1].headers["authorization"] == f'MediaBrowser Token="{fake.token}"'
    client.close()


def test_a_starting_jellyfin_is_tried_again(fake_server: MakeFake) -> None:
    fake = fake_server("jellyfin")
    assert isinstance(fake, FakeJellyfin)
    fake.starting = True
    client = JellyfinClient(Access(fake.url, fake.token))
    with pytest.raises(Transient) as caught:
        client.libraries()
    client.close()
    assert caught.value.retry_after == 5.0


def test_the_wrong_kind_is_noticed(fake_server: MakeFake) -> None:
    emby = EmbyClient(Access(fake_server("jellyfin").url, "fake-token"))
    with pytest.raises(AccessDenied):  # version 12 does not even know X-Emby-Token
        emby.probe()
    emby.close()
    fake = fake_server("emby")
    fake.authorised = lambda request: True  # type: ignore[method-assign]
    jellyfin = JellyfinClient(Access(fake.url, fake.token))
    with pytest.raises(Permanent, match="This is Emby"):
        jellyfin.probe()
    jellyfin.close()


def test_a_large_library_that_does_not_show_the_path_cannot_tell(
    fake_server: MakeFake, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediasync.servers.clients.mediabrowser.PAGE", 1)
    fake = fake_server("jellyfin")
    movies = next(iter(fake.libraries.values()))
    movies.known = {f"{media}/movies/{n}.mkv": n for n in range(3)}
    client = JellyfinClient(Access(fake.url, fake.token))
    assert client.knows(f"{media}/movies/1.mkv") is True
    assert client.knows(f"{media}/movies/unknown.mkv") is None
    client.close()

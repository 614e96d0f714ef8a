"""What may follow a proof, of each kind of server over real HTTP: an item looked at again, a trash emptied."""

from __future__ import annotations

import pytest

from mediasync.core.errors import Permanent
from mediasync.servers.clients.base import Client
from tests.fakes.server import FakeServer, Library


def shelf(fake: FakeServer, client: Client) -> Library:
    """Have the first library scanned, and return it."""
    library = next(iter(fake.libraries.values()))
    client.refresh_library(library.key)
    return library


def item(client: Client, library: Library) -> str:
    """Return the server's id of a file that it knows."""
    path = next(iter(library.known))
    return client.known(library.key, [path], lambda: None)[path].item


def test_an_item_is_refreshed_by_its_own_id(client: Client, fake: FakeServer) -> None:
    found = item(client, shelf(fake, client))
    assert client.look_again(found, "refresh").status in (200, 204)
    asked = fake.requests[-1]
    assert (asked.method, asked.path.lower().rsplit("/", 1)[1]) == ("PUT" if fake.kind == "Plex" else "POST", "refresh")
    assert found in asked.path.replace("-", "")


def test_only_plex_analyzes_and_has_a_trash(client: Client, fake: FakeServer) -> None:
    library = shelf(fake, client)
    library.trash = ["/gone/1.mkv", "/gone/2.mkv"]
    found = item(client, library)
    if fake.kind != "Plex":
        assert client.trash(library.key, lambda: None, 10) is None
        with pytest.raises(Permanent):
            client.look_again(found, "analyze")
        with pytest.raises(Permanent):
            client.empty_trash(library.key)
        return
    assert client.look_again(found, "analyze").status == 200
    assert client.trash(library.key, lambda: None, 10) == 2
    assert client.trash(library.key, lambda: None, 1) == 2  # more than the one that was allowed
    client.empty_trash(library.key)
    assert library.trash == []
    assert client.trash(library.key, lambda: None, 10) == 0


@pytest.mark.parametrize("key", ["../1", "", "1/../../prefs", "１"])
def test_no_other_address_is_called(client: Client, fake: FakeServer, key: str) -> None:
    fake.exchanges.clear()
    with pytest.raises(Permanent):
        client.look_again(key, "refresh")
    assert fake.exchanges == []

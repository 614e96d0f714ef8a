"""Answers that no server should give."""

from __future__ import annotations

import datetime as dt

import pytest

from mediasync.core.errors import Permanent
from mediasync.servers import services
from mediasync.servers.clients.base import Client, ScanTarget
from mediasync.servers.models import Library, Server
from tests.fakes.server import FakeServer

RUBBISH = [
    b"[" * 100_000,
    b"[5]",
    b'[{"Name": "x", "Locations": [5]}]',
    b'{"Items": [5], "Version": 5}',
    b'{"Items": [{"Name": "x", "Locations": [5]}]}',
    b'{"MediaContainer": {"size": 1, "Directory": ["x"]}}',
    b'{"MediaContainer": {"size": 1, "Directory": null, "Activity": 5, "Metadata": 5}}',
]
PLEX = b'{"MediaContainer": {"size": 1, "Directory": [{"key": "1", "type": "movie", "title": "%s", "Location": []}]}}'
OTHERS = b'[{"Name": "%s", "ItemId": "0123456789abcdef0123456789abcdef", "Locations": []}]'


@pytest.mark.parametrize("body", RUBBISH)
@pytest.mark.parametrize("name", ["probe", "libraries", "recent"])
def test_it_is_an_error_with_a_sentence(client: Client, fake: FakeServer, body: bytes, name: str) -> None:
    fake.fail(200, times=4, body=body)
    arguments = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] if name == "recent" else []
    with pytest.raises(Permanent) as caught:
        getattr(client, name)(*arguments)
    assert caught.value.code in ("server_shape", "server_not_json", "server_wrong_kind", "server_library_key")


def test_a_token_that_comes_back_is_hidden(client: Client, fake: FakeServer) -> None:
    fake.fail(200, body=f"you sent {fake.token}\0".encode())
    key = next(iter(fake.libraries))
    answer = client.scan([ScanTarget("/media/movies", "Modified", True, key)])
    assert answer.text == "you sent •••"


@pytest.mark.django_db
def test_a_title_that_no_database_takes_is_stored_as_far_as_it_goes(server: Server, fake: FakeServer) -> None:
    body = (PLEX if server.kind == "plex" else OTHERS) % rb"a\u0000b\ud800"
    fake.fail(200, body=body)
    services.load_libraries(server)
    assert Library.objects.get().title == "ab?"

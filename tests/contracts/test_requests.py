"""Every request that our clients make, and every answer that our fakes give, against the servers' own documents."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from openapi_core import OpenAPI

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
    client.recent(since := dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert client.items(list(client.keys(since)))


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
        wrong = [complaint for complaint in wrong if not complaint.endswith("is a required property")]
    assert wrong == []

"""What our fakes say over websockets, against documents, recordings and another program that listens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from plexapi.server import PlexServer

from mediasync.servers.clients.base import Access, ScanTarget, client_class
from mediasync.servers.listeners.channel import Channel
from mediasync.servers.listeners.ears import EARS
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library
from tests.monitors.feeding import until

from .conftest import read


def add(fake: FakeServer, kind: str, folder: Path) -> None:
    """Have the server take in a file."""
    (folder / "A.mkv").write_bytes(b"x")
    client = client_class(kind)(Access(fake.url, fake.token))
    client.scan([ScanTarget(str(folder), "Created", True, next(iter(fake.libraries)))])
    client.close()


def test_another_program_hears_our_fake_plex(tmp_path: Path, fixtures: Path) -> None:
    said: list[dict[str, Any]] = []
    with FakePlex([Library("Movies", "movie", [str(tmp_path)])]) as fake:
        listener = PlexServer(fake.url, fake.token).startAlertListener(said.append)
        until(lambda: len(fake.sockets))
        add(fake, "plex", tmp_path)
        until(lambda: len(said) == 5)
        listener.stop()
        listener.join(60)
    recorded = json.loads((fixtures / "plex/websocket/recorded_2017_plexkodiconnect_timeline_state5.json").read_text())
    [ours], [theirs] = said[-1]["TimelineEntry"], recorded[-1]["TimelineEntry"]
    assert theirs.keys() <= ours.keys() and said[-1].keys() == recorded[-1].keys()
    states = json.loads((fixtures / "plex/websocket/timeline_state_values.json").read_text())["states"]
    assert {str(each["TimelineEntry"][0]["state"]) for each in said} <= states.keys()


def test_our_fake_jellyfin_says_what_the_document_says(tmp_path: Path, fixtures: Path) -> None:
    document = read(fixtures / "jellyfin/openapi-10.11.11.json")
    with FakeJellyfin([Library("Movies", "movies", [str(tmp_path)])]) as fake:
        access, ear = Access(fake.url, fake.token), EARS["jellyfin"]
        channel = Channel(access, ear.path(access), ear.headers(access), ear.keep_alive)
        until(lambda: len(fake.sockets))
        add(fake, "jellyfin", tmp_path)
        found: list[str] = []
        until(lambda: found.append(channel.take(0.05)) or found[-1])  # type: ignore[func-returns-value]
        channel.close()
    said = json.loads(found[-1])
    assert complaints(document, "LibraryChangedMessage", said) == []
    assert complaints(document, "LibraryChangedMessage", {**said, "Data": {"ItemsAdded": "x"}})
    assert [each.made for each in ear.hear(found[-1])] == [True]


def complaints(document: dict[str, Any], name: str, message: Any) -> list[str]:
    """Return what a schema of the document has against a message."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(message)]


@pytest.mark.parametrize("kind", EARS)
def test_a_kind_of_server_has_an_ear_of_its_own(kind: str) -> None:
    access = Access("http://127.0.0.1:9", "a b")
    ear = EARS[kind]
    assert " " not in ear.path(access) and any("a b" in header for header in ear.headers(access))

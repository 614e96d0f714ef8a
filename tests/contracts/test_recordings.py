"""Answers that real servers gave: our clients read them, and the fakes look like them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from openapi_core import OpenAPI

from mediasync.core.errors import Permanent
from mediasync.servers.clients.base import Access, LibraryInfo
from mediasync.servers.clients.emby import EmbyClient
from mediasync.servers.clients.jellyfin import JellyfinClient, item_id
from mediasync.servers.clients.plex import PlexClient
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library, Request, Response

from .judge import complaints


@pytest.fixture
def plex() -> Any:
    with FakePlex([Library("Movies", "movie", ["/media/movies"])]) as fake:
        client = PlexClient(Access(fake.url, fake.token))
        yield fake, client
        client.close()


@pytest.fixture
def jellyfin() -> Any:
    with FakeJellyfin([Library("Movies", "movies", ["/media/movies"])]) as fake:
        client = JellyfinClient(Access(fake.url, fake.token))
        yield fake, client
        client.close()


def test_recorded_plex_libraries_are_read(fixtures: Path, plex: tuple[FakePlex, PlexClient]) -> None:
    fake, client = plex
    fake.fail(200, body=(fixtures / "plex/recorded/arrmcp_sections.json").read_bytes())
    assert client.libraries() == [
        LibraryInfo("1", "Movies", "movie", ("/media/library-1-1",)),
        LibraryInfo("2", "TV Shows", "show", ("/media/library-2-1",)),
        LibraryInfo("5", "Bumpers", "movie", ("/media/library-3-1",)),
    ]


def test_an_identity_is_no_proof_of_the_token(fixtures: Path, plex: tuple[FakePlex, PlexClient]) -> None:
    fake, client = plex
    fake.fail(200, body=(fixtures / "plex/recorded/arrmcp_identity.json").read_bytes())
    assert client.probe().version == "1.43.3.10896-cb3ebc72d"
    assert fake.requests[-1].path == "/"


def test_the_fake_plex_says_what_the_recorded_one_says(fixtures: Path, plex: tuple[FakePlex, PlexClient]) -> None:
    fake, client = plex
    client.libraries()
    [_, answer] = fake.exchanges[-1]
    recorded = json.loads((fixtures / "plex/recorded/arrmcp_sections.json").read_text())
    assert shape(json.loads(answer.body)) <= shape(recorded)


def test_its_xml_is_like_the_recorded_one(fixtures: Path, plex: tuple[FakePlex, PlexClient]) -> None:
    fake, _ = plex
    request = Request("GET", "/library/sections", [], {"x-plex-token": fake.token, "accept": "*/*"})
    ours = ElementTree.fromstring(fake.respond(request).body)
    theirs = ElementTree.fromstring((fixtures / "plex/recorded/ha_library_sections.xml").read_text())
    for tag in ("MediaContainer", "Directory", "Location"):
        [one, *_], [other, *_] = list(ours.iter(tag)), list(theirs.iter(tag))
        assert set(one.attrib) <= set(other.attrib)
        for name in ("refreshing", "allowSync", "content"):
            assert one.get(name) in (None, "0", "1")


def test_the_plex_document_demands_more_than_a_plex_says(fixtures: Path, plex_document: OpenAPI) -> None:
    body = (fixtures / "plex/recorded/arrmcp_sections.json").read_bytes()
    found = complaints(
        plex_document, Request("GET", "/library/sections", [], {"x-plex-token": "t"}), Response(200, body)
    )
    assert found
    assert all(each.endswith("is a required property") for each in found)


def test_recorded_jellyfin_answers_are_read(fixtures: Path, jellyfin: tuple[FakeJellyfin, JellyfinClient]) -> None:
    fake, client = jellyfin
    recorded = fixtures / "jellyfin/recorded"
    fake.fail(200, body=(recorded / "arrmcp_system-info.json").read_bytes())
    info = client.probe()
    assert (info.name, info.version) == ("homelab", "10.11.11")
    fake.fail(200, body=(recorded / "virtualfolders_10.11.11_described.json").read_bytes())
    [movies] = client.libraries()
    assert (movies.title, movies.kind, movies.paths) == ("Movies", "movies", ("/media/movies",))
    fake.fail(200, body=(recorded / "arrmcp_scheduled-tasks.json").read_bytes())
    fake.fail(200, body=(recorded / "virtualfolders_10.11.11_described.json").read_bytes())
    assert client.busy(movies.key) is False


def test_a_running_scan_is_seen_though_its_name_is_translated(
    fixtures: Path, jellyfin: tuple[FakeJellyfin, JellyfinClient]
) -> None:
    fake, client = jellyfin
    tasks = json.loads((fixtures / "jellyfin/recorded/arrmcp_scheduled-tasks.json").read_text())
    [scan] = [task for task in tasks if task["Key"] == "RefreshLibrary"]
    assert "Scan" not in scan["Name"]
    scan["State"] = "Running"
    fake.fail(200, body=json.dumps(tasks).encode())
    assert client.busy("any") is True


def test_recorded_jellyfin_answers_keep_to_its_document(fixtures: Path, jellyfin_document: OpenAPI) -> None:
    files = {"/System/Info": "arrmcp_system-info", "/ScheduledTasks": "arrmcp_scheduled-tasks"}
    files["/Library/VirtualFolders"] = "virtualfolders_10.11.11_described"
    for path, name in files.items():
        body = (fixtures / f"jellyfin/recorded/{name}.json").read_bytes()
        request = Request("GET", path, [], {"authorization": 'MediaBrowser Token="t"'})
        assert complaints(jellyfin_document, request, Response(200, body)) == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-emby-token": "t"}, b'{"Updates": []}'),
        ({"authorization": "t"}, b'{"Updates": [{"path": "/x"}]}'),
        ({"authorization": "t"}, b"{}x"),
    ],
)
def test_the_jellyfin_judge_finds_mistakes(jellyfin_document: OpenAPI, headers: dict[str, str], body: bytes) -> None:
    request = Request("POST", "/Library/Media/Updated", [], {"content-type": "application/json", **headers}, body)
    assert complaints(jellyfin_document, request, Response(204))


def test_an_id_is_made_from_type_and_path_as_the_recorded_one(fixtures: Path) -> None:
    [movies] = json.loads((fixtures / "jellyfin/recorded/virtualfolders_10.11.11_described.json").read_text())
    assert item_id("CollectionFolder", "root\\default\\Movies").replace("-", "") == movies["ItemId"]


def test_a_jellyfin_behind_an_emby_is_told(fixtures: Path, jellyfin: tuple[FakeJellyfin, JellyfinClient]) -> None:
    fake, _ = jellyfin
    fake.fail(200, body=(fixtures / "jellyfin/recorded/arrmcp_system-info.json").read_bytes())
    client = EmbyClient(Access(fake.url, fake.token))
    with pytest.raises(Permanent, match="Jellyfin"):
        client.probe()
    client.close()


def shape(data: Any, at: str = "") -> set[str]:
    """Return the fields of an answer with their types."""
    if isinstance(data, dict):
        return {each for key, value in data.items() for each in shape(value, f"{at}.{key}")}
    if isinstance(data, list):
        return {each for value in data for each in shape(value, f"{at}[]")}
    return {f"{at}: {type(data).__name__}"}

"""Plex's own habits; and plexapi as the judge of the fake that we test against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plexapi.server import PlexServer

from mediasync.core.errors import Permanent
from mediasync.servers.clients import plex as plex_module
from mediasync.servers.clients import plex_items
from mediasync.servers.clients.base import Access, ScanTarget
from mediasync.servers.clients.plex import PlexClient
from tests.fakes.plex import FakePlex

from .conftest import MakeFake


@pytest.fixture
def plex(fake_server: MakeFake) -> FakePlex:
    fake = fake_server("plex")
    assert isinstance(fake, FakePlex)
    return fake


@pytest.fixture
def plex_client(plex: FakePlex) -> Iterator[PlexClient]:
    client = PlexClient(Access(plex.url, plex.token))
    yield client
    client.close()


def test_a_scan_is_one_get_for_a_normalised_directory(plex: FakePlex, plex_client: PlexClient, media: Path) -> None:
    plex_client.scan([ScanTarget(f"{media}//movies/./A & B (2020)/", "Created", True, "1")])
    request = plex.requests[-1]
    assert (request.method, request.path) == ("GET", "/library/sections/1/refresh")
    assert request.query == [("path", f"{media}/movies/A & B (2020)")]
    assert request.headers["x-plex-client-identifier"] == "mediasync"
    assert request.headers["accept"] == "application/json"
    assert "x-plex-token" not in "".join(f"{key}" for key, _ in request.query).lower()


def test_a_file_becomes_its_directory(plex: FakePlex, plex_client: PlexClient, media: Path) -> None:
    plex_client.scan([ScanTarget(f"{media}/movies/x/y.mkv", "Modified", False, "1")])
    assert plex.requests[-1].value("path") == f"{media}/movies/x"


@pytest.mark.parametrize(
    ("path", "sent"), [("D:\\Films\\A\\", "D:\\Films\\A"), ("\\\\nas\\films\\A\\b.mkv", "\\\\nas\\films\\A\\b.mkv")]
)
def test_windows_paths_keep_their_style(plex: FakePlex, plex_client: PlexClient, path: str, sent: str) -> None:
    plex_client.scan([ScanTarget(path, "Modified", True, "1")])
    assert plex.requests[-1].value("path") == sent


def test_a_missing_directory_is_skipped_without_a_word(plex: FakePlex, plex_client: PlexClient, media: Path) -> None:
    folder = media / "movies" / "A & B (2020)"
    plex_client.refresh_library("1")
    (folder / "A & B (2020).mkv").unlink()
    folder.rmdir()
    plex_client.scan([ScanTarget(str(folder), "Deleted", True, "1")])
    assert len(plex.known) == 1  # which is why deletions climb
    plex_client.scan([ScanTarget(str(folder.parent), "Deleted", True, "1")])
    assert plex.known == set()


def test_a_key_that_is_no_number_is_refused(plex_client: PlexClient) -> None:
    with pytest.raises(Permanent, match="number"):
        plex_client.refresh_library("1/../2")


def test_a_server_without_the_filter_cannot_tell(plex: FakePlex, plex_client: PlexClient, media: Path) -> None:
    plex_client.libraries()
    plex.fail(400)
    assert plex_client.knows(f"{media}/movies/x.mkv") is None


def test_plexapi_takes_the_fake_for_a_plex(plex: FakePlex, media: Path) -> None:
    judge = PlexServer(plex.url, plex.token)  # type: ignore[no-untyped-call]
    try:
        assert judge.friendlyName == "Fake Plex"
        sections = judge.library.sections()
        assert [(each.title, each.locations) for each in sections] == [
            ("Movies", [f"{media}/movies"]),
            ("Shows", [f"{media}/tv"]),
        ]
        sections[0].update(path=f"{media}/movies/A & B (2020)")
        assert len(plex.known) == 1
        [film] = sections[0].all()
        assert film.locations == list(plex.known)
        plex.libraries["1"].scanning = True
        assert [each.type for each in judge.activities] == ["library.update.section"]
    finally:
        judge._session.close()


def test_django_starts_without_plexapi_and_requests() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "sys.exit(' '.join(sorted({'plexapi', 'requests'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("where", ["item", "media", "part", ""])
def test_what_lies_in_the_trash_is_counted_and_not_known_wherever_plex_marks_it(where: str) -> None:
    mark = {"deletedAt": 1788414024}
    part = {"file": "/m/a.mkv", **(mark if where == "part" else {})}
    media = {"Part": [part], **(mark if where == "media" else {})}
    item = {"ratingKey": "1", "Media": [media], **(mark if where == "item" else {})}
    assert plex_module._in_trash(item) == bool(where)
    assert list(plex_items.files(item)) == ([] if where else ["/m/a.mkv"])

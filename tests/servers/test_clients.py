"""What every client does alike."""

from __future__ import annotations

import datetime as dt
import traceback
from pathlib import Path

import pytest

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable
from mediasync.servers.clients.base import Access, Client, ScanTarget, client_class
from tests.fakes.server import FakeServer


def targets(fake: FakeServer, *paths: str, update: str = "Created") -> list[ScanTarget]:
    """Return targets as the scan stage makes them: a file each, or its folder where the server wants folders."""
    found = []
    for path in paths:
        key = next(library.key for library in fake.libraries.values() if library.owns(path))
        found.append(ScanTarget(path, update, False, key))  # type: ignore[arg-type]
    return found


def send(client: Client, wanted: list[ScanTarget]) -> None:
    for start in range(0, len(wanted), client.batch):
        assert 200 <= client.scan(wanted[start : start + client.batch]).status < 300


def test_it_says_who_is_there(client: Client, kind: str) -> None:
    info = client.probe()
    assert info.name == f"Fake {kind.title()}"
    assert info.version[0].isdigit()
    assert info.machine


def test_it_lists_the_libraries_with_their_folders(client: Client, media: Path) -> None:
    assert [(each.title, each.paths) for each in client.libraries()] == [
        ("Movies", (f"{media}/movies",)),
        ("Shows", (f"{media}/tv",)),
    ]


def test_a_scan_makes_the_server_know_the_file(client: Client, fake: FakeServer, media: Path) -> None:
    film = f"{media}/movies/A & B (2020)/A & B (2020).mkv"
    episode = f"{media}/tv/Show/Season 01/Show - S01E01, Pilot.mkv"
    assert client.knows(film) is False
    send(client, targets(fake, film, episode))
    assert fake.known == {film, episode}
    assert client.knows(film) is True
    assert client.knows(episode) is True
    assert client.knows(f"{media}/tv/Show") is True
    assert client.knows(f"{media}/tv/Sho") is False


def test_it_cannot_tell_about_a_path_outside_all_libraries(client: Client) -> None:
    assert client.knows("/elsewhere/film.mkv") is None


def test_it_refreshes_a_library(client: Client, fake: FakeServer, media: Path) -> None:
    movies = next(iter(fake.libraries.values()))
    client.refresh_library(movies.key)
    assert len(fake.known) == 1


def test_it_lists_what_came_lately(client: Client, fake: FakeServer, media: Path) -> None:
    for library in fake.libraries.values():
        client.refresh_library(library.key)
    now = dt.datetime.now(dt.UTC)
    found = client.recent(now - dt.timedelta(hours=1))
    assert {item.path for item in found} == fake.known
    assert {item.library_key for item in found} == set(fake.libraries)
    assert client.recent(now + dt.timedelta(hours=1)) == []


def test_it_tells_when_a_library_is_being_scanned(client: Client, fake: FakeServer) -> None:
    movies = next(iter(fake.libraries.values()))
    assert client.busy(movies.key) is False
    movies.scanning = True
    assert client.busy(movies.key) is True


def test_a_name_that_is_not_utf8_can_be_scanned(client: Client, fake: FakeServer, media: Path) -> None:
    odd = f"{media}/movies/caf\U0010dce9/film.mkv"  # stored text of b"caf\xe9"
    client.scan(targets(fake, odd))
    request = fake.requests[-1]
    if client.unit == "directory":
        assert request.value("path") == f"{media}/movies/caf\udce9"
    else:
        assert f'{{"Path": "{media}/movies", "UpdateType": "Modified"}}'.encode() in request.body


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Permanent),
        (401, AccessDenied),
        (403, AccessDenied),
        (404, Permanent),
        (408, Transient),
        (429, Transient),
        (500, Transient),
        (503, Transient),
    ],
)
def test_a_status_becomes_the_right_error(
    client: Client, fake: FakeServer, media: Path, status: int, error: type[Exception]
) -> None:
    fake.fail(status, times=2, Retry_After="7")  # twice: Emby tries its other prefix at a 404
    with pytest.raises(error) as caught:
        client.scan(targets(fake, f"{media}/movies/x.mkv"))
    assert type(caught.value) is error
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after == 7.0


def test_a_wrong_token_is_refused_and_never_repeated(kind: str, fake: FakeServer) -> None:
    token = "very-secret-token"
    client = client_class(kind)(Access(fake.url, token))
    with pytest.raises(AccessDenied) as caught:
        client.probe()
    client.close()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.params) + repr(vars(client))
    assert token not in shown


def test_nobody_there_is_unreachable(kind: str, fake: FakeServer) -> None:
    client = client_class(kind)(Access("http://127.0.0.1:9", "token", connect_timeout=1))
    with pytest.raises(Unreachable):
        client.probe()
    client.close()


def test_something_else_there_is_said_so(client: Client, fake: FakeServer) -> None:
    fake.fail(200, body=b"<html>Welcome to nginx!</html>")
    with pytest.raises(Permanent, match="not JSON"):
        client.probe()
    fake.fail(200, body=b'{"hello": 1}')
    with pytest.raises(Permanent, match="kind"):
        client.probe()


def test_a_part_of_a_list_is_no_list(client: Client, fake: FakeServer) -> None:
    fake.fail(200, body=b'{"MediaContainer": {"size": 2}, "TotalRecordCount": 2}')
    with pytest.raises(Permanent):
        client.libraries()

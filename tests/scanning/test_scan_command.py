"""``manage.py scan``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mediasync.servers import services as servers
from mediasync.servers.models import Server
from scanning.models import PathMapping, ScanRequest
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def plex(tmp_path: Path) -> Iterator[FakePlex]:
    (tmp_path / "A.B. (2020)").mkdir()
    (tmp_path / "A.B. (2020)/1.mkv").touch()
    with FakePlex([Library("TV", "show", [str(tmp_path)])]) as fake:
        server = Server(name="p", kind="plex", url=fake.url, pace=0)
        servers.save(server, token=fake.token)
        servers.load_libraries(server)
        fake.exchanges.clear()
        yield fake


def told(plex: FakePlex) -> list[str]:
    return [request.value("path") for request in plex.requests if request.path.endswith("/refresh")]


def scan(*words: str, **options: Any) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("scan", *words, stdout=out, **options)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def test_it_tells_the_server_now(plex: FakePlex, tmp_path: Path) -> None:
    code, text = scan(f"{tmp_path}//A.B. (2020)/")
    assert (code, told(plex)) == (0, [f"{tmp_path}/A.B. (2020)"])
    assert "Sent" in text
    assert ScanRequest.objects.get().state == "sent"


def test_a_file_is_its_folder(plex: FakePlex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert scan("A.B. (2020)/1.mkv")[0] == 0
    assert told(plex) == [f"{tmp_path}/A.B. (2020)"]


def test_a_dry_run_sends_nothing_and_says_why(plex: FakePlex, tmp_path: Path) -> None:
    PathMapping.objects.create(space="server", pattern="/other", replacement="/x")
    code, text = scan(str(tmp_path / "A.B. (2020)"), "--dry-run")
    assert code == 0
    assert "/other → /x: does not match" in text
    assert f"p · TV: {tmp_path}/A.B. (2020) (Modified) · 1 folder" in text
    assert plex.requests == []
    assert not ScanRequest.objects.exists()


def test_it_speaks_json(plex: FakePlex, tmp_path: Path) -> None:
    _code, text = scan(str(tmp_path), "--dry-run", "--json")
    assert json.loads(text)[0]["asks"] == str(tmp_path)
    code, text = scan(str(tmp_path / "A.B. (2020)"), "--json")
    assert (code, json.loads(text)[0]["state"]) == (0, "sent")


def test_it_says_that_no_library_has_a_path(plex: FakePlex) -> None:
    code, text = scan("/nowhere/at/all")
    assert (code, "No library has this path" in text) == (5, True)
    assert plex.requests == []


def test_it_translates_what_a_source_says(plex: FakePlex, tmp_path: Path) -> None:
    PathMapping.objects.create(space="source", source="sonarr", pattern="/tv", replacement=str(tmp_path))
    assert scan("/tv/A.B. (2020)", "--source", "sonarr")[0] == 0
    assert told(plex) == [f"{tmp_path}/A.B. (2020)"]


def test_a_server_that_is_away_leaves_it_waiting(plex: FakePlex, tmp_path: Path) -> None:
    Server.objects.update(url="http://127.0.0.1:9")
    code, text = scan(str(tmp_path / "A.B. (2020)"), "--timeout", "0.2")
    assert (code, "Waiting" in text) == (75, True)


def test_a_refusal_is_a_failure(plex: FakePlex, tmp_path: Path) -> None:
    plex.fail(400, times=2)  # the first time it is asked whether it scans already
    code, text = scan(str(tmp_path / "A.B. (2020)"))
    assert (code, "Failed" in text) == (1, True)


@pytest.mark.parametrize(("words", "code"), [(["/a/../b"], 2), (["/a", "--server", "nobody"], 5)])
def test_it_refuses_what_it_cannot_use(plex: FakePlex, words: list[str], code: int) -> None:
    assert scan(*words)[0] == code


def test_it_says_that_there_is_no_server() -> None:
    code, text = scan("/a")
    assert (code, "Add one" in text) == (2, True)

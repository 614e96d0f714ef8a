"""Tests for files of Subsonic servers: a real Supysonic, recorded answers, and how one logs in where."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from catalog import subsonic
from catalog.checking import examine
from catalog.downloads.base import Candidate
from catalog.errors import ParseError, Unavailable
from mediasync.core.errors import AccessDenied, Permanent, UsageError
from tests.catalog import audio, supysonic
from tests.catalog.replay import Replay, recorded
from tests.fakes.server import Request, Response

from .conftest import Make, brought, quiet, want

HERE = "music.test/rest"
SETTINGS = {"address": "http://music.test", "user": "mei"}


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subsonic, "_old", set())


def ok(**more: Any) -> dict[str, Any]:
    return {"subsonic-response": {"status": "ok", "version": "1.16.1", **more}}


def failed(code: int) -> dict[str, Any]:
    return {"subsonic-response": {"status": "failed", "version": "1.16.1", "error": {"code": code, "message": "no"}}}


def test_it_searches_and_fetches_from_a_real_server(tmp_path: Path, make: Make, part: Path) -> None:
    song = audio.mp3("晴天 (Live)", "周杰伦", 5, album="叶惠美")
    audio.write(tmp_path / "music/晴天.mp3", song)
    for number in range(10, 22):
        audio.write(tmp_path / f"music/{number}.mp3", audio.mp3(f"Same Title {number}", "Many", 1))
    audio.write(tmp_path / "music/99.mp3", audio.mp3("Same Title 1", "Many", 1))
    with supysonic.running(tmp_path) as server:
        settings = {"address": server.url, "user": supysonic.USER}
        source = make("subsonic", settings, supysonic.PASSWORD)
        (found,) = source.search(want("晴天（Live）", "周杰伦"))  # brackets are not asked for
        assert (found.title, found.artists, found.album, found.ext, found.size) == (
            "晴天 (Live)", ("周杰伦",), "叶惠美", "mp3", len(song),
        )  # fmt: skip
        part.write_bytes(song[:1000])
        assert brought(source, found, part) == song
        assert len(source.search(want("Same Title", "Many"))) == 10
        (first, *_rest) = source.search(want("Same Title 1", "Many"))
        assert first.title == "Same Title 1"
        assert source.search(want("nothing of it")) == []
        with pytest.raises(Unavailable):
            source.fetch(
                Candidate("here", "x", "t", opaque={"id": "5a0d5d5e-0000-4000-8000-000000000000"}), part, quiet
            )
        with pytest.raises(AccessDenied):
            make("subsonic", settings, "wrong").search(want("晴天"))
        with pytest.raises(AccessDenied):
            make("subsonic", settings | {"user": "who"}, supysonic.PASSWORD).search(want("晴天"))


def test_an_error_page_with_status_200_is_no_song(make: Make, part: Path) -> None:
    """Trap 1: ``download`` of a bad id answers 200 and JSON; some say that it is an MP3."""
    with Replay() as replay:
        replay.say(f"{HERE}/getSong.view", ok(song={"id": "1"}))
        source = make("subsonic", SETTINGS | replay.settings, "secret")
        candidate = Candidate("here", "1", "t", opaque={"id": "1"})
        for kind in ("application/json", "text/xml; charset=utf-8"):
            body = recorded("subsonic_supysonic_unknown_method.json")
            replay.say(f"{HERE}/download.view", Response(200, body, kind))
            with pytest.raises(Unavailable):
                source.fetch(candidate, part, quiet)
        replay.say(f"{HERE}/download.view", Response(200, b'{"subsonic-response":{}}', "audio/mpeg"))
        source.fetch(candidate, part, quiet)
        with pytest.raises(Unavailable):
            examine(part)


def test_it_reads_recorded_answers(make: Make) -> None:
    with Replay() as replay:
        replay.say(f"{HERE}/search3.view", recorded("subsonic_supysonic_search3.json"))
        found = make("subsonic", SETTINGS | replay.settings, "secret").search(want("x"))
        assert found and all(each.key and each.title and each.size for each in found)
        replay.say(f"{HERE}/search3.view", recorded("subsonic_supysonic_bad_auth.json"))
        with pytest.raises(AccessDenied):
            make("subsonic", SETTINGS | replay.settings, "secret").search(want("x"))


def test_it_logs_in_by_token_key_or_password(make: Make) -> None:
    with Replay() as replay:
        replay.say(f"{HERE}/search3.view", ok(searchResult3={}))
        make("subsonic", SETTINGS | replay.settings, "sésame").search(want("x"))
        query = dict(replay.requests[-1].query)
        assert query["t"] == hashlib.md5(("sésame" + query["s"]).encode()).hexdigest() and "p" not in query
        make("subsonic", {"address": "http://music.test", **replay.settings}, "key").search(want("x"))
        query = dict(replay.requests[-1].query)
        assert query["apiKey"] == "key" and not {"u", "t", "p"} & set(query)

        def old(request: Request) -> Any:
            return ok(searchResult3={"song": {"id": 7, "title": "One"}}) if "p" in dict(request.query) else failed(41)

        replay.say(f"{HERE}/search3.view", old)
        (found,) = make("subsonic", SETTINGS | replay.settings, "sésame").search(want("x"))
        assert found.key == "7" and found.artists == ()
        assert dict(replay.requests[-1].query)["p"] == "enc:" + "sésame".encode().hex()
        asked = len(replay.requests)
        make("subsonic", SETTINGS | replay.settings, "sésame").search(want("x"))
        assert len(replay.requests) == asked + 1  # it remembers


def test_it_finds_out_in_many_threads_at_once_how_to_log_in(make: Make) -> None:
    """All ask by a token before the first answer says that there are none."""
    asked, known = threading.Barrier(4), threading.Event()

    def old(request: Request) -> Any:
        if "p" in dict(request.query):
            known.set()
            return ok(searchResult3={"song": {"id": 7, "title": "One"}})
        if asked.wait(60):
            known.wait(60)  # one hears it first; the others' answers are still on their way
        return failed(10)

    with Replay() as replay:
        replay.say(f"{HERE}/search3.view", old)
        sources = [make("subsonic", SETTINGS | replay.settings, "sésame") for _ in range(4)]
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda source: source.search(want("x")), sources))
    assert [len(each) for each in found] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(40), AccessDenied),
        (failed(44), AccessDenied),
        (failed(70), Unavailable),
        (failed(0), Permanent),
        (failed(10), Permanent),
        ({"status": "ok"}, ParseError),
        (["x"], ParseError),
        (b"<html>", ParseError),
    ],
    ids=range(8),
)
def test_it_understands_errors(make: Make, answer: Any, kind: type[Exception]) -> None:
    with Replay() as replay:
        replay.say(f"{HERE}/search3.view", answer)
        with pytest.raises(kind) as raised:
            make("subsonic", SETTINGS | replay.settings, "s3cret").search(want("x"))
        assert "s3cret" not in str(raised.value) + repr(raised.value.__dict__)


def test_it_needs_an_address_and_a_secret(make: Make) -> None:
    for settings, secret in (({}, "x"), (SETTINGS, "")):
        with pytest.raises(UsageError):
            make("subsonic", settings, secret)

"""Tests for Jamendo and the Internet Archive. Their answers here are made by hand after their documents."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from catalog.checking import examine
from catalog.errors import ParseError, RateLimited, Unavailable
from catalog.matching import score
from mediasync.core.errors import AccessDenied, Permanent, UsageError
from tests.catalog import audio
from tests.catalog.replay import Replay
from tests.fakes.server import Response

from .conftest import Make, brought, quiet, want

SONG = audio.mp3("Free", "Band", 200)


def track(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": "Free",
        "duration": 200,
        "artist_name": "Band",
        "album_name": "First",
        "license_ccurl": "http://creativecommons.org/licenses/by-sa/3.0/",
        "audiodownload": f"https://prod-1.storage.jamendo.com/download/track/{number}/flac/",
        "audiodownload_allowed": True,
    } | facts


def jamendo(*results: dict[str, Any], status: str = "success", code: int = 0) -> dict[str, Any]:
    return {"headers": {"status": status, "code": code, "results_count": len(results)}, "results": list(results)}


def test_it_fetches_from_jamendo_what_may_be_fetched(make: Make, part: Path) -> None:
    with Replay() as replay:
        forbidden, silent = track(2, audiodownload_allowed=False), track(3)
        del silent["audiodownload_allowed"]
        replay.say("api.jamendo.com/v3.0/tracks/", jamendo(track(1), forbidden, silent))
        replay.say("prod-1.storage.jamendo.com/download/track/1/flac/", Response(200, SONG, "audio/mpeg"))
        source = make("jamendo", replay.settings, "client")
        one, two, three = source.search(want("Free (Live) feat. X", "Band"))
        assert (one.license, one.rights_basis) == (track(1)["license_ccurl"], "open-licence")
        assert score(want("Free", "Band", duration=200), one) == 100
        assert brought(source, one, part) == SONG
        for other in (two, three):
            with pytest.raises(Unavailable) as refused:
                source.fetch(other, part, quiet)
            assert refused.value.code == "not_allowed"
        query = dict(replay.requests[0].query)
        assert (query["client_id"], query["namesearch"]) == ("client", "Free")


@pytest.mark.parametrize(("code", "kind"), [(5, AccessDenied), (6, RateLimited), (3, Permanent)])
def test_it_understands_errors_of_jamendo(make: Make, code: int, kind: type[Exception]) -> None:
    with Replay() as replay:
        replay.say("api.jamendo.com/v3.0/tracks/", jamendo(status="failed", code=code))
        with pytest.raises(kind):
            make("jamendo", replay.settings, "client").search(want("x"))
        replay.say("api.jamendo.com/v3.0/tracks/", ["odd"])
        with pytest.raises(ParseError):
            make("jamendo", replay.settings, "client").search(want("x"))
    with pytest.raises(UsageError):
        make("jamendo")


def archive(replay: Replay, **metadata: Any) -> None:
    name = "01 Free #1.mp3"
    files = [
        {"name": name, "format": "VBR MP3", "title": "Free", "length": "3:20", "size": str(len(SONG)),
         "md5": hashlib.md5(SONG).hexdigest(), "source": "original"},
        {"name": "cover.jpg", "format": "JPEG"},
        {"name": "hidden.mp3", "private": "true"},
    ]  # fmt: skip
    docs = [{"identifier": "band-first"}, {"identifier": "../etc"}, {}]
    replay.say("archive.org/advancedsearch.php", {"response": {"numFound": 1, "docs": docs}})
    replay.say(
        "archive.org/metadata/band-first",
        {"metadata": {"identifier": "band-first", "title": "First", "creator": ["Band"], **metadata}, "files": files},
    )
    replay.say("archive.org/download/band-first/01%20Free%20%231.mp3", Response(200, SONG, "audio/mpeg"))


def test_it_fetches_from_the_archive_what_has_a_licence(make: Make, part: Path) -> None:
    with Replay() as replay:
        archive(replay, licenseurl="https://creativecommons.org/publicdomain/zero/1.0/")
        source = make("internet_archive", replay.settings)
        (found,) = source.search(want('Free: "x" (Live)', "Band/2"))
        assert (found.artists, found.album, found.duration, found.rights_basis) == (
            ("Band",), "First", 200.0, "public-domain",
        )  # fmt: skip
        fetch = source.fetch(found, part, quiet)
        assert examine(part, size=fetch.size, digest=fetch.digest).size == len(SONG)
        query = dict(replay.requests[0].query)["q"]
        assert query == "mediatype:(audio) AND (free x) AND creator:(band 2)"
        archive(replay)
        (found,) = source.search(want("Free", "Band"))
        with pytest.raises(Unavailable) as refused:
            source.fetch(found, part, quiet)
        assert refused.value.code == "no_licence"


def test_it_survives_odd_answers_of_the_archive(make: Make) -> None:
    with Replay() as replay:
        source = make("internet_archive", replay.settings)
        replay.say("archive.org/advancedsearch.php", {"response": {"docs": [{"identifier": "gone"}]}})
        replay.say("archive.org/metadata/gone", {})
        assert source.search(want("Free")) == [] == source.search(want("???"))
        replay.say("archive.org/advancedsearch.php", {"error": "no"})
        with pytest.raises(ParseError):
            source.search(want("Free"))

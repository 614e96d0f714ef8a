"""ListenBrainz, by answers in the shape of its documentation (values invented; nobody recorded them)."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import ParseError, Private, RateLimited
from catalog.sources.base import PlaylistRef
from catalog.sources.listenbrainz import ListenBrainz
from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, UsageError
from tests.catalog.platforms import plug
from tests.catalog.replay import Replay
from tests.fakes.server import Request, Response

API = "api.listenbrainz.org/1"
MBID = "0cf18183-a3c6-4bf8-8a04-bd8a5f2de4a5"
SONG = "11111111-2222-3333-4444-555555555555"
REF = PlaylistRef("listenbrainz", MBID)


def lists(request: Request, total: int = 30) -> dict[str, Any]:
    first, count = int(request.value("offset")), int(request.value("count"))
    ids = [f"0cf18183-a3c6-4bf8-8a04-{n:012x}" for n in range(total)][first : first + count]
    found = [{"playlist": {"identifier": f"https://listenbrainz.org/playlist/{i}", "title": f"List {i}"}} for i in ids]
    return {"count": count, "offset": first, "playlist_count": total, "playlists": found}


def jspf() -> dict[str, Any]:
    people = [{"artist_credit_name": "Portishead"}, {"artist_credit_name": "X"}]
    track = {
        "title": "Roads",
        "creator": "Portishead feat. X",
        "album": "Dummy",
        "duration": 304_000,
        "identifier": [f"https://musicbrainz.org/recording/{SONG}"],
        "extension": {"https://musicbrainz.org/doc/jspf#track": {"additional_metadata": {"artists": people}}},
    }
    return {"playlist": {"title": "Weekly", "track": [track, {"title": "Plain", "creator": "Y"}]}}


def test_it_collects_own_lists_and_those_made_for_the_user(replay: Replay) -> None:
    replay.say(f"{API}/user/me%20too/playlists", lists)
    replay.say(f"{API}/user/me%20too/playlists/createdfor", lambda request: lists(request, 2))
    pages = list(plug("listenbrainz", replay, user="me too").collect("own"))
    assert [(len(page.playlists), page.has_more) for page in pages] == [(25, True), (5, True), (2, False)]
    assert "authorization" not in replay.requests[0].headers
    with pytest.raises(UsageError):
        list(plug("listenbrainz", replay).collect("own"))


def test_it_reads_a_list(replay: Replay) -> None:
    replay.say(f"{API}/playlist/{MBID}", jspf())
    found = plug("listenbrainz", replay, secret="token-1").tracks(REF)
    assert replay.requests[0].headers["authorization"] == "Token token-1"
    assert found.result == "ok" and found.meta and found.meta.name == "Weekly"
    first, second = found.tracks
    assert (first.remote_id, first.mbid, first.title, first.artists) == (SONG, SONG, "Roads", ("Portishead", "X"))
    assert (first.duration, first.album) == (304, "Dummy")
    assert (second.mbid, second.artists) == ("", ("Y",))


def test_it_reports_what_it_may_not_see(replay: Replay) -> None:
    replay.say(f"{API}/playlist/{MBID}", Response(404, b'{"code": 404, "error": "Cannot find playlist"}'))
    with pytest.raises(Private):
        plug("listenbrainz", replay).tracks(REF)
    replay.say(f"{API}/playlist/{MBID}", Response(401, b'{"code": 401, "error": "Invalid token"}'))
    with pytest.raises(AccessDenied):
        plug("listenbrainz", replay, secret="wrong").tracks(REF)
    for odd in (b"<html>", {"playlist": {}}, [], {"payload": 1}):
        replay.say(f"{API}/playlist/{MBID}", odd)
        with pytest.raises(ParseError):
            plug("listenbrainz", replay).tracks(REF)


def test_it_waits_when_its_questions_are_used_up(replay: Replay) -> None:
    clock = FakeClock()
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-In": "25"}
    replay.say(f"{API}/playlist/{MBID}", Response(200, b'{"playlist": {"track": [], "title": "x"}}', headers=headers))
    source = plug("listenbrainz", replay, clock)
    assert source.tracks(REF).result == "empty"
    with pytest.raises(RateLimited) as caught:
        source.tracks(REF)
    assert caught.value.retry_after == pytest.approx(25, abs=2)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://listenbrainz.org/playlist/{MBID}", MBID),
        (f"https://listenbrainz.org/playlist/{MBID.upper()}/", MBID),
        (f"https://listenbrainz.example/playlist/{MBID}", None),
        ("https://listenbrainz.org/playlist/1", None),
    ],
)
def test_it_knows_its_addresses(url: str, found: str | None) -> None:
    ref = ListenBrainz.match_url(url)
    assert (ref and ref.remote_id) == found

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import AccessDenied, ParseError, Private, RateLimited
from catalog.sources.base import PlaylistRef
from catalog.sources.netease import Netease
from mediasync.core.clock import FakeClock
from tests.catalog.platforms import (
    NETEASE_DETAIL,
    NETEASE_SONGS,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    netease_list,
    netease_song,
    netease_songs,
    netease_square,
    plug,
)
from tests.catalog.replay import Replay, form, recorded_json
from tests.fakes.server import Request, Response

REF = PlaylistRef("netease", "1")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://music.163.com/#/playlist?id=17745989905", ("17745989905", "playlist")),
        ("http://music.163.com/playlist?id=12&userid=3", ("12", "playlist")),
        ("https://music.163.com/#/my/m/music/playlist?id=12", ("12", "playlist")),
        ("https://music.163.com/playlist/12/345/?userid=3", ("12", "playlist")),
        ("https://y.music.163.com/m/playlist?id=12&creatorId=9", ("12", "playlist")),
        ("https://music.163.com/#/discover/toplist?id=3778678", ("3778678", "toplist")),
        ("https://music.163.com/discover/toplist?id=3778678", ("3778678", "toplist")),
        ("https://music.163.com/#/song?id=12", None),
        ("https://music.163.com/#/playlist?id=", None),
        ("https://music.163.com/#/playlist?id=12x", None),
        ("https://evil.example/#/playlist?id=12", None),
        ("https://music.163.com.evil.example/playlist?id=12", None),
        ("not an address", None),
    ],
)
def test_it_knows_its_addresses(url: str, found: tuple[str, str] | None) -> None:
    ref = Netease.match_url(url)
    assert (ref and (ref.remote_id, ref.kind)) == found


def test_it_reads_recorded_toplists(replay: Replay) -> None:
    answer = recorded_json("netease_api_toplist.json")
    replay.say(NETEASE_TOPLIST, answer)
    (page,) = plug("netease", replay).collect("toplist")
    assert not page.has_more
    assert [meta.ref.remote_id for meta in page.playlists] == [str(each["id"]) for each in answer["list"]]
    first = page.playlists[0]
    assert (first.name, first.track_count, first.play_count) == ("飙升榜", 100, 5295054336)
    assert first.strategy == "netease_toplist"
    assert replay.requests[0].headers["referer"] == "https://music.163.com/"
    assert "Mozilla" in replay.requests[0].headers["user-agent"]
    assert replay.requests[0].headers["accept-language"].startswith("zh-CN")


def test_it_reads_a_recorded_list_by_all_of_its_ids(replay: Replay) -> None:
    answer = recorded_json("netease_api_v6_playlist_detail.json")
    known = {each["id"]: each for each in answer["playlist"]["tracks"]}  # a few, as for everybody without a login
    assert len(known) < len(answer["playlist"]["trackIds"]) == 100
    replay.say(NETEASE_DETAIL, answer)

    def songs(request: object) -> object:
        found = netease_songs(request)  # type: ignore[arg-type]
        return found | {"songs": [known.get(each["id"], each) for each in found["songs"]]}

    replay.say(NETEASE_SONGS, songs)
    found = plug("netease", replay).tracks(PlaylistRef("netease", "7775163417"))
    assert found.result == "ok"
    assert found.meta and (found.meta.name, found.meta.play_count) == ("赏音榜", 187247)
    assert [track.remote_id for track in found.tracks] == [str(each["id"]) for each in answer["playlist"]["trackIds"]]
    first = found.tracks[0]
    assert (first.title, first.artists, first.album) == ("Sweet Dreams", ("BØRNS",), "Wild Playlist")
    assert first.duration == pytest.approx(199.767)
    assert first.size and first.ext in ("mp3", "flac")
    assert "pop" not in first.snapshot  # changes by the day, says nothing of the song


def test_it_asks_for_a_hundred_songs_at_once_and_keeps_their_order(replay: Replay) -> None:
    ids = list(range(250, 0, -1))
    replay.say(NETEASE_DETAIL, netease_list(ids))
    replay.say(NETEASE_SONGS, netease_songs)
    found = plug("netease", replay).tracks(REF)
    assert [int(track.remote_id) for track in found.tracks] == ids
    assert [len(form(each)["c"].split("},{")) for each in replay.asked(NETEASE_SONGS)] == [100, 100, 50]
    assert (found.tracks[0].quality, found.tracks[0].ext) == ("lossless", "flac")


def test_it_pages_through_the_square(replay: Replay) -> None:
    replay.say(NETEASE_SQUARE, netease_square)
    source = plug("netease", replay).collect("playlist_square")
    pages = []
    for page in source:
        pages.append(page)
        if not page.has_more:
            break
    assert [len(page.playlists) for page in pages] == [35, 35, 10]
    assert [each.value("offset") for each in replay.requests] == ["0", "35", "70"]
    assert replay.requests[0].value("cat") == "全部"


def people(request: Request, lists: int = 40) -> Response:
    """Return the square as a page for people, in the shape that C.1 names; values invented."""
    first, size = int(request.value("offset")), int(request.value("limit"))
    entries = "".join(
        f'<li><div class="u-cover u-cover-1"><img class="j-flag" src="x.jpg"/>'
        f'<a title="A &amp; B {n}" href="/playlist?id={n + 1}" class="msk"></a>'
        f'<div class="bottom"><a class="icon-play f-fr" data-res-id="{n + 1}"></a><span class="nb">{n}万</span></div>'
        f'</div><p class="dec"><a title="A" href="/playlist?id={n + 1}" class="tit">A</a></p></li>'
        for n in range(lists)[first : first + size]
    )
    page = (
        f'<html><ul class="nav"><li><a class="msk" href="/playlist?id=999">no</a></li></ul>'
        f'<ul class="m-cvrlst f-cb" id="m-pl-container">{entries}</ul>'
        f'<a class="msk" href="/playlist?id=998"></a></html>'
    )
    return Response(200, page.encode(), "text/html;charset=utf8")


@pytest.mark.parametrize(
    "refusal", [Response(404, b"no"), b"<html>new</html>", {"code": 404}, {"code": 200}], ids=range(4)
)
def test_it_reads_the_page_for_people_where_the_square_is_silent(replay: Replay, refusal: Any) -> None:
    replay.say(NETEASE_SQUARE, refusal)
    replay.say("music.163.com/discover/playlist/", people)
    pages = []
    for page in plug("netease", replay).collect("playlist_square"):
        pages.append(page)
        if not page.has_more:
            break
    assert [len(page.playlists) for page in pages] == [35, 5]
    third = pages[0].playlists[2]
    assert (third.ref.remote_id, third.name, third.play_count, third.ref.platform) == (
        "3",
        "A & B 2",
        20_000,
        "netease",
    )
    assert len(replay.asked(NETEASE_SQUARE)) == 1


def test_it_asks_no_other_way_after_a_refusal(replay: Replay) -> None:
    replay.say("music.163.com/discover/playlist/", people)
    for refusal, kind in ((Response(403, b"no"), AccessDenied), ({"code": -460}, RateLimited)):
        replay.say(NETEASE_SQUARE, refusal)
        with pytest.raises(kind):
            next(iter(plug("netease", replay).collect("playlist_square")))
    replay.say(NETEASE_SQUARE, {"code": 500, "msg": "busy"})
    replay.say("music.163.com/discover/playlist/", b"<html>login</html>")
    with pytest.raises(ParseError, match="busy"):  # what is said is what went wrong first
        next(iter(plug("netease", replay).collect("playlist_square")))
    assert len(replay.asked("music.163.com/discover/playlist/")) == 1


def test_it_tells_what_is_private_from_what_it_cannot_read(replay: Replay) -> None:
    source = plug("netease", replay)
    replay.say(NETEASE_DETAIL, {"code": 20001, "message": "登录后才可查看"})
    with pytest.raises(Private, match="登录后才可查看"):
        source.tracks(REF)
    for odd in ({"code": 200}, {"code": 404, "msg": "no resource"}, {"code": 200, "playlist": {"id": 1}}, b"<html>"):
        replay.say(NETEASE_DETAIL, odd)
        with pytest.raises(ParseError):
            source.tracks(REF)


def test_it_tells_an_empty_list_from_one_that_was_cut(replay: Replay) -> None:
    source = plug("netease", replay)
    replay.say(NETEASE_DETAIL, netease_list([]))
    assert source.tracks(REF).result == "empty"
    replay.say(NETEASE_DETAIL, netease_list([], trackCount=30))
    assert source.tracks(REF).result == "partial"
    replay.say(NETEASE_DETAIL, netease_list([1, 2, 3], trackCount=30))
    replay.say(NETEASE_SONGS, netease_songs)
    found = source.tracks(REF)
    assert (found.result, len(found.tracks), found.note) == ("partial", 3, "3 of 30")
    replay.say(NETEASE_DETAIL, netease_list([1, 2, 3]))
    replay.say(NETEASE_SONGS, {"code": 200, "songs": [netease_song(2)]})
    found = source.tracks(REF)
    assert (found.result, found.note) == ("partial", "1 of 3")


def test_it_takes_one_song_and_minus_460_for_a_sign_to_slow_down(replay: Replay) -> None:
    clock = FakeClock()
    source = plug("netease", replay, clock)
    replay.say(NETEASE_DETAIL, netease_list([7], trackCount=120))
    found = source.tracks(REF)
    assert (found.result, found.tracks) == ("partial", ())
    with pytest.raises(RateLimited):  # it was put off, not asked
        source.tracks(REF)
    assert len(replay.requests) == 1
    clock.advance(100)
    replay.say(NETEASE_DETAIL, {"code": -460, "message": "Cheating"})
    with pytest.raises(RateLimited) as caught:
        source.tracks(REF)
    assert caught.value.retry_after == 60  # the second time in a row


def test_it_lets_a_list_have_one_song(replay: Replay) -> None:
    replay.say(NETEASE_DETAIL, netease_list([7]))
    replay.say(NETEASE_SONGS, netease_songs)
    assert plug("netease", replay).tracks(REF).result == "ok"

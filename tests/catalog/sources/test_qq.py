from __future__ import annotations

import json

import pytest

from catalog.errors import ParseError, Private
from catalog.sources.base import PlaylistRef
from catalog.sources.qq import QQ
from tests.catalog.platforms import QQ_DETAIL, QQ_NEW, QQ_SQUARE, plug, qq_square, qq_toplist, qq_toplists
from tests.catalog.replay import Replay, recorded_json
from tests.fakes.server import Request

REF, TOP = PlaylistRef("qq", "7024415872"), PlaylistRef("qq", "toplist_26", "toplist")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://y.qq.com/n/ryqq/playlist/7707261125", ("7707261125", "playlist")),
        ("https://y.qq.com/n/ryqq_v2/playlist/7707261125?x=1", ("7707261125", "playlist")),
        ("https://y.qq.com/n/yqq/playlist/7707261125.html#stat", ("7707261125", "playlist")),
        ("https://y.qq.com/n/ryqq/toplist/26", ("toplist_26", "toplist")),
        ("https://i.y.qq.com/n2/m/share/details/taoge.html?id=7707261125&hosteuin=", ("7707261125", "playlist")),
        ("https://i.y.qq.com/n2/m/share/details/toplist.html?id=26", ("toplist_26", "toplist")),
        ("https://y.qq.com/n/ryqq/songDetail/000", None),
        ("https://y.qq.com/n/ryqq/playlist/", None),
        ("https://qq.com/n/ryqq/playlist/1", None),
        ("https://notqq.example/n/ryqq/playlist/1", None),
    ],
)
def test_it_knows_its_addresses(url: str, found: tuple[str, str] | None) -> None:
    ref = QQ.match_url(url)
    assert (ref and (ref.remote_id, ref.kind)) == found


def test_it_reads_a_recorded_square(replay: Replay) -> None:
    answer = recorded_json("qq_fcg_get_diss_by_tag.json")
    replay.say(QQ_SQUARE, answer)
    page = next(iter(plug("qq", replay).collect("playlist_square")))
    assert (len(page.playlists), page.total, page.has_more) == (10, 7673, True)
    assert page.playlists[0].ref.remote_id == "7033094594"
    assert (page.playlists[0].name, page.playlists[0].play_count) == ("沉陷低频 · 国人EDM Trap", 45538)


def test_it_shows_where_it_comes_from_or_is_refused(replay: Replay) -> None:
    replay.say(QQ_SQUARE, qq_square)
    pages = []
    for page in plug("qq", replay).collect("playlist_square"):
        pages.append(page)
        if not page.has_more:
            break
    assert [len(page.playlists) for page in pages] == [30, 30, 10]
    replay.say(QQ_SQUARE, {"code": 0, "subcode": 1, "message": "invalid referer"})
    with pytest.raises(ParseError, match="invalid referer"):
        next(iter(plug("qq", replay).collect("playlist_square")))


def test_it_reads_a_recorded_list(replay: Replay) -> None:
    answer = recorded_json("qq_fcg_ucc_getcdinfo_byids_cp.json")
    replay.say(QQ_DETAIL, answer)
    source = plug("qq", replay)
    found = source.tracks(REF)
    listed = answer["cdlist"][0]["songlist"]
    assert (found.result, found.note) == ("partial", f"{len(listed)} of 20")  # the recording was cut
    assert found.meta and (found.meta.name, found.meta.play_count) == ("浅唱低吟，悠悠古韵之美", 255225)
    first = found.tracks[0]
    assert (first.remote_id, first.title, first.artists) == ("232854804", "青玉案·元夕", ("晓月老板",))
    assert (first.duration, first.quality, first.ext, first.size) == (217, "lossless", "flac", 20305622)
    answer["cdlist"][0]["total_song_num"] = len(listed)
    replay.say(QQ_DETAIL, b"jsonCallback(" + json.dumps(answer).encode() + b")")
    assert source.tracks(REF).result == "ok"
    assert replay.requests[0].headers["referer"] == "https://y.qq.com/"


def test_it_reports_a_closed_list_as_private(replay: Replay) -> None:
    replay.say(QQ_DETAIL, {"code": 0, "subcode": 4000})
    with pytest.raises(Private):
        plug("qq", replay).tracks(REF)
    replay.say(QQ_DETAIL, {"code": 0, "subcode": 1, "message": "invalid referer"})
    with pytest.raises(ParseError) as caught:
        plug("qq", replay).tracks(REF)
    assert "invalid referer" in caught.value.params["sample"]


def test_it_reads_toplists(replay: Replay) -> None:
    replay.say(QQ_NEW, qq_toplists())
    (page,) = plug("qq", replay).collect("toplist")
    assert [meta.ref.remote_id for meta in page.playlists] == ["toplist_26", "toplist_62"]
    assert (page.playlists[0].name, page.playlists[0].strategy) == ("热歌榜", "qq_toplist")
    replay.say(QQ_NEW, {"code": 0, "topList": {"code": 0, "data": {}}})
    with pytest.raises(ParseError):
        list(plug("qq", replay).collect("toplist"))


def test_it_asks_again_with_the_period_that_the_answer_names(replay: Replay) -> None:
    def answer(request: Request) -> object:
        param = json.loads(request.value("data"))["toplist"]["param"]
        return qq_toplist([1, 2] if param["period"] == "2026_41" else [])

    replay.say(QQ_NEW, answer)
    found = plug("qq", replay).tracks(TOP)
    assert (found.result, [track.remote_id for track in found.tracks]) == ("ok", ["1", "2"])
    assert found.tracks[0].artists == ("甲", "乙")
    assert len(replay.requests) == 2


def test_it_keeps_readings_of_a_chart_as_what_is_no_music(replay: Replay) -> None:
    replay.say(QQ_NEW, qq_toplist([5], readings=3))
    found = plug("qq", replay).tracks(TOP)
    assert [track.kind for track in found.tracks] == ["music", "non_music", "non_music", "non_music"]
    reading = found.tracks[1]
    assert reading.remote_id.startswith("qqtop_")
    assert reading.snapshot["qq_toplist_fallback"] is True
    assert reading.title == "第0集"
    replay.say(QQ_NEW, qq_toplist([], readings=3))  # its rank has moved, its id has not
    again = plug("qq", replay).tracks(TOP)
    assert [track.remote_id for track in again.tracks] == [track.remote_id for track in found.tracks[1:]]


def test_it_keeps_a_row_whose_song_is_named_only_by_its_number(replay: Replay) -> None:
    answer = qq_toplist([8, 9])
    answer["toplist"]["data"]["songInfoList"].pop()
    replay.say(QQ_NEW, answer)
    found = plug("qq", replay).tracks(TOP)
    assert [(track.remote_id, track.kind, track.title) for track in found.tracks] == [
        ("8", "music", "曲 8"),
        ("9", "music", "曲 9"),
    ]


def test_it_says_what_it_does_not_understand(replay: Replay) -> None:
    for odd in ({"code": 500001}, {"code": 0, "toplist": {"code": 500}}, {"code": 0}, b"<html>", []):
        replay.say(QQ_NEW, odd)
        with pytest.raises(ParseError):
            plug("qq", replay).tracks(TOP)

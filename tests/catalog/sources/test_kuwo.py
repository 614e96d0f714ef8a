from __future__ import annotations

import pytest

from catalog.errors import ParseError
from catalog.sources.base import PlaylistRef
from catalog.sources.kuwo import Kuwo
from tests.catalog.platforms import (
    KUWO_CHART,
    KUWO_CHART_2,
    KUWO_LIST,
    KUWO_MENU,
    KUWO_SQUARE,
    kuwo_list,
    kuwo_menu,
    kuwo_song,
    kuwo_square,
    plug,
)
from tests.catalog.replay import Replay, recorded_json

REF, TOP = PlaylistRef("kuwo", "3"), PlaylistRef("kuwo", "toplist_16", "toplist")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://www.kuwo.cn/playlist_detail/2992521372", ("2992521372", "playlist")),
        ("http://www.kuwo.cn/playlist_detail/12?x=1", ("12", "playlist")),
        ("https://m.kuwo.cn/h5app/playlist/12?from=share", ("12", "playlist")),
        ("https://m.kuwo.cn/newh5app/playlist_detail/12", ("12", "playlist")),
        ("https://www.kuwo.cn/rankList?bangId=16", ("toplist_16", "toplist")),
        ("https://m.kuwo.cn/newh5app/rank?bangId=93", ("toplist_93", "toplist")),
        ("https://www.kuwo.cn/rankList", None),
        ("https://www.kuwo.cn/play_detail/12", None),
        ("https://kuwo.cn.evil.example/playlist_detail/12", None),
    ],
)
def test_it_knows_its_addresses(url: str, found: tuple[str, str] | None) -> None:
    ref = Kuwo.match_url(url)
    assert (ref and (ref.remote_id, ref.kind)) == found


def test_it_reads_a_long_list_page_by_page(replay: Replay) -> None:
    replay.say(KUWO_LIST, kuwo_list)
    found = plug("kuwo", replay).tracks(REF)
    assert (found.result, len(found.tracks)) == ("ok", 1500)
    assert [each.value("pn") for each in replay.requests] == ["0", "1"]
    first = found.tracks[0]
    assert (first.title, first.artists) == ("Rock & Roll 1", ("周杰伦", "费玉清"))
    assert (first.quality, first.ext, first.size) == ("lossless", "flac", int(20.5 * 2**20))
    assert found.meta and (found.meta.name, found.meta.play_count) == ("我的\xa0歌单", 7)


def test_it_stops_where_pages_repeat(replay: Replay) -> None:
    replay.say(KUWO_LIST, {"result": "ok", "total": 5000, "musiclist": [kuwo_song(1), kuwo_song(2)]})
    found = plug("kuwo", replay).tracks(REF)
    assert (found.result, len(found.tracks), len(replay.requests)) == ("partial", 2, 2)


def test_it_reads_a_list_as_python_writes_it_in_gbk(replay: Replay) -> None:
    text = "{'result':'ok','title':'歌单','total':1,'musiclist':[{'id':'7','name':'晴天','artist':'周杰伦'}]}"
    replay.say(KUWO_LIST, text.encode("gbk"))
    found = plug("kuwo", replay).tracks(REF)
    assert [(track.remote_id, track.title) for track in found.tracks] == [("7", "晴天")]


def test_it_tells_an_empty_list_from_a_failure(replay: Replay) -> None:
    replay.say(KUWO_LIST, {"result": "ok", "total": 0, "musiclist": []})
    assert plug("kuwo", replay).tracks(REF).result == "empty"
    replay.say(KUWO_LIST, {"result": "fail"})
    with pytest.raises(ParseError):
        plug("kuwo", replay).tracks(REF)


def test_it_reads_recorded_songs_of_a_toplist_where_the_first_host_fails(replay: Replay) -> None:
    answer = recorded_json("kuwo_api_www_bang_musicList.json")
    songs = answer["data"]["musicList"]
    replay.say(KUWO_CHART, b"nothing here")
    replay.say(KUWO_CHART_2, answer)
    found = plug("kuwo", replay).tracks(TOP)
    assert (found.result, found.note) == ("partial", f"{len(songs)} of 300")  # the recording was cut
    assert [track.remote_id for track in found.tracks] == [str(each["rid"]) for each in songs]
    assert (found.tracks[1].title, found.tracks[1].artists, found.tracks[1].duration) == ("破茧", ("张韶涵",), 211)
    assert [each.value("pn") for each in replay.asked(KUWO_CHART_2)] == ["1", "2"]  # the second repeats the first


def test_it_reads_a_recorded_album_song_in_the_same_shape(replay: Replay) -> None:
    songs = recorded_json("kuwo_api_www_album_info.json")["data"]["musicList"]
    replay.say(KUWO_CHART, {"name": "榜", "num": str(len(songs)), "musiclist": songs})
    found = plug("kuwo", replay).tracks(TOP)
    assert (found.result, len(found.tracks)) == ("ok", len(songs))
    assert (found.tracks[0].remote_id, found.tracks[0].album) == ("728673", "跨时代")


def test_it_collects_toplists_and_the_square(replay: Replay) -> None:
    replay.say(KUWO_MENU, kuwo_menu())
    replay.say(KUWO_SQUARE, kuwo_square)
    source = plug("kuwo", replay)
    (page,) = source.collect("toplist")
    assert [(meta.ref.remote_id, meta.name) for meta in page.playlists] == [
        ("toplist_93", "飙升榜"),
        ("toplist_16", "热歌榜"),
    ]
    pages = []
    for page in source.collect("playlist_square"):
        pages.append(page)
        if not page.has_more:
            break
    assert [len(page.playlists) for page in pages] == [35, 4]  # one of them is no list of songs
    assert pages[0].playlists[0].name == "A & B 0"
    replay.say(KUWO_SQUARE, {"code": -1, "msg": "busy"})
    with pytest.raises(ParseError):
        next(iter(source.collect("playlist_square")))

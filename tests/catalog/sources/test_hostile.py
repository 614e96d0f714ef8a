"""Answers that are made to break whoever reads them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from catalog import tolerant
from catalog.collecting import MOST_BARE, pages
from catalog.errors import ParseError
from catalog.sources import fields, netease_page
from catalog.sources.base import Page, PlaylistMeta, PlaylistRef
from tests.catalog.platforms import KUWO_CHART, KUWO_LIST, KUWO_SQUARE, NETEASE_TOPLIST, QQ_NEW, QQ_SQUARE, plug
from tests.catalog.replay import Replay


@pytest.mark.parametrize(
    "body",
    [b"a()" + b" " * 300_000 + b"x", b"/*" + b"*/ " * 100_000, b"a(" + b") " * 100_000 + b"x", b"a" * 300_000],
)
def test_it_sees_in_no_time_that_an_answer_has_no_callback(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ParseError):
        tolerant.read(body)
    assert time.process_time() - began < 20  # it took hours


def test_it_reads_no_megabytes_as_python() -> None:
    with pytest.raises(ParseError):
        tolerant.read(b"[" + b"1," * 2_000_000 + b"1]x")
    assert tolerant.read(b"cb( {'a': [1, None]} );") == {"a": [1, None]}


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "unicode_escape", "utf-7", "hex", "no such"])
def test_it_knows_no_charset_that_is_no_text(charset: str) -> None:
    body = '{"name": "中 \\\\udc00"}'.encode()
    assert tolerant.read(body, f"application/json; charset={charset}") == {"name": "中 \\udc00"}


@pytest.mark.parametrize("page", ["<![foo[", '<ul class="m-cvrlst"><![foo]]>', "<!DOCTYPE [<!ENT", "<!-", ""])
def test_it_takes_no_broken_page_for_a_square(page: str) -> None:
    assert netease_page.read(page) is None


def test_it_counts_no_plays_without_end() -> None:
    page = '<ul class="m-cvrlst"><a class="msk" href="?id=1"></a><span class="nb">{}亿</span></ul>'
    assert netease_page.read(page.format("9" * 400)) == [netease_page.Shown("1", "")]
    assert netease_page.read(page.format("1.5")) == [netease_page.Shown("1", "", 150_000_000)]


@pytest.mark.parametrize(
    ("found", "number"),
    [
        (9007199254740993, 9007199254740993),
        (" 9007199254740993 ", 9007199254740993),
        (12.7, 12),
        ("12.5", 12),
        (10**400, None),
        ("9" * 5000, None),
        ("1e400", None),
        (float("nan"), None),
        (-1, None),
        (True, None),
        (None, None),
    ],
)
def test_it_reads_numbers_exactly_or_not_at_all(found: Any, number: int | None) -> None:
    assert fields.whole(found) == number


@pytest.mark.parametrize(
    "said", ["size:..Mb", "size:1.2.3Mb", f"size:{'9' * 400}Mb", "size:Mb", f"size:1Mb;bitrate:{'9' * 5000}"]
)
def test_it_reads_a_song_of_kuwo_whatever_it_says_of_its_files(replay: Replay, said: str) -> None:
    song = {"id": "7", "name": "歌", "N_MINFO": f"bitrate:320,format:mp3,{said},format:mp3,size:1Mb"}
    replay.say(KUWO_LIST, {"result": "ok", "total": 1, "musiclist": [song]})
    found = plug("kuwo", replay).tracks(PlaylistRef("kuwo", "1"))
    assert [track.remote_id for track in found.tracks] == ["7"]


def test_it_reads_on_where_kuwo_does_not_say_how_long_a_chart_is(replay: Replay) -> None:
    def answer(request: Any) -> dict[str, Any]:
        page = int(request.value("pn"))
        return {"musiclist": [{"id": str(n), "name": "歌"} for n in range(250)[page * 100 : (page + 1) * 100]]}

    replay.say(KUWO_CHART, answer)
    assert len(plug("kuwo", replay).tracks(PlaylistRef("kuwo", "toplist_16", "toplist")).tracks) == 250


def test_it_takes_no_answer_without_toplists_for_none(replay: Replay) -> None:
    replay.say(NETEASE_TOPLIST, {"code": 200})
    with pytest.raises(ParseError):
        list(plug("netease", replay).collect("toplist"))
    odd = {"group": [{"toplist": [{"topId": "26.0"}, {"topId": 5.5}, {"topId": "x"}, {"topId": 26}]}]}
    replay.say(QQ_NEW, {"code": 0, "topList": {"data": odd}})
    (page,) = plug("qq", replay).collect("toplist")
    assert [meta.ref.remote_id for meta in page.playlists] == ["toplist_26"]


def _page(*ids: str) -> Page:
    return Page(tuple(PlaylistMeta(PlaylistRef("x", each), each) for each in ids), has_more=True)


def test_it_leaves_out_lists_without_an_id() -> None:
    found = list(pages(iter([_page("1", "", "2"), _page("", "3"), _page("")])))
    assert [[meta.name for meta in page.playlists] for page in found] == [["1", "2"], ["3"]]


def test_it_ends_where_page_after_page_has_nothing_of_use(replay: Replay) -> None:
    rows = [{"id": 1, "digest": "8", "name": "no list of songs"}]
    replay.say(KUWO_SQUARE, {"code": 200, "data": {"data": rows}})
    assert len(list(pages(plug("kuwo", replay).collect("playlist_square")))) == MOST_BARE
    replay.say(QQ_SQUARE, {"code": 0, "data": {"list": [{"dissname": "no id"}]}})
    assert not [meta for page in pages(plug("qq", replay).collect("playlist_square")) for meta in page.playlists]


def test_it_ends_where_a_platform_invents_lists_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.collecting.MOST_PAGES", 30)
    assert len(list(pages(_page(str(n)) for n in range(10**9)))) == 30

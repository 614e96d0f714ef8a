"""A run of everything in one job: squares and charts of three platforms, and songs that differ only in a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import FileLocation, Playlist
from tests.fakes.server import Request

from . import audio, supysonic
from .downloading import library, source
from .jobs import run, switch_on
from .platforms import (
    KUWO_CHART,
    KUWO_LIST,
    KUWO_MENU,
    KUWO_SQUARE,
    NETEASE_DETAIL,
    NETEASE_SONGS,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    QQ_DETAIL,
    QQ_NEW,
    QQ_SQUARE,
    kuwo_list,
    kuwo_menu,
    kuwo_song,
    kuwo_square,
    netease_list,
    netease_songs,
    netease_square,
    qq_song,
    qq_square,
    qq_toplist,
    qq_toplists,
)
from .replay import Replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HERE = (103, 110, 117, 123, 124)  # songs; most of them are of one singer


def qq_module(request: Request) -> dict[str, Any]:
    return qq_toplist([201, 202]) if "GetDetail" in request.value("data") else qq_toplists()


@pytest.fixture
def platforms(replay: Replay) -> Replay:
    replay.say(NETEASE_TOPLIST, {"code": 200, "list": [{"id": 5, "name": "榜", "trackCount": 30}]})
    replay.say(NETEASE_SQUARE, lambda request: netease_square(request, 3))
    replay.say(NETEASE_DETAIL, lambda request: netease_list(list(range(100, 130)), int(request.value("id"))))
    replay.say(NETEASE_SONGS, netease_songs)
    replay.say(QQ_NEW, qq_module)
    replay.say(QQ_SQUARE, lambda request: qq_square(request, 3))
    replay.say(QQ_DETAIL, {"code": 0, "cdlist": [{"disstid": "1", "dissname": "x", "songlist": [qq_song(9)]}]})
    replay.say(KUWO_MENU, kuwo_menu())
    replay.say(KUWO_SQUARE, lambda request: kuwo_square(request, 4))
    replay.say(KUWO_LIST, lambda request: kuwo_list(request, 4))
    replay.say(KUWO_CHART, {"name": "热歌榜", "num": 3, "musiclist": [kuwo_song(number) for number in (1, 2, 3)]})
    return replay


def test_it_synchronises_every_list_and_brings_every_song_that_is_there(tmp_path: Path, platforms: Replay) -> None:
    for name in ("netease", "qq", "kuwo"):
        switch_on(name, platforms)
    library(tmp_path)
    for number in HERE:
        audio.write(tmp_path / f"music/{number}.mp3", audio.mp3(f"歌 {number}", f"歌手 {number % 7}", 200))
    with supysonic.running(tmp_path) as server:
        source("subsonic", "navi", secret=supysonic.PASSWORD, address=server.url, user=supysonic.USER)
        run("catalog_sync", workers=4)
    results = set(Playlist.objects.values_list("platform", "kind", "sync_result"))
    assert results == {(name, kind, "ok") for name in ("netease", "qq", "kuwo") for kind in ("playlist", "toplist")}
    found = sorted(FileLocation.objects.values_list("locator", flat=True))
    assert found == sorted(f"navi/歌手 {number % 7}/歌 {number}.mp3" for number in HERE)

"""Answers of platforms that nobody recorded, in the shapes that reference/catalog.md C describes; values invented.

And a clock-driven ``plug`` that makes a plug-in which asks a ``Replay``.
"""

from __future__ import annotations

import json
from typing import Any

from catalog import plugins
from catalog.http import Http
from catalog.sources.base import PlaylistSource, Reach
from mediasync.core.clock import FakeClock
from tests.catalog.replay import Replay, form
from tests.fakes.server import Request

NETEASE, QQ_OLD, QQ_NEW = "music.163.com", "c.y.qq.com", "u.y.qq.com/cgi-bin/musicu.fcg"
NETEASE_DETAIL, NETEASE_SONGS = f"{NETEASE}/api/v6/playlist/detail", f"{NETEASE}/api/v3/song/detail"
NETEASE_SQUARE, NETEASE_TOPLIST = f"{NETEASE}/api/playlist/list", f"{NETEASE}/api/toplist"
QQ_SQUARE = f"{QQ_OLD}/splcloud/fcgi-bin/fcg_get_diss_by_tag.fcg"
QQ_DETAIL = f"{QQ_OLD}/qzone/fcg-bin/fcg_ucc_getcdinfo_byids_cp.fcg"
KUWO_SQUARE = "wapi.kuwo.cn/api/pc/classify/playlist/getRcmPlayList"
KUWO_MENU, KUWO_CHART_2 = "wapi.kuwo.cn/api/www/bang/bang/bangMenu", "wapi.kuwo.cn/api/www/bang/bang/musicList"
KUWO_LIST, KUWO_CHART = "nplserver.kuwo.cn/pl.svc", "kbangserver.kuwo.cn/ksong.s"


def plug(name: str, replay: Replay, clock: FakeClock | None = None, **settings: Any) -> PlaylistSource:
    """Return one of our plug-ins that asks ``replay``; a clock that is set makes it keep a pace."""
    http = Http(relay=replay.url, pace=1.0 if clock else 0.0, clock=clock or FakeClock())
    secret = settings.pop("secret", "")
    made: PlaylistSource = plugins.load("mediasync.playlist_sources", name)(
        Reach(http=http, settings=settings, secret=secret, platform=name)
    )
    return made


# -- NetEase


def netease_song(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"歌 {number}",
        "ar": [{"id": number % 7, "name": f"歌手 {number % 7}"}],
        "al": {"id": number // 10, "name": f"专辑 {number // 10}", "picUrl": "http://p1.example/x.jpg"},
        "dt": 200_000 + number,
        "pop": 100,
        "sq": {"br": 999_000, "size": 20_000_000 + number},
        "l": {"br": 128_000, "size": 3_000_000 + number},
        **more,
    }


def netease_list(ids: list[int], number: int = 1, **more: Any) -> dict[str, Any]:
    playlist = {"id": number, "name": f"歌单 {number}", "trackCount": len(ids), "playCount": 1000 + number, **more}
    playlist.setdefault("trackIds", [{"id": each, "at": 1} for each in ids])
    return {"code": 200, "playlist": playlist, "privileges": []}


def netease_songs(request: Request) -> dict[str, Any]:
    """Answer for the songs that were asked for, all in existence."""
    ids = [each["id"] for each in json.loads(form(request)["c"])]
    return {"code": 200, "songs": [netease_song(each) for each in ids], "privileges": []}


def netease_square(request: Request, lists: int = 80) -> dict[str, Any]:
    first, size = int(request.value("offset")), int(request.value("limit"))
    found = [{"id": n + 1, "name": f"广场 {n + 1}", "trackCount": 10, "playCount": n} for n in range(lists)]
    return {"code": 200, "playlists": found[first : first + size], "total": lists, "more": first + size < lists}


# -- QQ


def qq_song(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "mid": f"mid{number}",
        "name": f"曲 {number}",
        "singer": [{"id": 1, "mid": "s1", "name": "甲"}, {"id": 2, "mid": "s2", "name": "乙"}],
        "album": {"id": 5, "mid": "a5", "name": "集"},
        "interval": 215,
        "file": {"media_mid": f"mid{number}", "size_128mp3": 3_400_000, "size_flac": 20_000_000, "size_hires": 0},
    }


def qq_toplists() -> dict[str, Any]:
    lists = [{"topId": 26, "title": "热歌榜", "period": "2026_40", "listenNum": 99, "totalNum": 300}]
    return {"code": 0, "topList": {"code": 0, "data": {"group": [{"toplist": lists}, {"toplist": [{"topId": 62}]}]}}}


def qq_toplist(
    songs: list[int], readings: int = 0, period: str = "2026_41", total: int | None = None
) -> dict[str, Any]:
    """Return a chart of songs, then of readings that have no song."""
    ranked = [{"rank": n + 1, "title": f"曲 {s}", "singerName": "甲/乙", "songId": s} for n, s in enumerate(songs)]
    ranked += [{"rank": 900 + n, "title": f"第{n}集", "singerName": "讲书人", "songId": 0} for n in range(readings)]
    data = {"topId": 26, "title": "榜", "period": period, "totalNum": len(ranked) if total is None else total}
    inner = {"data": {**data, "song": ranked}, "songInfoList": [qq_song(s) for s in songs]}
    return {"code": 0, "toplist": {"code": 0, "data": inner}}


def qq_square(request: Request, lists: int = 70) -> dict[str, Any]:
    if request.headers.get("referer") != "https://y.qq.com/" or request.headers.get("origin") != "https://y.qq.com":
        return {"code": 0, "subcode": 1, "message": "invalid referer"}
    first, last = int(request.value("sin")), int(request.value("ein"))
    found = [{"dissid": str(n + 1), "dissname": f"歌单 {n + 1}", "listennum": n} for n in range(lists)]
    return {"code": 0, "data": {"sum": lists, "sin": first, "ein": last, "list": found[first : last + 1]}}


# -- Kuwo


def kuwo_song(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": f"Rock &amp; Roll {number}",
        "artist": "周杰伦&amp;费玉清",
        "album": "依然范特西",
        "duration": "293",
        "N_MINFO": "level:ff,bitrate:2000,format:flac,size:20.5Mb;level:p,bitrate:320,format:mp3,size:11.2Mb",
    }


def kuwo_list(request: Request, songs: int = 1500) -> dict[str, Any]:
    page, size = int(request.value("pn")), int(request.value("rn"))
    numbers = range(songs)[page * size : (page + 1) * size]
    found = [kuwo_song(n + 1) for n in numbers]
    return {"result": "ok", "title": "我的&nbsp;歌单", "playnum": 7, "total": songs, "rn": size, "musiclist": found}


def kuwo_square(request: Request, lists: int = 40) -> dict[str, Any]:
    page, size = int(request.value("pn")) - 1, int(request.value("rn"))
    rows = [{"id": n, "digest": "10000", "name": f"A &amp; B {n}", "total": 5, "listencnt": n} for n in range(lists)]
    rows[3]["digest"] = "8"
    return {"code": 200, "data": {"total": lists, "pn": page + 1, "rn": size, "data": rows[page * size :][:size]}}


def kuwo_menu() -> dict[str, Any]:
    charts = [
        {"sourceid": "93", "name": "飙升榜", "id": "489929"},
        {"sourceid": "16", "name": "热歌榜", "id": "489927"},
    ]
    return {"code": 200, "data": [{"name": "官方榜", "list": charts}, {"name": "特色榜", "list": []}]}

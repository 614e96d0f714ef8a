"""Kuwo: names of playlists, toplists and songs, by the hosts that need no token.

Undocumented; ``www.kuwo.cn/api/www`` wants a scheme that changes weekly and is not used. The numbers of toplists
(``bangId`` = ``sourceid``) and playlists overlap, so ours for a toplist begin with ``toplist_``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

from django.utils.translation import gettext_lazy as _

from ..errors import ParseError, Unavailable
from ..http import BROWSER, Http
from .base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from .fields import address, rows, seconds, some, table, text, whole
from .notices import METADATA_ONLY

SITE, WAPI = "https://www.kuwo.cn", "http://wapi.kuwo.cn"
LISTS, CHARTS = "http://nplserver.kuwo.cn/pl.svc", "http://kbangserver.kuwo.cn/ksong.s"
TOP = "toplist_"
PAGE, LIST_PAGE, CHART_PAGE, OTHER_CHART_PAGE = 36, 1000, 100, 30
MOST_PAGES = 100
A_PLAYLIST = "10000"  # the "digest" of what is a list of songs
QUALITY = re.compile(r"bitrate:(\d{1,6}),format:(\w{1,10}),size:(\d{1,9}(?:\.\d{1,9})?)\s*([KMG])b", re.I)
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
KEPT = (
    *("id", "rid", "musicrid", "MUSICRID", "name", "artist", "artistid", "album", "albumid", "duration"),
    *("releaseDate", "track", "hasLossless", "N_MINFO", "formats"),
)
_PATHS = (
    (re.compile(r"/(?:playlist_detail|playlist)/(\d+)"), "playlist"),
    (re.compile(r"/(?:rankList|rank|bang)/(\d+)"), "toplist"),
)


class Kuwo:
    """The plug-in."""

    label = _("Kuwo")
    notice = METADATA_ONLY
    pools: ClassVar = ("playlist_square", "toplist")
    fields: ClassVar = ("relay",)

    def __init__(self, reach: Reach) -> None:
        self._http: Http = reach.http
        self._platform = reach.platform or "kuwo"

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the list of ``/playlist_detail/ID``, ``/rankList?bangId=ID`` and of the telephone's pages."""
        parts = address(url)
        host = parts.hostname or ""
        if host != "kuwo.cn" and not host.endswith(".kuwo.cn"):
            return None
        asked = parse_qs(parts.query)
        number = (asked.get("bangId") or asked.get("bangid") or [""])[0]
        if number.isdecimal():
            return _ref("kuwo", number, "toplist")
        for shape, kind in _PATHS:
            if found := shape.search(parts.path):
                return _ref("kuwo", found.group(1), kind)
        return None

    def collect(self, pool: str) -> Iterator[Page]:
        if pool == "toplist":
            yield self._toplists()
            return
        page = 0
        while True:
            page += 1
            params = [("loginUid", "0"), ("loginSid", "0"), ("appUid", "76039576")]
            params += [("pn", str(page)), ("rn", str(PAGE)), ("order", "hot")]
            found = self._ask(f"{WAPI}/api/pc/classify/playlist/getRcmPlayList", params)
            data = table(found, "data")
            if not isinstance(data.get("data"), list):
                raise ParseError("Kuwo sent no playlists.", sample=_sample(found))
            lists, total = rows(data, "data"), whole(data.get("total"))
            metas = tuple(self._square(each) for each in lists if text(each.get("digest")) in ("", A_PLAYLIST))
            yield Page(metas, bool(lists) and (total is None or page * PAGE < total), total)

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        number = ref.remote_id.removeprefix(TOP)
        if ref.kind != "toplist" and strategy != "kuwo_toplist" and number == ref.remote_id:
            return self._pages(number, "playlist", self._list_page, LIST_PAGE, "total")
        try:
            return self._pages(number, "toplist", self._chart_page, CHART_PAGE, "num")
        except (ParseError, Unavailable):
            return self._pages(number, "toplist", self._other_chart_page, OTHER_CHART_PAGE, "num")

    def _pages(
        self, number: str, kind: str, ask: Callable[[str, int], dict[str, Any]], size: int, total_name: str
    ) -> Tracks:
        """Read a list page by page until it is whole, or a page brings nothing new."""
        tracks: dict[str, TrackMeta] = {}
        first: dict[str, Any] = {}
        total = 0
        for page in range(MOST_PAGES):
            found = ask(number, page)
            first = first or found
            total = whole(found.get(total_name)) or total
            new = {track.remote_id: track for each in rows(found, "musiclist") if (track := _track(each)).remote_id}
            if new.keys() <= tracks.keys():
                break
            tracks |= {key: track for key, track in new.items() if key not in tracks}
            if (page + 1) * size >= total if total else len(new) < size:
                break
        meta = PlaylistMeta(
            _ref(self._platform, number, kind),
            text(first.get("title")) or text(first.get("name")),
            total or None,
            whole(first.get("playnum")),
            "kuwo_toplist" if kind == "toplist" else "",
        )
        found_tracks = tuple(tracks.values())
        if not found_tracks:
            return Tracks("partial" if total else "empty", meta=meta, note=f"0 of {total}" if total else "")
        short = len(found_tracks) < total
        return Tracks("partial" if short else "ok", found_tracks, meta, f"{len(tracks)} of {total}" if short else "")

    def _list_page(self, number: str, page: int) -> dict[str, Any]:
        params = [("op", "getlistinfo"), ("pid", number), ("pn", str(page)), ("rn", str(LIST_PAGE))]
        params += [("encode", "utf8"), ("keyset", "pl2012"), ("identity", "kuwo"), ("pcmp4", "1")]
        params += [("vipver", "MUSIC_9.0.5.0_W1"), ("newver", "1")]
        found = table(self._http.json(LISTS, params, headers=BROWSER))
        if found.get("result") != "ok" or not isinstance(found.get("musiclist"), list):
            raise ParseError("Kuwo did not send the list.", sample=_sample(found))
        return found

    def _chart_page(self, number: str, page: int) -> dict[str, Any]:
        params = [("from", "pc"), ("fmt", "json"), ("type", "bang"), ("data", "content"), ("id", number)]
        params += [("pn", str(page)), ("rn", str(CHART_PAGE)), ("show_copyright_off", "0")]
        found = table(self._http.json(CHARTS, [*params, ("pcmp4", "1"), ("isbang", "1")], headers=BROWSER))
        if not isinstance(found.get("musiclist"), list):
            raise ParseError("Kuwo did not send the toplist.", sample=_sample(found))
        return found

    def _other_chart_page(self, number: str, page: int) -> dict[str, Any]:
        params = [("bangId", number), ("pn", str(page + 1)), ("rn", str(OTHER_CHART_PAGE))]
        found = self._ask(f"{WAPI}/api/www/bang/bang/musicList", params)
        data = table(found, "data")
        if not isinstance(data.get("musicList"), list):
            raise ParseError("Kuwo did not send the toplist.", sample=_sample(found))
        return {**data, "musiclist": data["musicList"]}

    def _toplists(self) -> Page:
        found = self._ask(f"{WAPI}/api/www/bang/bang/bangMenu", [])
        metas = [
            PlaylistMeta(_ref(self._platform, number, "toplist"), text(each.get("name")), strategy="kuwo_toplist")
            for group in rows(found, "data")
            for each in rows(group, "list")
            if (number := text(each.get("sourceid"))).isdecimal()
        ]
        if not metas:
            raise ParseError("Kuwo sent no toplists.", sample=_sample(found))
        return Page(tuple(metas), has_more=False)

    def _ask(self, url: str, params: list[tuple[str, str]]) -> dict[str, Any]:
        found = table(self._http.json(url, params, headers=BROWSER))
        if whole(found.get("code")) != 200:
            raise ParseError(f"Kuwo answered code {found.get('code')}.", sample=_sample(found))
        return found

    def _square(self, each: Mapping[str, Any]) -> PlaylistMeta:
        ref = _ref(self._platform, text(each.get("id")), "playlist")
        return PlaylistMeta(ref, text(each.get("name")), whole(each.get("total")), whole(each.get("listencnt")))


def _ref(platform: str, number: str, kind: str) -> PlaylistRef:
    if kind == "toplist":
        return PlaylistRef(platform, TOP + number, kind, f"{SITE}/rankList?bangId={number}")
    return PlaylistRef(platform, number, kind, f"{SITE}/playlist_detail/{number}")


def _track(found: Mapping[str, Any]) -> TrackMeta:
    number = (
        text(found.get("rid")) or text(found.get("id")) or text(found.get("musicrid")) or text(found.get("MUSICRID"))
    )
    sizes = [
        (int(rate), ext.lower(), int(float(size) * UNITS[unit.upper()]))
        for rate, ext, size, unit in QUALITY.findall(text(found.get("N_MINFO")))
    ]
    rate, ext, size = max(sizes, default=(0, "", None))
    return TrackMeta(
        remote_id=number.removeprefix("MUSIC_"),
        title=text(found.get("name")),
        artists=tuple(name.strip() for name in text(found.get("artist")).split("&") if name.strip()),
        album=text(found.get("album")),
        duration=seconds(found.get("duration")),
        ext=ext,
        size=size,
        quality="lossless" if ext in ("flac", "ape") else f"{rate}k" if rate else "",
        snapshot=some(found, KEPT),
    )


def _sample(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)[:200]


SOURCE = Kuwo

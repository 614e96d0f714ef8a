"""QQ Music: names of playlists, toplists and songs, by the plain addresses that its own pages used.

Undocumented. Without Referer and Origin it answers 200 with "invalid referer". The numbers of toplists and playlists
overlap, so ours for a toplist begin with ``toplist_``. Rows of a toplist without a song (charts of audio books) become
entries that are no music: they are kept, and never downloaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

from django.utils.translation import gettext_lazy as _

from ..errors import ParseError, Private
from ..http import BROWSER, Http
from .base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from .fields import address, made_id, rows, seconds, some, table, text, whole
from .notices import METADATA_ONLY

SITE, OLD, NEW = "https://y.qq.com", "https://c.y.qq.com", "https://u.y.qq.com/cgi-bin/musicu.fcg"
HEADERS = {**BROWSER, "Referer": f"{SITE}/", "Origin": SITE}
COMMON = (
    *(("format", "json"), ("inCharset", "utf8"), ("outCharset", "utf-8")),
    *(("platform", "yqq.json"), ("needNewCode", "0")),
)
PAGE = 30
MOST = 300  # songs of a toplist
TOP = "toplist_"
CLOSED = 4000  # "subcode" of a list whose owner hides it
QUALITIES = (
    *(("size_hires", "Hi-Res", "flac"), ("size_flac", "lossless", "flac"), ("size_ape", "lossless", "ape")),
    *(("size_320mp3", "320k", "mp3"), ("size_128mp3", "128k", "mp3")),
)
KEPT = (
    *("id", "mid", "songid", "songmid", "name", "title", "subtitle", "singer", "album", "albumname", "interval"),
    *("language", "genre", "isonly", "index_cd", "index_album", "time_public", "type"),
)
_PATH = re.compile(r"/(playlist|playsquare|toplist)/(\d+)")


class QQ:
    """The plug-in."""

    label = _("QQ Music")
    notice = METADATA_ONLY
    pools: ClassVar = ("playlist_square", "toplist")
    fields: ClassVar = ("relay",)

    def __init__(self, reach: Reach) -> None:
        self._http: Http = reach.http
        self._platform = reach.platform or "qq"

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the list of ``/n/ryqq/playlist/ID``, ``/n/ryqq/toplist/ID`` and of what the telephone shares."""
        parts = address(url)
        host = parts.hostname or ""
        if host != "y.qq.com" and not host.endswith(".y.qq.com"):
            return None
        if inside := _PATH.search(parts.path):
            kind, number = inside.groups()
            return _ref("qq", number, "toplist" if kind == "toplist" else "playlist")
        number = (parse_qs(parts.query).get("id") or [""])[0]
        if not number.isdecimal() or host == "y.qq.com":
            return None
        return _ref("qq", number, "toplist" if "toplist" in parts.path else "playlist")

    def collect(self, pool: str) -> Iterator[Page]:
        if pool == "toplist":
            yield self._toplists()
            return
        first = 0
        while True:
            params = [("categoryId", "10000000"), ("sortId", "5"), ("sin", str(first)), ("ein", str(first + PAGE - 1))]
            found = self._ask(f"{OLD}/splcloud/fcgi-bin/fcg_get_diss_by_tag.fcg", [*COMMON, *params])
            if not isinstance(table(found, "data").get("list"), list):
                raise ParseError("QQ Music sent no playlists.", sample=_sample(found))
            lists, total = rows(found, "data", "list"), whole(table(found, "data").get("sum"))
            first += PAGE
            yield Page(tuple(map(self._square, lists)), bool(lists) and (total is None or first < total), total)

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        number = ref.remote_id.removeprefix(TOP)
        if ref.kind == "toplist" or strategy == "qq_toplist" or number != ref.remote_id:
            return self._toplist(number)
        params = [("type", "1"), ("json", "1"), ("utf8", "1"), ("onlysong", "0"), ("new_format", "1")]
        url = f"{OLD}/qzone/fcg-bin/fcg_ucc_getcdinfo_byids_cp.fcg"
        found = table(self._http.json(url, [*params, ("disstid", number), *COMMON], headers=HEADERS))
        cds = rows(found, "cdlist")
        if whole(found.get("subcode")) == CLOSED and not cds:
            raise Private("QQ Music: the owner hides the list (subcode 4000).")
        if not cds or not isinstance(cds[0].get("songlist"), list):
            raise ParseError("QQ Music did not send the list.", sample=_sample(found))
        total = whole(cds[0].get("total_song_num")) or whole(cds[0].get("songnum")) or 0
        meta = PlaylistMeta(
            _ref(self._platform, number, "playlist"), text(cds[0].get("dissname")), total, whole(cds[0].get("visitnum"))
        )
        return _result(tuple(_track(each) for each in rows(cds[0], "songlist")), total, meta)

    def _toplists(self) -> Page:
        module = {"module": "musicToplist.ToplistInfoServer", "method": "GetAll", "param": {}}
        found = self._module("topList", module)
        metas = [
            PlaylistMeta(
                _ref(self._platform, number, "toplist"),
                text(each.get("title")),
                play_count=whole(each.get("listenNum")),
                track_count=whole(each.get("totalNum")),
                strategy="qq_toplist",
            )
            for group in rows(found, "data", "group")
            for each in rows(group, "toplist")
            if (number := text(each.get("topId"))).isdecimal()
        ]
        if not metas:
            raise ParseError("QQ Music sent no toplists.", sample=_sample(found))
        return Page(tuple(metas), has_more=False)

    def _toplist(self, number: str) -> Tracks:
        data = found = self._detail(number, "")
        period = text(table(found, "data", "data").get("period"))
        if period and not rows(found, "data", "songInfoList"):  # the newest period has its songs only by its name
            data = self._detail(number, period)
        top, songs = table(data, "data", "data"), rows(data, "data", "songInfoList")
        if not top:
            raise ParseError("QQ Music did not send the toplist.", sample=_sample(found))
        meta = PlaylistMeta(
            _ref(self._platform, number, "toplist"),
            text(top.get("title")),
            whole(top.get("totalNum")),
            whole(top.get("listenNum")),
            "qq_toplist",
        )
        by_id = {str(whole(each.get("id"))): each for each in songs}
        ranked = [_ranked(each, by_id, number) for each in rows(top, "song")]
        named = {track.remote_id for track in ranked}
        rest = [track for each in songs if (track := _track(each)).remote_id not in named]
        return _result((*ranked, *rest), min(whole(top.get("totalNum")) or 0, MOST), meta)

    def _detail(self, number: str, period: str) -> Any:
        param = {"topid": int(number), "topId": int(number), "offset": 0, "num": MOST, "period": period}
        module = {"module": "musicToplist.ToplistInfoServer", "method": "GetDetail", "param": param}
        return self._module("toplist", module)

    def _module(self, name: str, module: Mapping[str, Any]) -> dict[str, Any]:
        asked = {name: module, "comm": {"ct": 20, "cv": 1859, "format": "json", "uin": 0}}
        found = self._ask(NEW, [("format", "json"), ("data", json.dumps(asked, separators=(",", ":")))])
        return table(found, name)

    def _ask(self, url: str, params: Sequence[tuple[str, str]]) -> dict[str, Any]:
        found = table(self._http.json(url, params, headers=HEADERS))
        if found.get("code") not in (0, "0"):
            raise ParseError(f"QQ Music answered code {found.get('code')}.", sample=_sample(found))
        if whole(found.get("subcode")):
            raise ParseError(f"QQ Music: {text(found.get('message')) or found.get('subcode')}", sample=_sample(found))
        return found

    def _square(self, each: Mapping[str, Any]) -> PlaylistMeta:
        ref = _ref(self._platform, text(each.get("dissid")), "playlist")
        return PlaylistMeta(ref, text(each.get("dissname")), play_count=whole(each.get("listennum")))


def _ref(platform: str, number: str, kind: str) -> PlaylistRef:
    return PlaylistRef(platform, TOP + number if kind == "toplist" else number, kind, f"{SITE}/n/ryqq/{kind}/{number}")


def _result(tracks: tuple[TrackMeta, ...], total: int, meta: PlaylistMeta) -> Tracks:
    if not tracks:
        return Tracks("partial" if total else "empty", meta=meta, note=f"0 of {total}" if total else "")
    short = len(tracks) < total
    return Tracks("partial" if short else "ok", tracks, meta, f"{len(tracks)} of {total}" if short else "")


def _track(found: Mapping[str, Any]) -> TrackMeta:
    """Read a song in the new shape (``id``, ``name``) or the old one (``songid``, ``songname``)."""
    names = tuple(name for each in rows(found, "singer") if (name := text(each.get("name"))))
    title = text(found.get("title")) or text(found.get("name")) or text(found.get("songname"))
    number = whole(found.get("id")) or whole(found.get("songid"))
    sizes = table(found, "file")
    best = next(((name, ext, size) for key, name, ext in QUALITIES if (size := whole(sizes.get(key)))), ("", "", None))
    return TrackMeta(
        remote_id=str(number) if number else made_id("qqlocal_", title, *names),
        title=title,
        artists=names,
        album=text(table(found, "album").get("name")) or text(found.get("albumname")),
        duration=seconds(found.get("interval")),
        ext=best[1],
        size=best[2],
        quality=best[0],
        snapshot=some(found, KEPT),
    )


def _ranked(found: Mapping[str, Any], songs: Mapping[str, Mapping[str, Any]], top: str) -> TrackMeta:
    """Return the song of a row of a toplist; a row without one becomes an entry that is no music."""
    number = str(whole(found.get("songId")) or "")
    if number in songs:
        return _track(songs[number])
    title, artists = text(found.get("title")), text(found.get("singerName"))
    names = tuple(name.strip() for name in artists.split("/") if name.strip())
    if number:
        return TrackMeta(number, title, names, snapshot={"id": int(number), "title": title})
    kept = {**some(found, ("title", "singerName", "albumMid", "vid")), "topId": top, "qq_toplist_fallback": True}
    return TrackMeta(made_id("qqtop_", top, title, artists), title, names, kind="non_music", snapshot=kept)


def _sample(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)[:200]


SOURCE = QQ

"""NetEase Cloud Music: names of playlists and songs, by the plain addresses that its own pages used.

Undocumented. ``trackIds`` of a list is complete, ``tracks`` is cut to a few for those who are not logged in: so songs
are always asked for by their ids, a hundred at once. A toplist is an ordinary playlist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, ClassVar
from urllib.parse import parse_qs

from django.utils.translation import gettext_lazy as _

from ..errors import AccessDenied, ParseError, Private, Unavailable
from ..http import BROWSER, Http
from . import netease_page
from .base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from .fields import address, rows, seconds, some, table, text, whole
from .notices import METADATA_ONLY

HOST = "https://music.163.com"
HEADERS = {**BROWSER, "Referer": f"{HOST}/"}
PAGE = 35
SONGS = 100  # a question; 1000 is the most that is answered
THROTTLED, LOGIN_ONLY, GONE = -460, {301, 20001}, 404
QUALITIES = (("hr", "Hi-Res", "flac"), ("sq", "lossless", "flac"), ("h", "320k", "mp3"), ("l", "128k", "mp3"))
KEPT = ("id", "name", "ar", "al", "dt", "alia", "tns", "fee", "mv", "no", "cd", "h", "m", "l", "sq", "hr")
_PLAYLIST = re.compile(r"/playlist/(\d+)")


class Netease:
    """The plug-in."""

    label = _("NetEase Cloud Music")
    notice = METADATA_ONLY
    pools: ClassVar = ("playlist_square", "toplist")
    fields: ClassVar = ("relay",)

    def __init__(self, reach: Reach) -> None:
        self._http: Http = reach.http
        self._platform = reach.platform or "netease"

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the list of ``/#/playlist?id=``, ``/discover/toplist?id=``, ``/playlist/ID`` and the mobile ones."""
        parts = address(url)
        if (parts.hostname or "") not in ("music.163.com", "y.music.163.com", "www.music.163.com"):
            return None
        inner = address(parts.fragment) if parts.fragment.startswith("/") else parts
        toplist = "toplist" in inner.path
        if not toplist and "playlist" not in inner.path:
            return None
        inside = _PLAYLIST.search(inner.path)
        number = inside.group(1) if inside else (parse_qs(inner.query).get("id") or [""])[0]
        if not number.isdecimal():
            return None
        return _ref("netease", number, "toplist" if toplist else "playlist")

    def collect(self, pool: str) -> Iterator[Page]:
        if pool == "toplist":
            found = self._ask("/api/toplist")
            if not rows(found, "list"):
                raise ParseError("NetEase sent no toplists.", sample=_sample(found))
            yield Page(tuple(self._metas(rows(found, "list"), "toplist")), has_more=False)
            return
        ask = self._square
        for seen in count(0, PAGE):
            try:
                page = ask(seen)
            except (ParseError, Unavailable) as error:
                if seen:  # one square is not continued by the other
                    raise
                ask = self._square_for_people
                try:
                    page = ask(seen)
                except (ParseError, Unavailable):
                    raise error from None
            yield page

    def _square(self, seen: int) -> Page:
        params = [("cat", "全部"), ("order", "hot"), ("limit", str(PAGE)), ("offset", str(seen)), ("total", "true")]
        found = self._ask("/api/playlist/list", params)
        if "playlists" not in found:
            raise ParseError("NetEase sent no playlists.", sample=_sample(found))
        lists = tuple(self._metas(rows(found, "playlists"), "playlist"))
        return Page(lists, bool(found.get("more")), whole(found.get("total")))

    def _square_for_people(self, seen: int) -> Page:
        params = [("order", "hot"), ("limit", str(PAGE)), ("offset", str(seen))]
        html = self._http.get(f"{HOST}/discover/playlist/", params, headers=HEADERS).body.decode("utf-8", "replace")
        shown = netease_page.read(html)
        if shown is None:
            raise ParseError("NetEase did not send its square.", sample=html)
        metas = (
            PlaylistMeta(_ref(self._platform, each.number, "playlist"), each.name, play_count=each.plays)
            for each in shown
        )
        return Page(tuple(metas), has_more=len(shown) >= PAGE)

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        found = self._ask("/api/v6/playlist/detail", [("id", ref.remote_id), ("n", "0"), ("s", "0")])
        playlist = table(found, "playlist")
        meta = next(self._metas([playlist], ref.kind), None)
        if meta is None or not isinstance(playlist.get("trackIds"), list):
            raise ParseError("NetEase did not send the list.", sample=_sample(found))
        ids = [number for each in rows(playlist, "trackIds") if (number := whole(each.get("id")))]
        total = meta.track_count or 0
        if not ids:
            return Tracks("partial" if total else "empty", meta=meta, note=f"0 of {total}" if total else "")
        if len(ids) == 1 < total:  # how it slows people down: the list is suddenly of one song
            self._http.limited(HOST, "NetEase shows one song only.")
            return Tracks("partial", meta=meta, note=f"1 of {total}")
        found_songs = self._songs(ids)
        tracks = tuple(_track(found_songs[number]) for number in ids if number in found_songs)
        whole_list = len(tracks) == len(ids) and len(ids) >= total
        return Tracks(
            "ok" if whole_list else "partial", tracks, meta, "" if whole_list else f"{len(tracks)} of {total}"
        )

    def _songs(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(ids), SONGS):
            wanted = json.dumps([{"id": number} for number in ids[start : start + SONGS]], separators=(",", ":"))
            answer = self._ask("/api/v3/song/detail", form={"c": wanted})
            found |= {number: each for each in rows(answer, "songs") if (number := whole(each.get("id")))}
        return found

    def _ask(self, path: str, params: Sequence[tuple[str, str]] = (), form: Mapping[str, str] | None = None) -> Any:
        """Return an answer whose ``code`` is 200; what the others mean is an error."""
        method = "POST" if form else "GET"
        found = table(self._http.json(HOST + path, params, method=method, data=form, headers=HEADERS))
        code = found.get("code")
        if code == 200:
            return found
        if code == THROTTLED:
            raise self._http.limited(HOST, "NetEase asks us to wait (-460).")
        said = text(found.get("message") or found.get("msg")) or f"code {code}"
        if code in LOGIN_ONLY:
            raise Private(f"NetEase: {said}")
        if code == 403:
            raise AccessDenied(f"NetEase: {said}")
        raise ParseError(f"NetEase answered: {said}", sample=_sample(found))

    def _metas(self, found: Sequence[dict[str, Any]], kind: str) -> Iterator[PlaylistMeta]:
        for each in found:
            if number := whole(each.get("id")):
                yield PlaylistMeta(
                    ref=_ref(self._platform, str(number), kind),
                    name=text(each.get("name")),
                    track_count=whole(each.get("trackCount")),
                    play_count=whole(each.get("playCount")),
                    strategy="netease_toplist" if kind == "toplist" else "",
                )


def _ref(platform: str, number: str, kind: str) -> PlaylistRef:
    return PlaylistRef(platform, number, kind, f"{HOST}/#/playlist?id={number}")


def _track(found: Mapping[str, Any]) -> TrackMeta:
    best = next(((name, ext, table(found, key)) for key, name, ext in QUALITIES if table(found, key)), ("", "", {}))
    return TrackMeta(
        remote_id=text(found.get("id")),
        title=text(found.get("name")),
        artists=tuple(name for each in rows(found, "ar") if (name := text(each.get("name")))),
        album=text(table(found, "al").get("name")),
        duration=seconds(found.get("dt"), 1000),
        ext=best[1],
        size=whole(best[2].get("size")),
        quality=best[0],
        snapshot=some(found, KEPT),
    )


def _sample(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)[:200]


SOURCE = Netease

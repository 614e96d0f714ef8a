"""Podcasts: a feed is a playlist, its episodes are the songs, and each says where its file is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from ..errors import ParseError
from ..tolerant import storable
from .base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from .fields import address, made_id, text, whole

LARGEST = 32 * 1024 * 1024  # bytes; long-running shows have feeds of several megabytes
ENDINGS = (".rss", ".xml", "/feed", "/rss", "/feed/", "/rss/")


class Podcast:
    """The plug-in. ``feeds`` are addresses, one a line."""

    label = _("Podcasts (RSS)")
    notice = _("Feeds that you name. The files of episodes are offered by their publishers.")
    pools: ClassVar = ("feed",)
    fields: ClassVar = ("feeds",)

    def __init__(self, reach: Reach) -> None:
        self._http = reach.http
        self._platform = reach.platform or "podcast"
        feeds = reach.settings.get("feeds") or []
        self._feeds = feeds.split() if isinstance(feeds, str) else [str(each).strip() for each in feeds]

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the feed at an address that looks like one."""
        parts = address(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.path.lower().endswith(ENDINGS):
            return _ref("podcast", url)
        return None

    def collect(self, pool: str) -> Iterator[Page]:
        """Yield the feeds by their addresses; what they are called is read when they are synchronised."""
        metas = [PlaylistMeta(_ref(self._platform, url), address(url).hostname or url) for url in self._feeds if url]
        yield Page(tuple(metas), has_more=False, total=len(metas))

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        import feedparser  # 60 ms

        reply = self._http.request("GET", ref.url or ref.remote_id, max_bytes=LARGEST)
        kind = {"content-type": reply.headers.get("Content-Type", "")}
        try:
            found = feedparser.parse(reply.body, response_headers=kind)
        except Exception:  # it stumbles over references to characters that there are not, and the like
            found = {}
        if not found.get("version"):
            raise ParseError("This is no feed.", sample=reply.body[:200].decode("utf-8", "replace"))
        title = text(found.feed.get("title"))
        tracks = tuple(track for each in found.entries if (track := _episode(each, title, ref.url or ref.remote_id)))
        return Tracks("ok" if tracks else "empty", tracks, PlaylistMeta(ref, title, len(tracks)))


def _ref(platform: str, url: str) -> PlaylistRef:
    return PlaylistRef(platform, url if len(url) <= 200 else made_id("url_", url), "feed", url)


def _episode(entry: Mapping[str, Any], show: str, feed: str) -> TrackMeta | None:
    """Return an entry that has a sound file; None for others. ``feed`` says who named the address of the file."""
    file = next((each for each in entry.get("links", []) if _is_sound(each)), None)
    if file is None:
        return None
    url = text(file.get("href"))
    author = text(entry.get("author")) or show
    return TrackMeta(
        remote_id=text(entry.get("id")) or made_id("url_", url),
        title=text(entry.get("title")) or url,
        artists=(author,) if author else (),
        album=show,
        duration=_length(text(entry.get("itunes_duration"))),
        ext=address(url).path.rpartition(".")[2][:10] if "." in address(url).path.rpartition("/")[2] else "",
        size=whole(file.get("length")) or None,
        snapshot=storable(
            {"url": url, "feed": feed, "type": file.get("type", ""), "published": entry.get("published", "")}
        ),
    )


def _is_sound(link: Mapping[str, Any]) -> bool:
    return (
        link.get("rel") == "enclosure"
        and str(link.get("type", "audio/")).startswith("audio/")
        and str(link.get("href", "")).startswith(("http://", "https://"))
    )


def _length(said: str) -> float | None:
    """Return seconds of "3723", "62:03" or "1:02:03"; None for what is none."""
    total = 0.0
    for part in said.split(":"):
        number = whole(part)
        if number is None:
            return None
        total = total * 60 + number
    return total or None


SOURCE = Podcast

from __future__ import annotations

import pytest

from catalog.errors import ParseError
from catalog.models import Playlist, Song
from catalog.sources.base import PlaylistRef
from catalog.sources.podcast import Podcast
from mediasync.jobs.choices import JobState
from tests.catalog.jobs import run, switch_on
from tests.catalog.platforms import plug
from tests.catalog.replay import Replay

FEED = "https://show.example/feed.xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'


def episode(number: int, **more: str) -> str:
    facts = {"itunes:duration": "01:02:03", "itunes:author": "主持人", **more}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in facts.items())
    file = f'<enclosure url="https://cdn.example/{number}.mp3?x=1&amp;y=2" length="123456" type="audio/mpeg"/>'
    return f"<item><title>第 {number} 集</title><guid>ep-{number}</guid>{inner}{file}</item>"


def feed(*numbers: int) -> bytes:
    items = "".join(map(episode, numbers))
    extra = (
        '<item><title>Only words</title></item><item><title>V</title><enclosure url="x.mp4" type="video/mp4"/></item>'
    )
    return f"{HEAD}<channel><title>播客</title>{items}{extra}</channel></rss>".encode()


def test_it_reads_episodes_with_their_files(replay: Replay) -> None:
    replay.say("show.example/feed.xml", feed(2, 1))
    source = plug("podcast", replay, feeds=f"\n{FEED}\nhttps://other.example/rss\n")
    (page,) = source.collect("feed")
    assert [meta.ref.url for meta in page.playlists] == [FEED, "https://other.example/rss"]
    assert len(replay.requests) == 0
    found = source.tracks(page.playlists[0].ref)
    assert found.meta and found.meta.name == "播客"
    assert [track.remote_id for track in found.tracks] == ["ep-2", "ep-1"]
    first = found.tracks[0]
    assert (first.title, first.artists, first.album, first.duration) == ("第 2 集", ("主持人",), "播客", 3723)
    assert (first.ext, first.size) == ("mp3", 123456)
    assert first.snapshot["url"] == "https://cdn.example/2.mp3?x=1&y=2"


@pytest.mark.parametrize("body", [b"<html><body>login</body></html>", b"", b"{}", b"\xff\xfe\x00"])
def test_it_says_what_is_no_feed(replay: Replay, body: bytes) -> None:
    replay.say("show.example/feed.xml", body)
    ref = Podcast.match_url(FEED)
    assert ref
    with pytest.raises(ParseError):
        plug("podcast", replay).tracks(ref)


@pytest.mark.django_db
def test_it_keeps_episodes_that_the_feed_shows_no_more(replay: Replay) -> None:
    replay.say("show.example/feed.xml", feed(2, 1))
    switch_on("podcast", replay, feeds=FEED)
    assert run("collect_only").state == JobState.COMPLETED
    assert run("sync_only").state == JobState.COMPLETED
    replay.say("show.example/feed.xml", feed(4, 3, 2))
    run("sync_only")
    row = Playlist.objects.get()
    assert (row.name, row.kind, row.songs.count(), row.pools.get().kind) == ("播客", "feed", 4, "feed")
    newest = row.playlistsong_set.order_by("position", "pk").values_list("song__remote_id", flat=True)
    assert newest[0] == "ep-4"
    assert Song.objects.count() == 4


@pytest.mark.parametrize(
    ("url", "known"),
    [(FEED, True), ("https://x.example/feed/", True), ("https://x.example/page", False), ("file:///x.rss", False)],
)
def test_it_knows_what_looks_like_a_feed(url: str, known: bool) -> None:
    assert (Podcast.match_url(url) is not None) == known


def test_it_says_of_a_feed_that_breaks_its_reader_that_it_is_none(replay: Replay) -> None:
    item = "<item><title>t</title><guid>&#xD800;a</guid><author>\0</author></item>"
    replay.say("show.example/feed.xml", f"<rss version='2.0'><channel>{item}</channel></rss>".encode())
    with pytest.raises(ParseError):
        plug("podcast", replay).tracks(PlaylistRef("podcast", FEED, "feed", FEED))

"""Playlists of Subsonic servers: a real Supysonic, and recorded answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from catalog.errors import Unavailable
from catalog.models import Playlist, Source
from catalog.reach import seal
from catalog.sources.base import PlaylistRef
from mediasync.core.errors import AccessDenied
from mediasync.jobs.choices import JobState
from tests.catalog import audio, supysonic
from tests.catalog.jobs import run
from tests.catalog.platforms import plug
from tests.catalog.replay import Replay, recorded

SETTINGS = {"address": "http://music.test", "user": "mei", "secret": "x"}


def test_it_reads_recorded_playlists(replay: Replay) -> None:
    replay.say("music.test/rest/getPlaylists.view", recorded("subsonic_supysonic_getPlaylists.json"))
    replay.say("music.test/rest/getPlaylist.view", recorded("subsonic_supysonic_getPlaylist.json"))
    source = plug("subsonic", replay, **SETTINGS)
    (page,) = source.collect("own")
    (meta,) = page.playlists
    assert (meta.name, meta.track_count, page.has_more) == ("我的歌单", 2, False)
    found = source.tracks(meta.ref)
    assert found.result == "ok"
    assert [(track.title, track.artists, track.duration) for track in found.tracks] == [
        ("晴天", ("周杰伦",), 20),
        ("晴天 (Live)", ("周杰伦",), 10),
    ]
    assert (found.tracks[0].ext, found.tracks[0].size, found.tracks[0].quality) == ("mp3", 335040, "128k")
    assert not source.match_url("http://music.test/playlist/1")


def test_it_tells_empty_from_cut_and_denied_from_gone(replay: Replay) -> None:
    source = plug("subsonic", replay, **SETTINGS)

    def say(count: int) -> None:
        playlist = {"id": "1", "name": "L", "songCount": count}
        body = {"subsonic-response": {"status": "ok", "version": "1.16.1", "playlist": playlist}}
        replay.say("music.test/rest/getPlaylist.view", body)

    say(0)
    assert source.tracks(PlaylistRef("home", "1")).result == "empty"
    say(3)
    assert source.tracks(PlaylistRef("home", "1")).result == "partial"
    replay.say("music.test/rest/getPlaylist.view", recorded("subsonic_supysonic_bad_auth.json"))
    with pytest.raises(AccessDenied):
        source.tracks(PlaylistRef("home", "1"))
    gone = {"subsonic-response": {"status": "failed", "error": {"code": 70, "message": "not found"}}}
    replay.say("music.test/rest/getPlaylist.view", gone)
    with pytest.raises(Unavailable):
        source.tracks(PlaylistRef("home", "1"))


@pytest.mark.django_db
def test_it_collects_and_syncs_from_a_real_server(tmp_path: Path) -> None:
    for number in range(5):
        audio.write(tmp_path / f"music/{number}.mp3", audio.mp3(f"歌 {number}", "周杰伦", 2, album="集"))
    with supysonic.running(tmp_path) as server:
        login = {"u": supysonic.USER, "p": supysonic.PASSWORD, "c": "test", "v": "1.12.0", "f": "json"}
        found = requests.get(f"{server.url}/rest/search3.view", {**login, "query": "歌"}, timeout=60).json()
        songs = {each["title"]: each["id"] for each in found["subsonic-response"]["searchResult3"]["song"]}
        order = ["歌 3", "歌 0", "歌 4"]
        made = {**login, "name": "我的", "songId": [songs[title] for title in order]}
        requests.get(f"{server.url}/rest/createPlaylist.view", made, timeout=60).raise_for_status()
        settings = {"address": server.url, "user": supysonic.USER}
        source = Source.objects.create(name="home", plugin="subsonic", enabled=True, pace=0.0, settings=settings)
        assert run("collect_only").state == JobState.COMPLETED_WITH_ERRORS  # it has no password yet
        Source.objects.filter(pk=source.pk).update(secret_sealed=seal("wrong"))
        assert run("collect_only").state == JobState.COMPLETED_WITH_ERRORS
        Source.objects.filter(pk=source.pk).update(secret_sealed=seal(supysonic.PASSWORD))
        assert run("collect_only").state == JobState.COMPLETED
        assert run("sync_only").state == JobState.COMPLETED
    row = Playlist.objects.get()
    assert (row.platform, row.name, row.sync_result, row.pools.get().kind) == ("home", "我的", "ok", "own")
    links = row.playlistsong_set.order_by("position")
    assert list(links.values_list("song__name", "song__singers", "song__ext")) == [
        (title, "周杰伦", "mp3") for title in order
    ]

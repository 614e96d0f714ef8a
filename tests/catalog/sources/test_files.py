from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog import plugins
from catalog.errors import ParseError, Unavailable
from catalog.models import Playlist, Source
from catalog.playlist_file import take
from catalog.sources.base import PlaylistRef
from catalog.sources.files import PlaylistFiles
from mediasync.jobs.choices import JobState
from tests.catalog.jobs import run
from tests.catalog.platforms import plug
from tests.catalog.replay import Replay

M3U = b"#EXTM3U\n#EXTINF:10,A - One\nhttps://cdn.example/one.mp3\n"


def test_it_offers_the_files_of_its_folder(replay: Replay, tmp_path: Path) -> None:
    for name in ("b.m3u8", "a.xspf", "notes.txt", ".hidden.m3u"):
        (tmp_path / name).write_bytes(M3U)
    odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9.m3u")
    with open(odd, "wb") as file:
        file.write(M3U)
    source = plug("file", replay, folder=str(tmp_path))
    (page,) = source.collect("manual_file")
    assert [meta.name for meta in page.playlists][:2] == ["a", "b"]
    assert len(page.playlists) == 3
    for meta in page.playlists[1:]:
        (track,) = source.tracks(meta.ref).tracks
        assert (track.title, track.artists, track.snapshot["url"]) == ("One", ("A",), "https://cdn.example/one.mp3")
    (page,) = plug("file", replay, folder=str(tmp_path / "none")).collect("manual_file")
    assert not page.playlists


@pytest.mark.parametrize("name", ["../secret.m3u", "/etc/passwd", "none.m3u", "a/b.m3u", ".hidden.m3u", "\0.m3u"])
def test_it_reads_nothing_outside(replay: Replay, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.m3u").write_bytes(M3U)
    (tmp_path / "in").mkdir()
    with pytest.raises(Unavailable):
        plug("file", replay, folder=str(tmp_path / "in")).tracks(PlaylistRef("file", name))


def test_it_says_what_is_no_playlist(replay: Replay) -> None:
    replay.say("list.example/a.m3u", b"")
    ref = PlaylistFiles.match_url("https://list.example/a.m3u")
    assert ref and plug("file", replay).tracks(ref).result == "empty"
    replay.say("list.example/a.xspf", b"hello")
    ref = PlaylistFiles.match_url("https://list.example/a.xspf")
    assert ref
    with pytest.raises(ParseError):
        plug("file", replay).tracks(ref)


@pytest.mark.django_db
def test_it_syncs_a_file_at_an_address(replay: Replay) -> None:
    replay.say("list.example/mix/Road%20trip.m3u8", M3U)
    taken = take(b"https://list.example/mix/Road%20trip.m3u8\n")
    assert not taken.problems
    Source.objects.update(settings=dict(replay.settings))
    assert run("sync_only", playlists=taken.playlists).state == JobState.COMPLETED
    assert Playlist.objects.get().songs.get().name == "One"
    replay.say("list.example/mix/Road%20trip.m3u8", M3U + b"#EXTINF:5,B - Two\nx.mp3\n")
    run("sync_only")
    assert Playlist.objects.get().songs.count() == 2


@pytest.mark.parametrize("name", plugins.names("mediasync.playlist_sources"))
def test_it_has_what_every_source_has(name: str) -> None:
    source = plugins.load("mediasync.playlist_sources", name)
    assert str(source.label)
    assert str(source.notice)
    assert set(source.pools) <= {"playlist_square", "toplist", "manual_file", "feed", "own"}
    assert isinstance(source.fields, tuple)
    for url in ("", "x", "https://", "https://[", "http://unknown.example/", "javascript:alert(1)", "\0"):
        assert source.match_url(url) is None, url

"""Tests for the download stage, with songs in a folder and with a real Subsonic server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog import exporting, fetching, rooms
from catalog.download_stage import Download
from catalog.downloads import shelf
from catalog.models import DownloadSource, FileAsset, FileLocation, Presence, Review, Song
from catalog.songs import is_downloaded
from mediasync.core.clock import FakeClock
from mediasync.core.errors import UsageError
from mediasync.jobs import services
from mediasync.jobs.choices import JobState
from mediasync.jobs.choices import Source as Asker
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.jobs.registry import Done, ItemInfo, Skipped
from mediasync.jobs.transitions import transition
from tests.catalog import audio, supysonic
from tests.catalog.downloading import download, downloading, files, library, locators, playlist, source
from tests.catalog.jobs import items, run
from tests.catalog.replay import Replay
from tests.monitors.crawling import Ctx

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.forget()
    yield
    shelf.forget()


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """A folder with three songs, its library beside it."""
    folder = tmp_path / "songs"
    audio.write(folder / "a.mp3", audio.mp3("晴天", "周杰伦", album="叶惠美"))
    audio.write(folder / "b.flac", audio.flac("Blue Sky", "Some One"))
    audio.write(folder / "c.mp3", audio.mp3("Thunder", "AC/DC"))
    library(tmp_path)
    source("library", "home", folder=str(folder))
    return tmp_path


def test_it_brings_the_songs_of_playlists(songs: Path) -> None:
    playlist("one", ("晴天", "周杰伦"), ("Thunder", "AC/DC"))
    playlist("two", ("晴天", "周杰伦"), ("Blue Sky", "Some One"), ("Nobody has it", "Nobody"))
    bench = download()
    assert bench.ending == "done"
    assert bench.job.state == "completed_with_errors"
    wanted = ["home/AC_DC/Thunder.mp3", "home/Some One/Blue Sky.flac", "home/周杰伦/晴天.mp3"]
    assert files(songs) == locators() == wanted
    assert bench.facts("Nobody has it") == ("failed", "song_not_found")
    assert dict(bench.stage().groups.values_list("label", "total")) == {"one": 2, "two": 2}
    assert bench.stage().result["files"] == 3
    assert Song.objects.filter(is_downloaded()).count() == Presence.objects.filter(files=1).count() == 3
    asset = FileAsset.objects.get(song__name="Blue Sky")
    assert (asset.quality_label, asset.ext, asset.source, asset.rights_basis) == (
        "lossless",
        "flac",
        "home",
        "own-copy",
    )
    assert asset.checksum.startswith("sha256:") and asset.duration == 3.0
    assert FileLocation.objects.filter(is_primary=True).count() == 3
    song = Song.objects.get(name="晴天")
    assert (song.ext, song.resolved, song.quality_label) == ("mp3", True, "128k")


def test_it_plans_no_song_that_is_here(songs: Path) -> None:
    playlist("one", ("晴天", "周杰伦"), ("Thunder", "AC/DC"))
    download()
    times = {path: (songs / "library" / path).stat().st_mtime_ns for path in files(songs)}
    bench = download()
    assert bench.job.state == "completed"
    assert bench.states() == {}
    assert {path: (songs / "library" / path).stat().st_mtime_ns for path in files(songs)} == times


def test_it_skips_a_song_that_came_meanwhile_unless_it_is_forced(songs: Path) -> None:
    playlist("one", ("晴天", "周杰伦"))
    download()
    song = Song.objects.get()
    stage, ctx = Download(), Ctx(FakeClock())
    item = ItemInfo(1, str(song.pk), None, None, 1, 0, False, "")
    assert stage.run(item, ctx) == Skipped("already_local")
    audio.write(songs / "songs" / "better.flac", audio.flac("晴天", "周杰伦"))
    shelf.forget()
    assert isinstance(stage.run(replace(item, force=True), ctx), Done)
    assert locators() == ["home/周杰伦/晴天.flac", "home/周杰伦/晴天.mp3"]
    assert isinstance(stage.run(replace(item, force=True), ctx), Done)
    assert files(songs) == locators() and len(locators()) == 2  # no "(1)"
    assert ctx.saved == {}
    song.delete()
    assert stage.run(item, ctx) == Skipped("song_gone")


def test_it_finds_what_was_added_just_before_a_job_or_its_retry(songs: Path) -> None:
    """The list of a folder is kept for a while, but not from one start of a job to the next."""
    playlist("one", ("New", "One"), ("Newer", "One"))
    assert download().facts("New") == ("failed", "song_not_found")
    audio.write(songs / "songs" / "n.mp3", audio.mp3("New", "One"))
    job = run("download_only")
    assert locators() == ["home/One/New.mp3"]
    audio.write(songs / "songs" / "newer.mp3", audio.mp3("Newer", "One"))
    services.retry_failed(job, actor="me", source=Asker.CLI)
    assert drain(job.pk, threads=False).state == "completed"
    assert locators() == ["home/One/New.mp3", "home/One/Newer.mp3"]
    assert not shelf._shelves and not shelf._locks  # nothing is kept for jobs that ended


def test_it_asks_who_refused_it_again_when_a_job_is_tried_again(songs: Path, replay: Replay) -> None:
    playlist("one", ("Far", "One"))
    DownloadSource.objects.all().delete()
    source("subsonic", "navi", secret="x", address="http://music.test", user="mei", relay=replay.url)
    failed = {"status": "failed", "error": {"code": 40, "message": "no"}}
    replay.say("music.test/rest/search3.view", {"subsonic-response": failed})
    job = run("download_only")
    assert set(codes(job)) == {"source_denied"}
    assert "refuses the login" in DownloadSource.objects.get().last_error
    replay.say("music.test/rest/search3.view", {"subsonic-response": {"status": "ok", "searchResult3": {}}})
    services.retry_failed(job, actor="me", source=Asker.CLI)
    drain(job.pk, threads=False)
    assert set(codes(job)) == {"song_not_found"}
    assert DownloadSource.objects.get().last_error == ""


def codes(job: Job) -> list[str]:
    return [item.error_code for item in items(job, "download").values()]


def test_it_skips_what_is_no_music(songs: Path) -> None:
    found = playlist("one", ("有声书", "谁"))
    found.songs.update(kind=Song.Kind.OTHER)
    bench = download()
    assert bench.job.state == "completed"
    assert bench.facts("有声书") == ("skipped", "non_music")


def test_it_keeps_to_scope_and_limit(songs: Path) -> None:
    one = playlist("one", ("晴天", "周杰伦"), ("Thunder", "AC/DC"))
    playlist("two", ("Blue Sky", "Some One"), platform="qq")
    assert len(download(playlists=[one.pk], limit=1).states()) == 1
    assert locators() == ["home/周杰伦/晴天.mp3"]  # the first in its list
    assert len(download(sources=["qq"]).states()) == 1
    assert "home/Some One/Blue Sky.flac" in locators()


def test_it_fails_at_once_without_a_source_or_a_folder(tmp_path: Path) -> None:
    playlist("one", ("晴天", "周杰伦"))
    bench = download()
    assert (bench.job.state, bench.job.reason_code) == ("failed", "no_download_source")
    source("library", folder=str(tmp_path))
    bench = download()
    assert (bench.job.state, bench.job.reason_code) == ("failed", "no_music_folder")


def test_it_asks_sources_in_the_order_of_the_job(songs: Path) -> None:
    other = songs / "other"
    audio.write(other / "a.mp3", audio.mp3("晴天", "周杰伦", album="other"))
    source("library", "second", order=2, folder=str(other))
    playlist("one", ("晴天", "周杰伦"))
    download(download_sources=["second", "home"])
    assert locators() == ["second/周杰伦/晴天.mp3"]


def test_it_takes_no_source_that_is_off(songs: Path) -> None:
    DownloadSource.objects.update(enabled=False)
    playlist("one", ("晴天", "周杰伦"))
    assert download(download_sources=["home"]).job.reason_code == "no_download_source"


def test_it_rests_once_when_its_sources_are_switched_off_meanwhile(songs: Path) -> None:
    playlist("one", ("晴天", "周杰伦"), ("Thunder", "AC/DC"), ("Blue Sky", "Some One"))
    with downloading() as bench:
        fetched = fetching._copy

        def switch_off(*what: Any) -> Any:
            DownloadSource.objects.update(enabled=False)
            return fetched(*what)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fetching, "_copy", switch_off)
            assert bench.go() == "needs_operator"
        assert (bench.job.state, bench.job.reason_code) == ("paused", "no_download_source")
        assert sorted(bench.states().values()) == ["pending", "pending", "succeeded"]
        DownloadSource.objects.update(enabled=True)
        transition(bench.job.pk, JobState.QUEUED, expect=(JobState.PAUSED,))
        bench.again()
        assert bench.go(budget=600) == "done"
    assert len(locators()) == 3


def test_it_refreshes_the_folder_of_a_list_whose_last_song_cannot_even_be_tried(
    songs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[int] = []
    monkeypatch.setattr(exporting, "after_song", refreshed.append)
    monkeypatch.setattr(rooms, "room", lambda root: (_ for _ in ()).throw(UsageError("none", code="no_music_folder")))
    song = playlist("one", ("晴天", "周杰伦")).songs.get()
    with pytest.raises(UsageError):
        Download().run(ItemInfo(5, str(song.pk), None, None, 1, 0, False, ""), Ctx(FakeClock()))
    assert refreshed == [5]


def test_it_prefers_the_better_file(songs: Path) -> None:
    audio.write(songs / "songs" / "better.flac", audio.flac("晴天", "周杰伦"))
    playlist("one", ("晴天", "周杰伦"))
    download()
    assert locators() == ["home/周杰伦/晴天.flac"]


def test_it_names_two_songs_of_one_name_apart(songs: Path) -> None:
    audio.write(songs / "songs" / "d.mp3", audio.mp3("Hello", "One", 3, isrc="AAAAA0000001"))
    audio.write(songs / "songs" / "e.mp3", audio.mp3("Hello", "One", 9, isrc="AAAAA0000002"))
    playlist("one", ("Hello", "One"))
    playlist("two", ("Hello", "One"), platform="qq")
    Song.objects.filter(platform="netease").update(isrc="AAAAA0000001", duration=3)
    Song.objects.filter(platform="qq").update(isrc="AAAAA0000002", duration=9)
    download()
    assert locators() == files(songs) == ["home/One/Hello [128k].mp3", "home/One/Hello.mp3"]


def test_it_shares_one_file_between_two_songs_of_the_same_content(songs: Path) -> None:
    playlist("one", ("晴天", "周杰伦"))
    playlist("two", ("晴天", "周杰伦"), platform="qq")
    download()
    assert files(songs) == ["home/周杰伦/晴天.mp3"]
    assert FileLocation.objects.count() == 2  # each song knows where it is


def test_it_leaves_weak_matches_to_a_person(songs: Path) -> None:
    playlist("one", ("Blue Skies", "Some One"))
    Song.objects.update(duration=3)
    bench = download()
    assert bench.facts("Blue Skies") == ("failed", "weak_match")
    review = Review.objects.get()
    assert (review.source, review.key, review.title) == ("home", "b.flac", "Blue Sky")
    assert 75 <= review.score < 90
    assert files(songs) == []


def test_it_brings_from_a_real_subsonic_server(tmp_path: Path) -> None:
    audio.write(tmp_path / "music/周杰伦/晴天.mp3", audio.mp3("晴天", "周杰伦", 5, album="叶惠美"))
    audio.write(tmp_path / "music/b.flac", audio.flac("Blue Sky", "Some One", 4))
    library(tmp_path)
    playlist("one", ("晴天", "周杰伦"), ("Blue Sky", "Some One"), ("Other", "Nobody"))
    with supysonic.running(tmp_path) as server:
        source("subsonic", "navi", secret=supysonic.PASSWORD, address=server.url, user=supysonic.USER)
        bench = download()
        assert bench.codes().count("search_failed") == 0
        assert locators() == files(tmp_path) == ["navi/Some One/Blue Sky.flac", "navi/周杰伦/晴天.mp3"]
        here = (tmp_path / "library/navi/周杰伦/晴天.mp3").read_bytes()
        assert here == (tmp_path / "music/周杰伦/晴天.mp3").read_bytes()
        DownloadSource.objects.all().delete()
        source("subsonic", "wrong", secret="not it", address=server.url, user=supysonic.USER)
        bench = download()
        assert bench.facts("Other") == ("failed", "source_denied")
        assert bench.codes().count("source_dropped") == 1
        assert Song.objects.get(name="Other").resolved  # it was looked for before
        assert "refuses the login" in DownloadSource.objects.get().last_error


def test_it_goes_on_with_a_song_of_a_real_subsonic_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = audio.mp3("Long", "Artist", 60)
    audio.write(tmp_path / "music/long.mp3", song)
    library(tmp_path)
    playlist("one", ("Long", "Artist"))
    went_on: list[bool] = []
    real, save = fetching._goes_on, fetching._Download._save
    monkeypatch.setattr(fetching, "_goes_on", lambda *what: went_on.append(real(*what)) or went_on[-1])

    def cut(download: Any, response: Any, start: int, size: int | None) -> int:
        monkeypatch.setattr(fetching._Download, "_save", save)
        download.part.write_bytes(song[:300_000])
        return 300_000

    monkeypatch.setattr(fetching._Download, "_save", cut)
    with supysonic.running(tmp_path) as server, downloading() as bench:
        source("subsonic", "navi", secret=supysonic.PASSWORD, address=server.url, user=supysonic.USER)
        assert bench.go() == "snoozed"
        assert bench.facts("Long") == ("retry_wait", "cut")
        bench.again()
        assert bench.go(budget=600) == "done"
    assert went_on == [False, True]
    assert (tmp_path / "library" / locators()[0]).read_bytes() == song
    assert files(tmp_path) == locators()


def test_it_sweeps_parts_that_nobody_goes_on_with(songs: Path) -> None:
    parts = songs / "library" / fetching.PARTS
    parts.mkdir()
    for name, age in (("1-old.part", 8), ("1-old.json", 8), ("2-new.part", 1)):
        (parts / name).write_text("x")
        when = time.time() - age * 86400
        os.utime(parts / name, (when, when))
    playlist("one", ("晴天", "周杰伦"))
    download()
    (song,) = Song.objects.all()
    assert [path.name for path in parts.iterdir()] == (["2-new.part"] if song.pk != 2 else [])


def test_it_does_not_write_around_a_disk_that_is_not_mounted(songs: Path) -> None:
    (songs / "library").rmdir()
    playlist("one", ("晴天", "周杰伦"))
    bench = download()
    assert (bench.job.state, bench.job.reason_code) == ("paused", "library_unusable")
    assert not (songs / "library").exists()

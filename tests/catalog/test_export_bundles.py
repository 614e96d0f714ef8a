"""Archives of playlists: complete or not at all, named safely, kept for a while."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from catalog import bundles
from catalog.models import FileAsset, FileLocation, Playlist, StorageBackend
from mediasync.core.errors import Conflict, NotFound, UsageError
from mediasync.jobs.models import Job

from .rows import make_playlist, make_songs
from .stored import library, playlist_with_files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BUNDLES_DIR = tmp_path / "bundles"
    return tmp_path / "bundles"


@pytest.fixture
def local(tmp_path: Path) -> StorageBackend:
    return library(tmp_path / "library")


def test_it_packs_playlists_with_their_lists_and_their_sources(local: StorageBackend) -> None:
    first = playlist_with_files(local, 2, "一")
    second = playlist_with_files(local, 1, "AC/DC")
    FileAsset.objects.filter(song__playlists=second).update(license="CC-BY 4.0", rights_basis="open-licence")
    bundle = bundles.make([first.pk, second.pk])
    with zipfile.ZipFile(bundles.find(bundle.name)) as archive:
        assert archive.testzip() is None
        assert {each.compress_type for each in archive.infolist() if each.filename.endswith("mp3")} == {
            zipfile.ZIP_STORED
        }
        one, two = f"一 [{first.pk}]", f"AC_DC [{second.pk}]"
        names = [f"{one}/Song 0.mp3", f"{one}/Song 1.mp3", f"{one}/一.m3u8"]
        assert archive.namelist() == [*names, f"{two}/Song 2.mp3", f"{two}/AC_DC.m3u8", "SOURCES.txt"]
        for song in range(2):
            held = Path(local.container_name, f"home/Singer {song}/Song {song}.mp3").read_bytes()
            assert archive.read(f"{one}/Song {song}.mp3") == held
        assert archive.read(names[2]).decode().splitlines()[-1] == "Song 1.mp3"
        terms = archive.read("SOURCES.txt").decode().splitlines()
    assert terms[2] == f"{one}/Song 0.mp3: Singer 0 - Song 0 (home)"
    assert terms[4] == f"{two}/Song 2.mp3: Singer 2 - Song 2 (home · open-licence · CC-BY 4.0)"
    assert bundle.size == bundles.find(bundle.name).stat().st_size


def test_the_same_selection_is_packed_once_and_a_change_anew(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 2)
    first = bundles.make([playlist.pk])
    assert bundles.make([playlist.pk]) == first
    assert first.name.startswith(f"playlist-{playlist.pk}-")
    Playlist.objects.filter(pk=playlist.pk).update(name="Other")
    assert bundles.make([playlist.pk]).name != first.name


def test_what_is_not_complete_is_never_packed(local: StorageBackend, folder: Path) -> None:
    whole = playlist_with_files(local, 1)
    partial = playlist_with_files(local, 2, here=1)
    with pytest.raises(Conflict) as caught:
        bundles.make([whole.pk, partial.pk])
    assert (caught.value.code, caught.value.params["playlists"]) == ("not_ready", [partial.pk])
    with pytest.raises(Conflict):
        bundles.make([make_playlist("never synchronised").pk])
    with pytest.raises(NotFound):
        bundles.make([whole.pk, 999_999])
    assert not folder.exists()


def test_a_list_that_was_read_and_is_empty_is_packed(local: StorageBackend) -> None:
    bundle = bundles.make([make_playlist("Empty", []).pk])
    with zipfile.ZipFile(bundles.find(bundle.name)) as archive:
        assert len(archive.namelist()) == 2


def test_a_file_that_is_gone_stops_it_and_stays_in_the_rows(local: StorageBackend, folder: Path) -> None:
    playlist = playlist_with_files(local, 2)
    Path(local.container_name, "home/Singer 1/Song 1.mp3").unlink()
    with pytest.raises(Conflict) as caught:
        bundles.make([playlist.pk])
    assert caught.value.code == "export_file_missing"
    assert FileLocation.objects.filter(status="active").count() == 2
    assert not folder.exists()


def test_a_failure_while_packing_leaves_nothing(
    local: StorageBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    playlist = playlist_with_files(local, 2)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles, "_write_file", fail)
    with pytest.raises(Conflict):
        bundles.make([playlist.pk])
    assert list(folder.iterdir()) == []


def test_there_must_be_room(local: StorageBackend, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "SPARE", 10**18)
    with pytest.raises(Conflict) as caught:
        bundles.make([playlist_with_files(local, 1).pk])
    assert caught.value.code == "no_room"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("stamp", [0, 9_000_000_000])
def test_files_of_any_age_are_packed(stamp: int, local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 1)
    os.utime(Path(local.container_name, "home/Singer 0/Song 0.mp3"), (stamp, stamp))
    with zipfile.ZipFile(bundles.find(bundles.make([playlist.pk]).name)) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("name", ["../secret", "a/b", "..", "", "A", "a.zip", "a\0b", "-a", "a" * 101, "a\n"])
def test_names_that_lead_elsewhere_are_refused(name: str, folder: Path) -> None:
    folder.mkdir()
    (folder.parent / "secret.zip").write_bytes(b"x")
    with pytest.raises(NotFound):
        bundles.find(name)


def test_archives_are_kept_for_some_hours(local: StorageBackend, folder: Path, settings: Any) -> None:
    bundle = bundles.make([playlist_with_files(local, 1).pk])
    path = bundles.find(bundle.name)
    (folder / "bundle-x.part").write_bytes(b"left by a kill")
    (folder / "note.txt").write_bytes(b"of somebody")
    now = dt.datetime.now(dt.UTC)
    assert bundles.expire(now) == 0
    assert bundles.expire(now + dt.timedelta(hours=settings.KEEP_BUNDLES_HOURS, minutes=1)) == 2
    assert [each.name for each in folder.iterdir()] == ["note.txt"]
    assert not path.exists()
    with pytest.raises(NotFound):
        bundles.find(bundle.name)


def test_one_whose_time_is_over_is_not_given_out(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 1)
    path = bundles.find(bundles.make([playlist.pk]).name)
    os.utime(path, (0, 0))
    with pytest.raises(NotFound):
        bundles.find(path.stem)
    assert bundles.find(bundles.make([playlist.pk]).name) == path  # asked for again, it is fresh


def test_an_export_packs_what_is_ready_and_queues_what_is_not(local: StorageBackend) -> None:
    whole = playlist_with_files(local, 1)
    done = bundles.export([whole.pk], actor="me")
    assert done.bundle is not None and not Job.objects.exists()
    partial, unknown = playlist_with_files(local, 2, here=1), make_playlist("never synchronised")
    waiting = bundles.export([whole.pk, partial.pk, unknown.pk], actor="me")
    assert waiting.bundle is None
    kinds = dict(Job.objects.values_list("kind", "scope"))
    assert kinds == {"download_only": {"playlists": [partial.pk]}, "sync_download": {"playlists": [unknown.pk]}}
    with pytest.raises(UsageError):
        bundles.export([], actor="me")


def test_a_song_that_is_no_music_is_not_waited_for(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 1)
    other = make_songs(1, kind="non_music")
    playlist.songs.add(other[0], through_defaults={"position": 7})
    assert bundles.make([playlist.pk]).size > 0

"""Folders of playlists: links and a list in order, made from the rows, and nothing of others touched."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from catalog import exporting, lists_out
from catalog.models import FileLocation, Playlist, PlaylistSong, Song, StorageBackend
from mediasync.core.errors import NeedsOperator
from mediasync.core.paths import to_text

from .rows import make_playlist, make_songs
from .stored import library, playlist_with_files, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.PLAYLISTS_DIR = tmp_path / "playlists"
    return tmp_path / "playlists"


@pytest.fixture
def local(tmp_path: Path) -> StorageBackend:
    return library(tmp_path / "library")


def links(playlist: Playlist) -> list[str]:
    place = Path(exporting.refresh(playlist).path)
    return sorted(each.name for each in place.iterdir() if each.is_symlink())


def listed(playlist: Playlist) -> list[str]:
    place = Path(exporting.refresh(playlist).path)
    text = (place / f"{place.name.rpartition(' [')[0]}.m3u8").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_it_links_what_is_here_and_lists_it_in_order(local: StorageBackend, folder: Path) -> None:
    playlist = playlist_with_files(local, 3, "我的 List", here=2)
    done = exporting.refresh(playlist)
    assert (done.changed, done.files, done.missing) == (3, 2, 1)
    place = folder / "netease" / f"我的 List [{playlist.pk}]"
    assert Path(done.path) == place
    text = (place / "我的 List.m3u8").read_text()
    assert text.splitlines() == [
        *("#EXTM3U", "#PLAYLIST:我的 List"),
        *("#EXTINF:-1,Singer 0 - Song 0", "Song 0.mp3", "#EXTINF:-1,Singer 1 - Song 1", "Song 1.mp3"),
    ]
    assert (place / "Song 0.mp3").read_bytes().startswith(b"music of")
    assert not os.path.isabs(os.readlink(place / "Song 0.mp3"))
    assert exporting.refresh(playlist).changed == 0


def test_another_order_renames_nothing(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 3)
    before = links(playlist)
    for link in PlaylistSong.objects.filter(playlist=playlist):
        PlaylistSong.objects.filter(pk=link.pk).update(position=9 - link.position)
    assert exporting.refresh(playlist).changed == 1
    assert links(playlist) == before
    assert listed(playlist) == ["Song 2.mp3", "Song 1.mp3", "Song 0.mp3"]


def test_what_leaves_the_playlist_leaves_the_folder_and_the_file_stays(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 2)
    exporting.refresh(playlist)
    PlaylistSong.objects.filter(playlist=playlist, position=0).delete()
    assert links(playlist) == ["Song 1.mp3"]
    assert Path(local.container_name, "home/Singer 0/Song 0.mp3").exists()


def test_a_renamed_playlist_keeps_its_folder(local: StorageBackend, folder: Path) -> None:
    playlist = playlist_with_files(local, 1, "Old")
    mine = Path(exporting.refresh(playlist).path) / "mine.txt"
    mine.write_text("of somebody")
    playlist.name = "New: 100%/2"
    done = exporting.refresh(playlist)
    assert sorted(each.name for each in (folder / "netease").iterdir()) == [f"New_ 100%_2 [{playlist.pk}]"]
    names = {each.name for each in Path(done.path).iterdir()}
    assert names == {"New_ 100%_2.m3u8", "Song 0.mp3", "mine.txt", ".mediasync.json"}


def test_the_file_of_somebody_else_is_left_and_listed_by_its_place(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 1)
    place = Path(exporting.refresh(make_playlist("x")).path).parent / exporting.folder_name(playlist)
    place.mkdir()
    (place / "Song 0.mp3").write_text("not ours")
    exporting.refresh(playlist)
    assert (place / "Song 0.mp3").read_text() == "not ours"
    assert listed(playlist) == [f"{local.container_name}/home/Singer 0/Song 0.mp3"]


def test_songs_whose_files_have_one_name_both_stand_there(local: StorageBackend) -> None:
    songs = make_songs(2)
    store(songs[0], local, "a/Same.mp3")
    store(songs[1], local, "b/same.mp3")
    playlist = make_playlist("List", songs)
    assert links(playlist) == ["Same.mp3", f"same [{songs[1].pk}].mp3"]


def test_of_several_files_the_primary_one_counts_then_the_largest(local: StorageBackend) -> None:
    song = make_songs(1)[0]
    small = store(song, local, "a/small.mp3", b"s")
    store(song, local, "a/large.flac", b"large")
    playlist = make_playlist("List", [song])
    assert links(playlist) == ["large.flac"]
    FileLocation.objects.exclude(pk=small.pk).update(is_primary=False)
    assert links(playlist) == ["small.mp3"]
    FileLocation.objects.filter(pk=small.pk).update(status="inactive")
    assert links(playlist) == ["large.flac"]


def test_what_is_no_music_is_not_missing(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 2, here=1)
    Song.objects.filter(name="Song 1").update(kind="non_music")
    assert exporting.refresh(playlist).missing == 0


def test_hostile_names_stay_in_their_line_and_their_folder(local: StorageBackend, folder: Path) -> None:
    song = make_songs(1)[0]
    Song.objects.filter(pk=song.pk).update(name="a\nb\r#EXTM3U", singers="../x")
    store(song, local, "#1/#1 of us.mp3")
    playlist = make_playlist("../../etc\n/passwd", [song])
    done = exporting.refresh(playlist)
    assert Path(done.path).parent == folder / "netease"
    [file] = Path(done.path).glob("*.m3u8")
    assert file.read_text().splitlines()[2:] == ["#EXTINF:-1,../x - a b #EXTM3U", "./#1 of us.mp3"]


def test_names_that_are_no_text_are_linked_all_the_same(local: StorageBackend) -> None:
    song = make_songs(1)[0]
    name = os.fsencode(local.container_name) + b"/\xff.mp3"
    Path(os.fsdecode(name)).write_bytes(b"x")
    row = store(song, local, "placeholder.mp3", b"x")
    FileLocation.objects.filter(pk=row.pk).update(locator=to_text(b"\xff.mp3"))
    playlist = make_playlist("List", [song])
    assert links(playlist) == ["xff.mp3"]
    assert (Path(exporting.refresh(playlist).path) / "xff.mp3").read_bytes() == b"x"


def test_hard_links_do_where_there_are_no_others(local: StorageBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_symlinks(*_: object) -> None:
        raise PermissionError(1, "no symlinks here")

    monkeypatch.setattr(os, "symlink", no_symlinks)
    playlist = playlist_with_files(local, 1)
    done = exporting.refresh(playlist)
    assert done.changed == 2
    link = Path(done.path) / "Song 0.mp3"
    assert link.samefile(Path(local.container_name, "home/Singer 0/Song 0.mp3")) and not link.is_symlink()
    assert exporting.refresh(playlist).changed == 0


def test_many_at_once_agree(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 5)
    found = lists_out.entries(playlist)
    errors: list[Exception] = []
    path = exporting.refresh(playlist).path

    def fill() -> None:
        try:
            with exporting._alone(os.fsencode(path)):
                for entry in found:
                    name = lists_out.names(found)[entry.song]
                    exporting._link(os.fsencode(path), name, entry.path, ours=True)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=fill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert len(links(playlist)) == 5


def test_it_says_when_it_cannot_write(local: StorageBackend, folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(NeedsOperator) as caught:
        exporting.refresh(playlist_with_files(local, 1))
    assert caught.value.code == "playlists_folder"

"""Two songs may have one file: what is done for one leaves the other its file, and no row lies about a place."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from catalog import dedupe, leaving, presence
from catalog.models import FileLocation, PlaylistSong, Presence, Song, StorageBackend
from tests.catalog import audio
from tests.catalog.downloading import download, files, library, locators, playlist, source
from tests.catalog.stored import store

pytestmark = pytest.mark.django_db
BLUE = audio.mp3("Blue Sky", "Some One", 3)


class Quiet:
    """As much of a context as the trash needs."""

    transaction = staticmethod(transaction.atomic)

    def checkpoint(self) -> None: ...

    def log(self, code: str, **params: object) -> None: ...


def put_away(song: Song) -> int:
    """Let a song leave its lists."""
    PlaylistSong.objects.filter(song=song).delete()
    assert leaving.mark([song.pk]) == 1
    return leaving.put_away(Quiet())


@pytest.fixture
def both(tmp_path: Path) -> tuple[Song, Song]:
    """One song of two platforms, downloaded from one file of our own."""
    audio.write(tmp_path / "songs/blue.mp3", BLUE)
    source("library", "home", folder=str(tmp_path / "songs"))
    library(tmp_path)
    playlist("one", ("Blue Sky", "Some One"))
    playlist("two", ("Blue Sky", "Some One"), platform="qq")
    download()
    assert locators() == ["home/Some One/Blue Sky.mp3"] * 2
    return Song.objects.get(platform="netease"), Song.objects.get(platform="qq")


def test_it_keeps_a_file_that_another_song_has(both: tuple[Song, Song], tmp_path: Path) -> None:
    assert put_away(both[0]) == 1
    assert files(tmp_path) == ["home/Some One/Blue Sky.mp3"]
    states = dict(FileLocation.objects.values_list("file_asset__song__platform", "status"))
    assert states == {"netease": "inactive", "qq": "active"}
    assert put_away(both[1]) == 1
    assert files(tmp_path) == [".mediasync-trash/home/Some One/Blue Sky.mp3"]


def test_it_deletes_no_copy_that_another_song_has(both: tuple[Song, Song], tmp_path: Path) -> None:
    backend = StorageBackend.objects.get()
    row = FileLocation.objects.get(file_asset__song=both[0])
    store(both[0], backend, "a.mp3", BLUE, asset=row.file_asset)  # shorter: this one is kept
    done = dedupe.run()
    assert (done.groups, done.inactive, done.deleted) == (1, 1, 0)
    assert files(tmp_path) == ["a.mp3", "home/Some One/Blue Sky.mp3"]
    assert locators() == ["a.mp3", "home/Some One/Blue Sky.mp3"]


def test_a_new_file_takes_the_place_of_one_that_is_gone(both: tuple[Song, Song], tmp_path: Path) -> None:
    (tmp_path / "library/home/Some One/Blue Sky.mp3").unlink()
    FileLocation.objects.filter(file_asset__song=both[1]).update(status="inactive")
    presence.refresh([both[1].pk])
    audio.write(tmp_path / "songs/blue.mp3", audio.mp3("Blue Sky", "Some One", 4))
    download()  # of the second: it comes to where the file of the first was
    assert files(tmp_path) == ["home/Some One/Blue Sky.mp3"]
    row = FileLocation.objects.get(status="active")
    assert row.file_asset.song == both[1]
    assert list(Presence.objects.values_list("song", flat=True)) == [both[1].pk]

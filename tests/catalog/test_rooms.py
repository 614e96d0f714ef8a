"""Tests for rooms: a full folder is one pause and one question, and all that is left goes to the next one."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog import fetching, rooms
from catalog.downloads import shelf
from catalog.models import StorageBackend
from mediasync.core.errors import Conflict, NeedsOperator, UsageError
from mediasync.core.paths import to_text
from mediasync.jobs.choices import Source
from tests.catalog import audio
from tests.catalog.downloading import download, files, library, playlist, source

TITLES = ["Song one", "Another"]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.forget()
    yield
    shelf.forget()


def stock(tmp_path: Path) -> StorageBackend:
    """Give songs in a folder and a playlist, and an empty library."""
    for title in TITLES:
        audio.write(tmp_path / f"songs/{title}.mp3", audio.mp3(title, "Artist", 1))
    source("library", "home", folder=str(tmp_path / "songs"))
    playlist("all", *((title, "Artist") for title in TITLES))
    return library(tmp_path)


@pytest.mark.django_db
def test_it_takes_a_disk_that_fills_up_while_writing_for_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = stock(tmp_path)

    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "_copy", no_room)
    bench = download()
    assert (bench.job.state, bench.job.reason_code) == ("paused", "disk_full")
    assert rooms.full_room(bench.job) == full
    assert files(tmp_path) == []


@pytest.mark.django_db
def test_it_says_when_a_folder_cannot_be_written(tmp_path: Path) -> None:
    full = stock(tmp_path)
    (tmp_path / "library").rmdir()
    (tmp_path / "library").write_text("a file")
    bench = download()
    assert (bench.job.state, bench.job.reason_code) == ("paused", "library_unusable")
    assert rooms.full_room(bench.job) is None
    with pytest.raises(Conflict):
        rooms.move_on(bench.job, str(tmp_path / "x"), actor="", source=Source.CLI)
    assert bench.job.reason_params["backend"] == full.pk


@pytest.mark.django_db
def test_it_finds_the_folder_that_files_go_to(tmp_path: Path, settings: Any) -> None:
    with pytest.raises(UsageError) as nothing:
        rooms.room()
    assert nothing.value.code == "no_music_folder"
    settings.LIBRARY_DIR = str(tmp_path / "from settings")
    found = rooms.room()
    assert rooms.room() == found and Path(found.container_name).is_dir()
    default = library(tmp_path)
    assert rooms.room() == default
    assert rooms.room(found.pk) == found
    with pytest.raises(UsageError):
        rooms.room(99)


@pytest.mark.django_db
def test_it_makes_one_backend_a_folder(tmp_path: Path) -> None:
    one = rooms.backend_for(str(tmp_path / "音乐"))
    assert rooms.backend_for(f"{tmp_path}//音乐/") == one
    assert rooms.backend_for(str(tmp_path / "音乐2")) != one
    assert (one.kind, one.plugin, one.container_name) == ("local_fs", "local_fs", to_text(bytes(tmp_path / "音乐")))
    for wrong in ("relative", "", "/proc/nothing/here", str(tmp_path / "a" / ".." / "b")):
        with pytest.raises(UsageError):
            rooms.backend_for(wrong)
    assert StorageBackend.objects.count() == 2


@pytest.mark.django_db
def test_it_lets_full_folders_lead_on_and_never_in_a_circle(tmp_path: Path) -> None:
    one, two = library(tmp_path), rooms.backend_for(str(tmp_path / "two"))
    assert rooms.spill(one, two.container_name) == two
    assert rooms.room() == two
    one.refresh_from_db()
    with pytest.raises(Conflict):
        rooms.spill(one, str(tmp_path / "three"))  # a second person was slower
    two.refresh_from_db()
    with pytest.raises(UsageError):
        rooms.spill(two, two.container_name)
    three = rooms.spill(two, str(tmp_path / "three"))
    assert rooms.room() == three
    assert rooms.spill(three, one.container_name) == one  # room was made in the first
    assert rooms.room() == one and rooms.room(two.pk) == one
    StorageBackend.objects.filter(pk=one.pk).update(overflow=three)
    assert rooms.room() in (one, two, three)  # a circle made by hand ends somewhere


@pytest.mark.django_db
def test_it_refuses_another_folder_that_is_full_too(tmp_path: Path) -> None:
    one = library(tmp_path)
    with pytest.raises(UsageError) as full:
        rooms.spill(one, str(tmp_path / "two"), free=lambda folder: 1000)
    assert full.value.code == "also_full"
    one.refresh_from_db()
    assert one.overflow_id is None


@pytest.mark.django_db
def test_it_needs_some_room_to_spare(tmp_path: Path) -> None:
    one = library(tmp_path)
    rooms.need(one, 10, free=lambda folder: 10 + rooms.RESERVE)
    for size in (11, None):
        with pytest.raises(NeedsOperator) as full:
            rooms.need(one, size, free=lambda folder: 10 + rooms.RESERVE)
        assert full.value.params["backend"] == one.pk
    assert rooms.free_bytes(str(tmp_path / "not" / "there")) > 0

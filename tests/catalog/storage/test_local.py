"""A folder of this machine as a place for files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.places import below, path_of, storage_of
from catalog.storage.local import LocalFolder
from mediasync.core.errors import NeedsOperator, Permanent, Stop, UsageError
from mediasync.core.paths import to_text
from tests.catalog.rows import local_backend


def quiet(done: int, total: int | None) -> None:
    """Hear nothing."""


def test_it_stores_a_file_and_gives_it_back(tmp_path: Path) -> None:
    source = tmp_path / "a.mp3"
    source.write_bytes(b"music")
    there = LocalFolder(str(tmp_path / "copies"), {"base_prefix": "m"})
    locator = there.locator("qq/Ä/a b.mp3")
    assert there.put(source, locator, quiet).size == 5
    assert (tmp_path / "copies/m/qq/Ä/a b.mp3").read_bytes() == b"music"
    assert there.exists(locator) == 5
    there.remove(locator)
    there.remove(locator)
    assert there.exists(locator) is None
    assert (there.free() or 0) > 0
    assert str(tmp_path) in there.check()
    assert not list((tmp_path / "copies").glob(".media*"))


def test_it_keeps_bytes_that_are_no_text(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")
    there = LocalFolder(str(tmp_path), {})
    there.put(source, to_text(b"\xff.mp3"), quiet)
    assert os.path.exists(os.fsencode(tmp_path) + b"/\xff.mp3")


def test_it_leaves_nothing_when_it_is_stopped(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(bytes(10))

    def stop(done: int, total: int | None) -> None:
        raise Stop

    with pytest.raises(Stop):
        LocalFolder(str(tmp_path / "there"), {}).put(source, "a", stop)
    assert list((tmp_path / "there").iterdir()) == []


def test_it_asks_a_person_when_the_disk_is_full(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(bytes(10))

    def full(done: int, total: int | None) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(NeedsOperator) as caught:
        LocalFolder(str(tmp_path / "there"), {}).put(source, "a", full)
    assert caught.value.code == "disk_full"


def test_it_says_when_the_folder_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Permanent):
        LocalFolder(str(tmp_path / "gone"), {}).check()
    with pytest.raises(UsageError):
        LocalFolder("not/absolute", {})


@pytest.mark.parametrize("locator", ["", "/a", "a/../../b", "../b", "a//b", ".", "a/./b", "a\0b"])
def test_it_never_leaves_its_folder(locator: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        below(locator)
    with pytest.raises(UsageError):
        LocalFolder(str(tmp_path), {}).path(locator)


@pytest.mark.django_db
def test_a_backend_knows_its_storage_and_where_its_files_are(tmp_path: Path) -> None:
    backend = local_backend(str(tmp_path))
    assert isinstance(storage_of(backend), LocalFolder)
    assert path_of(backend, "a/b.mp3") == f"{tmp_path}/a/b.mp3"
    backend.kind = "object_storage"
    with pytest.raises(UsageError):
        path_of(backend, "a")

"""Tests for songs in a folder: tags are read once, changes are seen, and what is broken stops nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.downloads import library_index, shelf
from catalog.errors import Unavailable
from mediasync.core.errors import Stop, Unreachable, UsageError
from mediasync.core.paths import to_text
from tests.catalog import audio

from .conftest import Make, brought, want


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "music"


def test_it_finds_by_tags_and_by_names(folder: Path, make: Make, part: Path) -> None:
    audio.write(folder / "x/1.mp3", audio.mp3("晴天", "周杰伦", 5, album="叶惠美", isrc="TWK970300101"))
    audio.write(folder / "Some One/Album/01 - No Tags.mp3", audio.mp3("", "", 5))
    source = make("library", {"folder": str(folder)})
    found = source.search(want("晴天", "周杰伦"))
    assert [(each.title, each.artists, each.album, each.isrc) for each in found] == [
        ("晴天", ("周杰伦",), "叶惠美", "TWK970300101")
    ]
    assert (found[0].bitrate, found[0].lossless, found[0].rights_basis) == (128, False, "own-copy")
    assert brought(source, found[0], part) == (folder / "x/1.mp3").read_bytes()
    assert [each.artists for each in source.search(want("No Tags"))] == [("Some One",)]
    assert source.search(want("Sunny", isrc="TWK970300101")) == found
    assert source.search(want("")) == [] == source.search(want("Nothing like it at all"))


def test_it_reads_a_file_again_only_when_it_changed(folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    real = library_index.tags_of
    monkeypatch.setattr(library_index, "tags_of", lambda path: read.append(path) or real(path))
    one = audio.write(folder / "1.mp3", audio.mp3("One", "A"))
    two = audio.write(folder / "2.mp3", audio.mp3("Two", "A"))
    source = make("library", {"folder": str(folder)})
    assert source.search(want("One", "A")) and len(read) == 2
    assert source.search(want("Two", "A")) and len(read) == 2  # from memory
    shelf.forget()
    assert source.search(want("Two", "A")) and len(read) == 2  # from the index
    two.unlink()
    audio.write(one, audio.mp3("Three", "A", 4))
    shelf.forget()
    assert source.search(want("Three", "A")) and not source.search(want("Two", "A"))
    assert len(read) == 3


def test_it_stops_nowhere_for_what_is_broken(folder: Path, make: Make) -> None:
    audio.write(folder / "good.mp3", audio.mp3("Good", "A"))
    audio.write(folder / "bad.flac", b"fLaC nothing")
    audio.write(folder / "empty.mp3", b"")
    (folder / "link.mp3").symlink_to(folder / "nowhere")
    os.mkdir(os.fsencode(folder) + b"/\xff\xfe")
    audio.write(Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe/odd.mp3")), audio.mp3("Odd", "A"))
    audio.write(folder / ".hidden/x.mp3", audio.mp3("Hidden", "A"))
    (folder / "circle").symlink_to(folder)
    source = make("library", {"folder": str(folder)})
    assert source.search(want("Good", "A")) and source.search(want("Odd", "A"))
    assert not source.search(want("Hidden", "A"))
    assert [each.title for each in source.search(want("bad"))] == ["bad"]


def test_it_brings_a_file_whose_name_is_no_utf8(folder: Path, make: Make, part: Path) -> None:
    name = os.fsencode(folder) + b"/\xff.mp3"
    folder.mkdir()
    with open(name, "wb") as file:
        file.write(audio.mp3("Odd", "A"))
    source = make("library", {"folder": to_text(os.fsencode(folder))})
    assert brought(source, source.search(want("Odd", "A"))[0], part) == audio.mp3("Odd", "A")


def test_it_refuses_what_leads_out_of_the_folder(folder: Path, make: Make, part: Path) -> None:
    audio.write(folder / "1.mp3", audio.mp3("One", "A"))
    source = make("library", {"folder": str(folder)})
    candidate = source.search(want("One", "A"))[0]
    for path in ("../data/x", "", "a/../../b"):
        with pytest.raises(Unavailable):
            source.fetch(type(candidate)(source="s", key="k", title="t", opaque={"path": path}), part, None)
    with pytest.raises(UsageError):
        make("library", {"folder": "relative"})


def test_it_waits_for_a_folder_that_is_away(folder: Path, make: Make) -> None:
    source = make("library", {"folder": str(folder)})
    with pytest.raises(Unreachable):
        source.search(want("One"))
    audio.write(folder / "1.mp3", audio.mp3("One", "A"))
    assert source.search(want("One", "A"))


def test_it_stops_when_told_to_and_keeps_what_it_read(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        audio.write(folder / f"{number}.mp3", audio.mp3(f"Song {number}", "A"))
    left = [3]

    def stopping() -> bool:
        left[0] -= 1
        return left[0] < 0

    with pytest.raises(Stop):
        make("library", {"folder": str(folder)}, stopping=stopping).search(want("x"))
    read: list[bytes] = []
    real = library_index.tags_of
    monkeypatch.setattr(library_index, "tags_of", lambda path: read.append(path) or real(path))
    make("library", {"folder": str(folder)}).search(want("x"))
    assert len(read) == 2


def test_it_makes_a_damaged_index_anew(folder: Path, make: Make, tmp_path: Path) -> None:
    audio.write(folder / "1.mp3", audio.mp3("One", "A"))
    make("library", {"folder": str(folder)}).search(want("One"))
    (index,) = (tmp_path / "data/indexes").glob("*.sqlite3")
    index.write_bytes(b"not a database" * 1000)
    shelf.forget()
    assert make("library", {"folder": str(folder)}).search(want("One", "A"))


def test_it_searches_many_titles_fast(make: Make) -> None:
    names = ["晴天", "Blue Sky", "Thunder", "Hello", "后来", "Time"]
    found = [shelf.Candidate("s", str(i), f"{names[i % 6]} {i * 7919 % 99991}", ("A",)) for i in range(50_000)]
    many = shelf.Shelf(found)
    began = time.perf_counter()
    for number in range(20):
        assert len(many.search(want(f"Blue Skies {number}", "A"), 10)) == 10
    assert time.perf_counter() - began < 20  # 0.05 s each here

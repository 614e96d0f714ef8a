"""Answers and folders that mean no good: no download stops the others, hangs, or asks for room that nobody needs."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from catalog import reviews
from catalog.downloads import library_index
from catalog.models import Review
from mediasync.core.errors import Transient
from tests.catalog import audio
from tests.catalog.downloading import download, library, locators, playlist, source

from .test_external import command

SONG = audio.mp3("Blue Sky", "Some One", 3)


def test_it_opens_nothing_but_files(tmp_path: Path) -> None:
    audio.write(tmp_path / "music/Some One - Blue Sky.mp3", SONG)
    os.mkfifo(tmp_path / "music/pipe.mp3")
    (tmp_path / "music/folder.mp3").symlink_to(tmp_path)
    (tmp_path / "music/device.mp3").symlink_to("/dev/zero")
    found = list(library_index.songs_of(str(tmp_path / "music"), "here"))
    assert [each.key for each in found] == ["Some One - Blue Sky.mp3"]


def test_it_makes_a_damaged_index_anew(tmp_path: Path) -> None:
    for number in range(200):
        audio.write(tmp_path / f"music/{number} {'x' * 60}.mp3", SONG)
    folder = str(tmp_path / "music")
    assert len(list(library_index.songs_of(folder, "here"))) == 200
    index = library_index._file(folder)
    data = bytearray(index.read_bytes())
    for start, why in ((4096, "within"), (0, "from its beginning")):
        data[start:] = b"\xff" * (len(data) - start)
        index.write_bytes(data)
        assert len(list(library_index.songs_of(folder, "here"))) == 200, why


def test_it_says_that_an_index_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio.write(tmp_path / "music/a.mp3", SONG)
    folder = str(tmp_path / "music")
    list(library_index.songs_of(folder, "here"))
    monkeypatch.setattr(library_index, "TIMEOUT", 0)
    with closing(sqlite3.connect(library_index._file(folder))) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Transient, match="locked"):
            list(library_index.songs_of(folder, "here"))
    assert len(list(library_index.songs_of(folder, "here"))) == 1


@pytest.fixture
def says(tmp_path: Path) -> Callable[[str], None]:
    """Let a command be a source that answers a search with one candidate that has these facts too."""

    def say(facts: str) -> None:
        answer = tmp_path / "answer.json"
        answer.write_text('{"candidates": [{"key": "k", "title": "Blue Sky", ' + facts + "}]}")
        source("external_command", "tool", **command(tmp_path, f"print(open({str(answer)!r}).read())"))
        library(tmp_path)
        playlist("all", ("Blue Sky", "Some One"))

    return say


ODD = (
    *('"size": 1e300', '"size": 1e999', '"size": -5', '"size": 900000000000000'),
    *('"duration": NaN', '"bitrate": -1e999', '"bitrate": -5'),
)


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD)
def test_it_believes_no_numbers_that_cannot_be(says: Callable[[str], None], tmp_path: Path, odd: str) -> None:
    audio.write(tmp_path / "songs/blue.mp3", SONG)
    says(f'"exact": true, {odd}')
    source("library", "home", order=2, folder=str(tmp_path / "songs"))
    assert (download().ending, locators()) == ("done", ["home/Some One/Blue Sky.mp3"])


@pytest.mark.django_db
@pytest.mark.parametrize("size", [10**10, 10**15])
def test_it_asks_for_no_room_for_what_is_too_large(says: Callable[[str], None], size: int) -> None:
    says(f'"exact": true, "size": {size}')
    bench = download()
    assert bench.facts("Blue Sky") == ("failed", "none_worked")
    assert "candidate_failed" in bench.codes()


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ['"duration": NaN', '"album": "a\\u0000b"', '"opaque": {"a": 1e999, "b": "\\ud800"}'])
def test_it_writes_down_odd_weak_matches(says: Callable[[str], None], odd: str) -> None:
    says(f'"artists": [], {odd}')
    assert download().facts("Blue Sky") == ("failed", "weak_match")
    saved = json.dumps(Review.objects.get().candidate)
    assert not [each for each in ("NaN", "Infinity", "\\u0000") if each in saved]


@pytest.mark.django_db
def test_a_person_settles_what_has_a_long_key_too(says: Callable[[str], None], tmp_path: Path) -> None:
    says(f'"artists": [], "key": "{"k" * 3000}"')
    assert download().facts("Blue Sky") == ("failed", "weak_match")
    reviews.never(Review.objects.get(), "me")
    assert download().facts("Blue Sky") == ("failed", "song_not_found")

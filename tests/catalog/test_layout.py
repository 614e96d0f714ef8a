"""Tests for layout: every name is one that every system takes."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.layout import LAYOUTS, locators, name_of
from mediasync.core.errors import UsageError
from mediasync.core.paths import to_bytes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AC/DC", "AC_DC"),
        ("Wait...", "Wait"),
        ("...And Justice", "And Justice"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Conan", "Conan"),
        ("", "Unknown"),
        ("...", "Unknown"),
        ("\x00\x1b", "Unknown"),
        ("  a \t b\n", "a b"),
        ("café".encode().decode(), "café"),
        ("cafe\u0301", "caf\u00e9"),
        ('What? "Yes": <no>|*', "What_ _Yes_ _no_"),
        ("..\\..\\etc", "_.._etc"),
        ("🎵 音乐", "🎵 音乐"),
        ("\U0010dc80x", "_x"),
        ("a\nb", "a b"),
        ("\u202egnp.exe", "gnp.exe"),
    ],
)
def test_it_makes_a_name(text: str, name: str) -> None:
    assert name_of(text) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_it_makes_a_name_of_anything(text: str) -> None:
    name = name_of(text)
    assert name and name not in (".", "..") and "/" not in name and "\\" not in name
    assert len(to_bytes(name)) <= 255 - 40
    assert not name.endswith((".", " "))
    assert name_of(name) == name


def all_of(**changes: object) -> list[str]:
    facts: dict[str, object] = {
        "source": "home", "artist": "周杰伦", "album": "叶惠美", "title": "晴天", "ext": ".MP3", "quality": "320k",
        "song": 7, "checksum": "sha256:0123456789", "layout": "platform_first_artist",
    }  # fmt: skip
    return list(locators(**(facts | changes)))  # type: ignore[arg-type]


def test_it_marks_what_is_taken_with_quality_and_number() -> None:
    marks = ["", " [320k]", " [320k 7]", " [320k 7 01234567]"]
    assert all_of() == [f"home/周杰伦/晴天{mark}.mp3" for mark in marks]
    assert all_of(layout="first_artist_album", album="")[0] == "周杰伦/Unknown/晴天.mp3"
    assert all_of(layout="first_artist", artist="")[0] == "Unknown/晴天.mp3"
    assert [each.rpartition("/")[2] for each in all_of(quality="")] == [
        "晴天.mp3",
        "晴天 [7].mp3",
        "晴天 [7 01234567].mp3",
    ]


def test_it_refuses_a_layout_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="platform_first_artist"):
        all_of(layout="nice")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("title", ["长" * 300, "x" * 300, "👨‍👩‍👧" * 100, "é" * 300])
def test_it_makes_names_that_the_disk_takes(tmp_path: Path, layout: str, title: str) -> None:
    for locator in all_of(title=title, artist=title, album=title, layout=layout):
        path = os.path.join(os.fsencode(tmp_path), to_bytes(locator))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
        assert unicodedata.normalize("NFC", locator) == locator

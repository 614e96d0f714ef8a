"""Tests for what names of files say of songs."""

from __future__ import annotations

import pytest

from catalog.downloads.names import guess, is_song


@pytest.mark.parametrize(
    ("path", "title", "artists", "album"),
    [
        ("Artist/Album/01 - Title.mp3", "Title", ("Artist",), "Album"),
        ("Artist/Album/1-01 Title.mp3", "Title", ("Artist",), "Album"),
        ("Artist/Album/01. Title.flac", "Title", ("Artist",), "Album"),
        ("Artist - Title.mp3", "Title", ("Artist",), ""),
        ("01 - Artist - Title.mp3", "Title", ("Artist",), ""),
        ("周杰伦/晴天.mp3", "晴天", ("周杰伦",), ""),
        ("Title.mp3", "Title", (), ""),
        ("99.mp3", "99", (), ""),
        ("A/B/1979.mp3", "1979", ("A",), "B"),
        ("a_b_c.mp3", "a b c", (), ""),
        ("home/One/Hello [128k].mp3", "Hello", ("home",), "One"),
        ("7 Years.mp3", "Years", (), ""),  # nobody can tell; the score does not mind much
        ("", "", (), ""),
        (" - .mp3", "-", (), ""),
    ],
)
def test_it_guesses(path: str, title: str, artists: tuple[str, ...], album: str) -> None:
    assert guess(path) == (title, artists, album)


def test_it_knows_songs_by_their_extension() -> None:
    assert is_song("a/b.MP3") and is_song("x.flac")
    assert not is_song("a/.hidden.mp3") and not is_song("cover.jpg") and not is_song("mp3")

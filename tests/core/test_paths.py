"""The bridge between names on disk and stored text loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mediasync.core import paths


@given(st.binary(max_size=60))
@example("\U0010dc80".encode())
@example(b"\xff\xfe caf\xc3\xa9 \n")
def test_every_name_survives_the_round_trip(name: bytes) -> None:
    text = paths.to_text(name)
    text.encode("utf-8")  # storable: no lone surrogates
    assert paths.to_bytes(text) == name


def test_it_shows_foreign_bytes_and_newlines_as_escapes() -> None:
    assert paths.for_people(paths.to_text(b"a\xff\nb")) == "a\\xff\\x0ab"


@pytest.mark.parametrize(("raw", "clean"), [("/a//b/", "/a/b"), ("/", "/"), ("/a/./b", "/a/b")])
def test_it_normalises(raw: str, clean: str) -> None:
    assert paths.normalise(raw) == clean


@pytest.mark.parametrize("bad", ["a/b", "", "/a/../b"])
def test_it_refuses_relative_paths_and_dots(bad: str) -> None:
    with pytest.raises(ValueError, match=r"path"):
        paths.normalise(bad)


def test_it_compares_whole_components() -> None:
    assert paths.is_within("/tv/show", "/tv")
    assert not paths.is_within("/tv2/show", "/tv")
    assert paths.relative("/tv/show", "/tv") == "show"
    assert paths.join("/tv", "") == "/tv"

"""Paths of other machines."""

from __future__ import annotations

import pytest

from mediasync.core import foreign


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("/a//b/./c/", "/a/b/c"),
        ("/", "/"),
        ("d:/Media//x", "D:\\Media\\x"),
        ("D:\\", "D:\\"),
        ("D:", "D:\\"),
        ("\\\\nas\\share\\\\x\\", "\\\\nas\\share\\x"),
        ("/a\\b", "/a\\b"),
    ],
)
def test_it_writes_a_path_one_way(raw: str, clean: str) -> None:
    assert foreign.normalise(raw) == clean
    assert foreign.normalise(clean) == clean


@pytest.mark.parametrize("raw", ["", "a/b", "C:x", "/a/../b", "D:\\..\\x"])
def test_it_refuses_what_is_not_absolute(raw: str) -> None:
    with pytest.raises(ValueError, match=r"absolute|\.\."):
        foreign.normalise(raw)


@pytest.mark.parametrize(
    ("path", "top", "within"),
    [
        ("/115/Pub/x", "/115/Pub", True),
        ("/115/Pub", "/115/Pub/", True),
        ("/115/Public2", "/115/Pub", False),
        ("/Media/x", "/media", False),
        ("d:\\MEDIA\\x", "D:/Media", True),
        ("\\\\NAS\\tv\\x", "\\\\nas\\TV", True),
        ("/anything", "/", True),
        ("D:\\x", "/", False),
    ],
)
def test_it_compares_whole_components(path: str, top: str, within: bool) -> None:
    assert foreign.is_within(path, top) is within


def test_it_keeps_the_spelling_below_the_top() -> None:
    assert foreign.split("D:\\media\\TV\\Ä").below(foreign.split("d:/MEDIA")) == ("TV", "Ä")
    assert foreign.split("D:\\media").parent == foreign.split("D:")

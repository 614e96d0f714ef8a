"""What values and paths mean, and which are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanup.plexdata import layout

HASH = "a" + "0123456789abcdef01234567" + "b" * 15
BUNDLE = f"Metadata/Movies/a/{HASH[1:]}.bundle"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ("empty", "")),
        ("", ("empty", "")),
        ("metadata://posters/a_b", ("metadata", "posters/a_b")),
        ("METADATA://posters/a_b", ("metadata", "posters/a_b")),
        ("metadata://seasons/3/posters/x", ("metadata", "seasons/3/posters/x")),
        ("upload://posters/x", ("upload", "posters/x")),
        ("media://a/b.bundle/Contents/Art/art1.jpg", ("media", "a/b.bundle/Contents/Art/art1.jpg")),
        ("https://x/1.jpg", ("http", "https://x/1.jpg")),
        ("HTTP://x/1.jpg", ("http", "HTTP://x/1.jpg")),
        ("metadata://../x", ("other", "metadata://../x")),
        ("metadata:///etc/passwd", ("other", "metadata:///etc/passwd")),
        ("upload://posters//x", ("other", "upload://posters//x")),
        ("metadata://posters/a\0b", ("other", "metadata://posters/a\0b")),
        ("/library/metadata/1/thumb", ("other", "/library/metadata/1/thumb")),
        ("file:///etc/passwd", ("other", "file:///etc/passwd")),
        ("metadata", ("other", "metadata")),
    ],
)
def test_it_reads_values(value: str | None, expected: tuple[str, str]) -> None:
    assert layout.parse(value) == expected


@pytest.mark.parametrize(
    ("rel", "key"),
    [
        ("Contents/_combined/posters/a_b", "metadata:posters/a_b"),
        ("Contents/_stored/posters/a_b", "metadata:posters/a_b"),
        ("Contents/com.agent/posters/b", "metadata:posters/com.agent_b"),
        ("Contents/com.agent/seasons/1/posters/b", "metadata:seasons/1/posters/com.agent_b"),
        ("Contents/_combined/seasons/1/posters/a_b", "metadata:seasons/1/posters/a_b"),
        ("Uploads/posters/b", "upload:posters/b"),
        ("Uploads/posters/seasons/1/b", "upload:posters/seasons/1/b"),
        ("Contents/_combined/Info.xml", "metadata:Info.xml"),
        ("Contents/com.agent/Info.xml", ""),
        ("Contents/_combined", ""),
        ("Contents", ""),
        ("Uploads", ""),
        ("Other/posters/x", ""),
        ("", ""),
    ],
)
def test_it_names_files_as_columns_do(rel: str, key: str) -> None:
    assert layout.key_of(rel) == key


def test_it_keeps_the_escaped_and_the_plain_form() -> None:
    assert list(layout.keys("upload://posters/a%20b")) == ["upload:posters/a%20b", "upload:posters/a b"]
    assert list(layout.keys("upload://posters/%2e%2e/b")) == ["upload:posters/%2e%2e/b", "upload:b"]
    assert list(layout.keys("https://x")) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Metadata",
        "Metadata/Movies/a",
        f"Metadata/Films/a/{HASH[1:]}.bundle",
        f"Metadata/Movies/../Movies/a/{HASH[1:]}.bundle",
        f"Metadata/Movies/zz/{HASH[1:]}.bundle",
        f"Metadata/Movies/A/{HASH[1:]}.bundle",
        f"Metadata/Movies/a/{HASH[2:]}.bundle",
        f"Metadata/Movies/a/{HASH[1:].upper()}.bundle",
        f"Metadata/Movies/a/{HASH[1:]}.bundle\n",
        f"Metadata/Movies/a\n/{HASH[1:]}.bundle",
        f"Metadata/Movies/a/{HASH[1:]}",
        f"/{BUNDLE}",
        f"{BUNDLE}/../x",
        f"{BUNDLE}//x",
        f"Media/a/{HASH[1:]}.bundle",
        f"Media/localhost/a/b/{HASH[1:]}.bundle",
        f"media/localhost/a/{HASH[1:]}.bundle",
    ],
)
def test_it_takes_nothing_else_for_a_bundle(path: str) -> None:
    assert layout.place_of(path) is None


def test_it_finds_the_bundle_of_a_path() -> None:
    assert layout.place_of(BUNDLE) == ("Metadata", "Movies", HASH, "")
    assert layout.place_of(f"{BUNDLE}/Contents/x") == ("Metadata", "Movies", HASH, "Contents/x")
    media = f"Media/localhost/a/{HASH[1:]}.bundle"
    assert layout.place_of(f"{media}/Contents/Art/art1.jpg") == (layout.MEDIA, "", HASH, "Contents/Art/art1.jpg")
    assert layout.media_path(f"{media}/x") == f"a/{HASH[1:]}.bundle/x"
    assert layout.bundle_path(layout.METADATA, "Movies", HASH) == BUNDLE
    assert layout.bundle_path(layout.MEDIA, "", HASH) == media


@pytest.mark.parametrize(
    ("part", "folder", "bundle"),
    [
        ("Metadata", "", HASH),
        ("Metadata", "Films", HASH),
        ("Media/localhost", "Movies", HASH),
        ("Cache", "", HASH),
        ("Metadata", "Movies", HASH[1:]),
        ("Metadata", "Movies", "../" + HASH[3:]),
        ("Metadata", "Movies", HASH + "\n"),
    ],
)
def test_it_makes_no_other_path(part: str, folder: str, bundle: str) -> None:
    with pytest.raises(ValueError, match="not a bundle"):
        layout.bundle_path(part, folder, bundle)


@given(st.text(), st.text(max_size=60))
def test_no_path_of_a_place_climbs(head: str, tail: str) -> None:
    for path in (head, f"{BUNDLE}/{tail}", f"Metadata/{head}/{tail}"):
        place = layout.place_of(path)
        if place:
            assert layout.bundle_path(place.part, place.folder, place.bundle) == "/".join(path.split("/")[:4])
            assert ".." not in place.rel.split("/")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("../../_stored/posters/a", "Contents/_stored/posters/a"),
        ("b", "Contents/_combined/posters/b"),
        ("../../../../x", ""),
        ("../../../../../../../etc/passwd", ""),
        ("/etc/passwd", ""),
        ("../../..", "."),
    ],
)
def test_it_follows_links_in_thought_only(target: str, found: str) -> None:
    assert layout.link_target("Contents/_combined/posters/a", target) == found


def test_an_agent_may_have_an_underscore() -> None:
    assert layout.agent_and_digest("com.my_agent_123") == ("com.my_agent", "123")
    assert layout.agent_and_digest("123") == ("", "123")

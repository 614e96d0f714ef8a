"""Addresses: found in taggings and in XML, proven by the digest, and not taken from where they may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanup.plexdata import database, index, infoxml, places, sources
from cleanup.plexdata.index import Item
from cleanup.plexdata.safe import Root
from cleanup.plexdata.sources import Source, Sources
from tests.cleanup.plexfolder import sample as samples
from tests.cleanup.plexfolder.builder import sha1

Of = Callable[[str, str], Source | None]


@pytest.fixture
def sample(tmp_path: Path) -> samples.Sample:
    return samples.make(tmp_path)


@pytest.fixture
def of(sample: samples.Sample) -> Iterator[Of]:
    """Ask for (name of the owner of the bundle, name of the item), by its thumb."""
    data = places.resolve(str(sample.folder))
    con = database.open_ro(data.database)
    schema = database.probe(con)
    found = index.build(con, schema)
    with Root(data.root) as root:
        asked = Sources(con, schema, root)

        def ask(owner: str, which: str, column: str = "user_thumb_url") -> Source | None:
            made, item = sample.items[owner], sample.items[which]
            [row] = [each for each in found.items(made.hash) if each.id == item.id]
            return asked.of(made.bundle, row, row.values[column] or "")

        yield ask
    con.close()


@pytest.mark.parametrize(
    ("owner", "item", "picture"),
    [
        ("film", "film", "film poster"),
        ("show", "show", "show poster"),
        ("show", "season", "season poster"),
        ("show", "episode", "episode thumb"),
        ("artist", "artist", "artist poster"),
    ],
)
def test_modern_agents_tell_by_taggings(owner: str, item: str, picture: str, sample: samples.Sample, of: Of) -> None:
    assert of(owner, item) == Source(sample.urls[picture], "taggings", True)


@pytest.mark.parametrize(
    ("owner", "item", "picture"),
    [
        ("legacy film", "legacy film", "stored"),
        ("legacy show", "legacy show", "show"),
        ("legacy show", "legacy season", "season"),
        ("legacy show", "legacy episode", "episode"),
        ("windows film", "windows film", "hard"),
    ],
)
def test_older_agents_tell_by_xml(owner: str, item: str, picture: str, sample: samples.Sample, of: Of) -> None:
    assert of(owner, item) == Source(sample.legacy[picture].url, "info_xml", True)


def test_what_has_no_address_has_none(of: Of) -> None:
    assert of("album", "album") is None, "embedded"
    assert of("legacy film", "legacy film", "user_banner_url") is None, "kept in _stored only"
    assert of("show", "season 2") is None, "an upload"
    assert of("done", "done") is None, "it has an address already"


def test_a_preview_has_the_address_of_the_image(sample: samples.Sample, of: Of) -> None:
    assert of("legacy film", "legacy film", "user_art_url") == Source(sample.legacy["preview"].url, "info_xml", True)


def test_the_agents_own_xml_is_asked_when_combined_is_silent(sample: samples.Sample, of: Of) -> None:
    combined = sample.folder / sample.items["legacy film"].bundle / "Contents/_combined/Info.xml"
    combined.write_text("<Movie><posters/>")
    assert of("legacy film", "legacy film") == Source(sample.legacy["stored"].url, "info_xml", True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not XML",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><Movie><posters><item url='&a;' media='x'/></posters></Movie>",
        b"<!doctype Movie><Movie/>",
        "<!DOCTYPE x><Movie/>".encode("utf-16"),
        b"<Movie><posters><item",
    ],
)
def test_strange_xml_says_nothing(content: bytes, sample: samples.Sample, of: Of) -> None:
    film = sample.items["legacy film"].bundle
    for xml in (sample.folder / film / "Contents").rglob("Info.xml"):
        xml.write_bytes(content)
    assert of("legacy film", "legacy film") is None
    with pytest.raises(ValueError, match=r"."):
        infoxml.parse(content)


def test_a_link_in_place_of_xml_is_not_read(sample: samples.Sample, of: Of) -> None:
    film = sample.folder / sample.items["legacy film"].bundle / "Contents"
    for number, xml in enumerate(list(film.rglob("Info.xml"))):
        xml.rename(sample.outside / f"{number}.xml")
        xml.symlink_to(sample.outside / f"{number}.xml")
    assert of("legacy film", "legacy film") is None


def one(value: str, url: str, *, later: str = "") -> Source | None:
    """Ask a database whose only tagging (and a ``later`` one) offers ``url`` for ``value``."""
    import apsw

    con = apsw.Connection(":memory:")
    con.execute("CREATE TABLE taggings (id INTEGER PRIMARY KEY, metadata_item_id, text, thumb_url)")
    for each in filter(None, (url, later)):
        con.execute("INSERT INTO taggings (metadata_item_id, text, thumb_url) VALUES (1, ?, ?)", (each, value))
    tables = {"taggings": frozenset({"metadata_item_id", "text", "thumb_url"})}
    schema = database.Schema(("user_thumb_url",), {}, tables, {}, "none", False, 0, "")
    with Root("/proc/self/fdinfo") as root:
        item = Item(1, 1, 1, None, None, "", "", "", "", {"user_thumb_url": value})
        return Sources(con, schema, root).of("Metadata/Movies/a/x.bundle", item, value)


def test_a_proven_address_is_taken_before_another() -> None:
    right = "https://x/right.jpg"
    value = f"metadata://posters/agent_{sha1(right)}"
    assert one(value, "https://x/wrong.jpg", later=right) == Source(right, "taggings", True)
    assert one(value, "https://x/wrong.jpg") == Source("https://x/wrong.jpg", "taggings", False)


NO_WEB = ["", "ftp://x/1.jpg", "javascript:alert(1)", "https://", "https:///x", "//x/1.jpg", "https://[x/1"]
NO_WEB += ["https://x/a b", "https://x/\n1", "metadata://posters/x", "upload://posters/x", "/library/metadata/1/thumb"]


@pytest.mark.parametrize("url", NO_WEB)
def test_only_web_addresses_are_addresses(url: str) -> None:
    assert one(f"metadata://posters/agent_{sha1(url)}", url) is None


@given(st.text())
def test_a_digest_proves_one_address_only(url: str) -> None:
    digest = sha1("https://x/1.jpg")
    assert sources.proves(url, digest) == (url == "https://x/1.jpg")


@settings(deadline=None)
@given(st.one_of(st.from_regex(sources.PLAIN, fullmatch=True), st.from_regex(r"https?://[!-~]{0,20}", fullmatch=True)))
def test_the_short_way_knows_only_whole_addresses(url: str) -> None:
    if sources.PLAIN.fullmatch(url):
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https") and parts.hostname and url.isprintable() and " " not in url

"""Folders of libraries that are not there, and how far a library has come."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from cleanup import coverage, libraries, preflight
from cleanup.libraries import Location
from cleanup.models import PlexFolder
from tests.cleanup.planned import reading
from tests.cleanup.plexfolder import schema
from tests.cleanup.plexfolder.builder import PlexBuilder
from tests.cleanup.plexfolder.sample import Sample, make


@pytest.mark.parametrize(
    ("available", "path", "elsewhere", "lacks"),
    [
        ("t", "full", False, False),
        (1, "full", False, False),
        ("f", "full", False, True),
        (0, "full", True, True),
        ("t", "empty", False, True),
        ("t", "none", False, True),
        ("t", "none", True, False),
        (None, "full", False, False),
    ],
)
def test_it_tells_which_folders_lack(tmp_path: Path, available: Any, path: str, elsewhere: bool, lacks: bool) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/film.mkv").touch()
    (tmp_path / "empty").mkdir()
    plex = PlexBuilder(tmp_path / "plex")
    plex.item(1, "Film")
    number = plex.section("Films")
    plex.row("section_locations", library_section_id=number, root_path=str(tmp_path / path), available=available)
    with reading(plex.finish()) as source:
        found = libraries.locations(source.con, source.schema)
    assert bool(libraries.missing(found, elsewhere)) is lacks


def test_a_folder_that_hangs_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang(path: bytes) -> None:
        gate.wait(60)
        raise OSError(path)

    monkeypatch.setattr(libraries.os, "scandir", hang)
    assert not libraries.present("/anything", wait=0.01)
    gate.set()


def test_orphans_stay_where_the_missing_library_keeps_its_bundles() -> None:
    assert libraries.spared([]) == ()
    assert libraries.spared([Location(1, 8, "/music", False)]) == (
        *("Albums", "Artists", "Collections"),
        *("Media", "Playlists"),
    )
    assert "Movies" in libraries.spared([Location(1, 77, "/x", False)])  # of a type that nobody knows: everywhere


def test_coverage_counts_what_the_seed_counts_and_nulls_too(tmp_path: Path) -> None:
    plex = PlexBuilder(tmp_path / "plex")
    plex.section("Films")
    for thumb, art in (
        ("http://x/1", None),
        ("https://x/2", "https://x/3"),
        ("metadata://posters/a", ""),
        (None, None),
    ):
        plex.item(1, f"{thumb}", thumb=thumb, art=art)
    plex.item(12, "Extra", thumb="https://x/4")
    plex.item(18, "Collection", thumb="upload://posters/x", art="media://0/x")
    with reading(plex.finish()) as source:
        found = coverage.measure(source.con, source.schema)
    (films,) = found["libraries"]
    none = dict.fromkeys(("http", "metadata", "upload", "media", "empty", "other"), 0)
    assert films["name"] == "Films" and films["items"] == 5
    assert films["columns"]["thumb"] == {**none, "http": 2, "metadata": 1, "upload": 1, "empty": 1}
    assert films["columns"]["art"] == {**none, "http": 1, "media": 1, "empty": 3}
    assert found["left"] == {"thumb": 2, "art": 3} and not found["done"]
    assert coverage.share(films["columns"]["thumb"], "http") == 0.4


@pytest.mark.parametrize("name", ["schema_2025.sql", "schema_2020.sql", ""])
def test_it_measures_and_looks_with_any_schema(tmp_path: Path, name: str) -> None:
    script = schema.fixture(name) if name else schema.own("G1", schema.OLD)
    if script is None:
        pytest.skip(f"{name} is not there")
    made = make(tmp_path, script)
    with reading(made.folder) as source:
        found = coverage.measure(source.con, source.schema)
    assert {each["name"] for each in found["libraries"]} == {"Films", "Shows", "Music"}
    assert found["left"]["thumb"] == sum(
        1 for row in made.plex.rows["metadata_items"]
        if row["metadata_type"] <= 4 and not str(row.get("user_thumb_url", "")).startswith("http")
    )  # fmt: skip
    facts = preflight.look(PlexFolder(name="x", path=str(made.folder)))
    assert facts["refused"] == [] and facts["database"]["columns"] and facts["libraries"] == 3


def test_preflight_says_what_is_there(tmp_path: Path) -> None:
    made: Sample = make(tmp_path)
    facts = preflight.look(PlexFolder(name="x", path=str(made.folder)), lambda: {"running": True})
    assert facts["plex"] == {"running": True} and facts["refused"] == []
    assert facts["parts"]["Metadata/Artists"] == {"bundles": 2} and facts["parts"]["Media"]["bundles"] == 4
    assert facts["database"]["generation"] == "G2" and facts["disk"]["free"] > 0
    assert [each["path"] for each in facts["missing"]] == [str(tmp_path / "media")] * 3  # empty: not mounted
    assert facts["warnings"][0][0] == "cleanup_library_missing"
    sizes = preflight.sizes(preflight.places.resolve(str(made.folder)))
    assert sizes["Cache"]["files"] == 4 and sizes["Metadata/Movies"]["upload_files"] == 9
    assert sizes["Media"]["bytes"] > 0


def test_preflight_says_why_it_refuses(tmp_path: Path) -> None:
    assert preflight.look(PlexFolder(name="x", path=str(tmp_path / "none")))["refused"][0][0] == "plex_folder_missing"
    plex = PlexBuilder(tmp_path / "plex")
    plex.database.parent.mkdir(exist_ok=True)
    plex.database.write_bytes(b"no database at all" * 100)
    facts = preflight.look(PlexFolder(name="x", path=str(plex.path)))
    assert facts["refused"][0][0].startswith("plex_database") and facts["root"]
    bad = PlexFolder(name="x", path=str(plex.path), policy={"nonsense": 1})
    assert preflight.look(bad)["refused"][0][0] == "bad_policy"

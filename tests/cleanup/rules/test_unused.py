"""C1: what nobody selected may go; what a selected picture needs may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cleanup.choices import Action, Klass
from cleanup.plexdata import walk
from cleanup.plexdata.layout import COMBINED
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.legacy import image, info
from tests.cleanup.plexfolder.sample import Sample


def test_it_finds_the_unused_of_new_and_old_agents(made: Sample) -> None:
    found = plan(made.folder, ["movie:1", "show:1", "music:1"])
    old = made.legacy
    assert found.paths(Klass.UNUSED) == {
        *(made.paths[name] for name in ("film poster unused", "film art unused", "film logo unused")),
        *(made.paths[name] for name in ("show poster unused", "season bundle file", "none", "dangling")),
        made.paths["escaping link"],  # the link itself
        *(old["unused"].link, old["unused"].file, old["other season"].link, old["other season"].file),
        *(old["hard unused"].link, old["hard unused"].file),
    }


def test_it_keeps_what_the_selected_link_leads_to(made: Sample) -> None:
    found = plan(made.folder, ["all"], columns=[]).paths()
    for name in ("stored", "preview", "external", "show", "season", "episode", "hard"):
        each = made.legacy[name]
        assert not found & {each.link, each.file, each.stored}, name


def test_xml_and_foreign_names_stay(made: Sample) -> None:
    found = plan(made.folder).paths()
    assert not found & {path for name, path in made.paths.items() if name.startswith(("legacy xml", "foreign"))}
    assert not found & {made.paths[name] for name in ("half written", "prefix zz", "prefix dots", "upper")}
    assert not [path for path in found if path.endswith(".xml")]


def test_a_name_of_the_database_in_any_table_keeps_a_file(made: Sample) -> None:
    assert made.paths["tag poster"] not in plan(made.folder).paths()


def test_a_link_to_another_name_keeps_that(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    name = f"posters/agent_{sha1('a')}"
    odd = plex.file(f"{film.bundle}/Contents/_stored/art/agent_{sha1('elsewhere')}")
    middle = plex.link(f"{film.bundle}/Contents/_stored/banners/agent_{sha1('m')}", f"../art/agent_{sha1('elsewhere')}")
    plex.link(f"{film.bundle}/{COMBINED}/{name}", f"../../_stored/banners/agent_{sha1('m')}")
    plex.set(film, thumb=f"metadata://{name}")
    assert not plan(plex).paths() & {odd, middle}


def test_a_linked_folder_keeps_what_is_in_it(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    real = plex.file(f"{film.bundle}/Contents/_stored/art/agent_{sha1('a')}")
    (plex.path / film.bundle / "Contents/_combined").mkdir()
    plex.link(f"{film.bundle}/{COMBINED}/posters", "../_stored/art")
    plex.set(film, thumb=f"metadata://posters/agent_{sha1('a')}")
    assert real not in plan(plex).paths()


def test_a_second_name_of_a_selected_file_stays(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    path, value = plex.modern(film, "posters", "https://x.example/1.jpg")
    other = plex.hard_link(f"{film.bundle}/{COMBINED}/art/agent_{sha1('other')}", path)
    plex.set(film, thumb=value)
    assert other not in plan(plex, columns=[]).paths()


def test_a_link_that_is_no_picture_keeps_its_target(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    path, _value = plex.modern(film, "posters", "https://x.example/1.jpg")
    plex.link(f"{film.bundle}/Contents/_combined/extras/odd", f"../posters/{path.rpartition('/')[2]}")
    assert path not in plan(plex).paths()


def test_a_link_from_another_bundle_is_noted(plex: PlexBuilder) -> None:
    film, other = plex.item(1, "Film"), plex.item(1, "Other")
    path, _value = plex.modern(film, "posters", "https://x.example/1.jpg")
    name = f"posters/agent_{sha1('a')}"
    plex.link(f"{other.bundle}/{COMBINED}/{name}", f"../../../../../../../{path}")
    plex.link(f"{other.bundle}/{COMBINED}/art/agent_{sha1('b')}", str(plex.path / path))
    plex.set(other, thumb=f"metadata://{name}")
    assert plan(plex).found.outward == [path, path]  # what the last step of a plan then spares


def test_it_leaves_what_is_newer_than_the_database(made: Sample) -> None:
    begun = (made.folder / made.paths["film poster unused"]).stat().st_mtime_ns - 1
    found = plan(made.folder, ["movie:1"], now_ns=begun)
    assert not found.drafts and found.kept["young"]


def test_space_of_several_names_counts_once_and_only_if_all_go(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    every = image(plex, film, "posters", "https://x.example/1.jpg", windows=True)
    part = image(plex, film, "posters", "https://x.example/2.jpg", windows=True)
    plex.hard_link(f"{film.bundle}/Contents/kept", part.file)
    info(plex, film, [every, part])
    found = {each.path: each.blocks for each in plan(plex, ["movie:1"]).drafts if each.action == Action.FILE}
    assert sorted([found[every.link], found[every.file]])[0] == 0 < max(found[every.link], found[every.file])
    assert part.link not in found  # a name of it is no picture: what that is for we do not know


def test_a_picture_that_was_never_loaded_is_reported(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    name = f"posters/agent_{sha1('a')}"
    path = plex.file(f"{film.bundle}/{COMBINED}/{name}", b"None")
    plex.set(film, thumb=f"metadata://{name}")
    (row,) = plan(plex, ["movie:1"]).drafts
    assert (row.klass, row.action, row.path, row.reason) == (Klass.BROKEN, Action.REPORT, path, "broken_selected")


def test_a_bundle_that_cannot_be_read_as_a_whole_stays(made: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = walk.bundles

    def torn(*words: Any) -> Iterator[walk.Bundle]:
        for bundle in whole(*words):
            bundle.complete = False
            yield bundle

    monkeypatch.setattr(walk, "bundles", torn)
    found = plan(made.folder)
    assert {each.klass for each in found.drafts} == {Klass.CACHE} and found.kept["unreadable"]

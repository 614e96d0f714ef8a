"""C5, C6 and C9: whole bundles, dangling links and empty folders."""

from __future__ import annotations

import os
import time

from cleanup.choices import Action, Klass
from cleanup.plexdata.entries import Entry
from cleanup.plexdata.layout import COMBINED
from cleanup.rules.trees import measure
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import DAY, PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

TREE = Action.TREE


def test_it_finds_orphans_of_every_type_that_are_old_enough(made: Sample) -> None:
    found = plan(made.folder, ["bundle:metadata:1", "bundle:media:1"], now_ns=time.time_ns())
    orphans = {path for name, path in made.paths.items() if name.startswith("orphan") and name != "orphan young"}
    assert found.paths(Klass.ORPHAN, TREE) == orphans and len(orphans) == 5
    assert found.kept["young"] == 1 and found.found.orphans == 5


def test_nothing_outside_or_of_a_strange_name_is_a_bundle(made: Sample) -> None:
    found = plan(made.folder)
    touched = found.paths() | found.paths(action=TREE) | found.paths(action=Action.FOLDER)
    strange = ("linked", "foreign", "prefix", "upper")
    for name, path in made.paths.items():
        if name.startswith(strange):
            assert not [each for each in touched if each.startswith(path.split(".bundle")[0])], name
    assert found.found.foreign == {"name": 3, "link": 2} or found.found.foreign["link"] >= 1


def test_a_row_of_a_bundle_has_sums_and_a_mark(made: Sample) -> None:
    path = made.paths["orphan Movies"]
    row = next(each for each in plan(made.folder, ["bundle:metadata:1"]).drafts if each.path == path)
    (file,) = [each for each in (made.folder / path).rglob("*") if each.is_file()]
    stat = file.stat()
    assert (row.files, row.size, row.blocks, row.mtime_ns) == (1, stat.st_size, stat.st_blocks, stat.st_mtime_ns)
    assert len(row.mark) == 40 and row.bundle == sha1("orphan Movies")


def test_the_mark_changes_with_anything_in_it() -> None:
    one = Entry("a/b", "file", 1, 2, 3, 8, 4)
    others = [one._replace(path="a/c"), one._replace(size=4), one._replace(mtime_ns=5), one._replace(kind="link")]
    others.append(one._replace(target="x"))
    marks = {measure([each]).mark for each in (one, *others)} | {measure([]).mark, measure([one, one]).mark}
    assert len(marks) == 8
    folder = Entry("a", "folder", 1, 9, 4096, 8, 77)
    assert measure([one, folder]) == measure([folder._replace(mtime_ns=78), one])


def test_the_space_of_a_bundle_counts_each_file_once() -> None:
    one, two = (Entry(name, "file", 1, 2, 3, 8, 4, 2) for name in "ab")
    assert (measure([one, two]).blocks, measure([one]).blocks, measure([one, two]).files) == (8, 0, 2)


def test_an_orphan_with_a_name_that_is_in_use_stays(plex: PlexBuilder) -> None:
    plex.item(1, "Film")
    name = f"posters/agent_{sha1('a')}"
    bundle = f"Metadata/Movies/0/{'1' * 39}.bundle"
    plex.file(f"{bundle}/{COMBINED}/{name}")
    plex.row("tags", tag="Somebody", tag_type=6, user_thumb_url=f"metadata://{name}")
    assert bundle not in plan(plex).paths(action=TREE)


def test_an_orphan_of_media_that_a_column_names_stays(plex: PlexBuilder) -> None:
    bundle = f"Media/localhost/0/{'1' * 39}.bundle"
    plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg")
    plex.part(plex.item(1, "Film", thumb=f"media://0/{'1' * 39}.bundle/Contents/Thumbnails/thumb1.jpg"))
    assert bundle not in plan(plex).paths(action=TREE)


def test_an_orphan_with_a_socket_stays(plex: PlexBuilder) -> None:
    plex.item(1, "Film")
    bundle = f"Metadata/Movies/0/{'1' * 39}.bundle"
    plex.file(f"{bundle}/Contents/a")
    os.mkfifo(plex.path / bundle / "Contents/pipe")
    found = plan(plex, ["bundle:metadata:1"])
    assert not found.drafts and found.kept["unreadable"] == 1


def test_an_empty_orphan_is_as_old_as_its_folders(plex: PlexBuilder) -> None:
    plex.item(1, "Film")
    bundle = f"Metadata/Movies/0/{'1' * 39}.bundle"
    plex.empty(f"{bundle}/Contents")
    folder = plex.finish()
    assert not plan(folder, ["bundle:metadata:1"], now_ns=time.time_ns()).drafts
    os.utime(folder / bundle / "Contents", (1, 1))
    assert plan(folder, ["bundle:metadata:1"], now_ns=time.time_ns()).paths(action=TREE) == {bundle}


def test_bundles_of_seasons_go_unless_something_in_them_is_in_use(made: Sample) -> None:
    season = made.items["season"].bundle
    assert plan(made.folder, ["bundle:metadata:2"]).paths(Klass.CHILD, TREE) == {season}
    made.plex.set(
        made.items["episode"], art=f"metadata://posters/{made.paths['season bundle file'].rpartition('/')[2]}"
    )
    made.plex.path.joinpath(made.plex.database).unlink()
    for end in ("-wal", "-shm"):
        made.plex.database.with_name(made.plex.database.name + end).unlink(missing_ok=True)
    assert not plan(made.plex, ["bundle:metadata:2"]).paths(Klass.CHILD, TREE)


def test_it_tidies_links_and_folders_inside_a_bundle(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    inside = f"{film.bundle}/Contents"
    gone = plex.link(f"{inside}/_combined/extras/gone", "../../nowhere/at-all")
    outward = plex.link(f"{inside}/_combined/odd/outward", "/nowhere/at/all")
    plex.link(f"{inside}/_combined/odd/to-folder", "../odd")
    deep = plex.empty(f"{inside}/_stored/posters/deeper")
    found = plan(plex, ["bundle:metadata:3"])
    assert found.paths(Klass.TIDY) == {gone} and outward not in found.paths()
    folders = [each.path for each in found.drafts if each.action == Action.FOLDER]
    assert set(folders) == {deep, f"{inside}/_stored/posters", f"{inside}/_stored", f"{inside}/_combined/extras"}
    assert folders.index(deep) < folders.index(f"{inside}/_stored/posters") < folders.index(f"{inside}/_stored")


def test_a_folder_that_is_emptied_goes_after_its_files(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    plex.modern(film, "posters", "https://x.example/1.jpg")
    found = plan(plex, ["bundle:metadata:3"])
    assert found.paths(action=Action.FOLDER) == {f"{film.bundle}/{COMBINED}", f"{film.bundle}/{COMBINED}/posters"}


def test_a_folder_that_was_just_made_stays(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    plex.empty(f"{film.bundle}/Contents/_stored/posters")
    begun = time.time_ns() - DAY * 10**9
    assert not plan(plex, ["bundle:metadata:3"], now_ns=begun).drafts

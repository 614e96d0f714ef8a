"""What is in use: each kind of file of the sample, each table that names files, each schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from cleanup.plexdata import database, index, layout, places, walk
from cleanup.plexdata.index import Index
from cleanup.plexdata.live import Live
from mediasync.core.errors import Permanent
from tests.cleanup.plexfolder import sample as samples
from tests.cleanup.plexfolder.builder import sha1

from .conftest import OWN, REAL, Films, script

USED = (
    *("film poster", "film art", "film logo", "show poster", "season poster", "episode thumb", "show theme"),
    *("artist poster", "embedded", "upload season", "collection upload", "tag poster", "shared thumb", "art media"),
)
UNUSED = (
    *("film poster unused", "film art unused", "film logo unused", "show poster unused", "upload unused"),
    *("upload young", "upload theme", "none", "dangling", "done thumb", "shared art", "shared chapter"),
)


@pytest.fixture(params=[*OWN, *REAL])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> samples.Sample:
    return samples.make(tmp_path, script(request.param))


@pytest.fixture
def found(sample: samples.Sample, tmp_path: Path) -> Iterator[Index]:
    data = places.resolve(str(sample.folder))
    copy = database.snapshot(data.database, str(tmp_path / "copy.db"))
    con = database.open_ro(copy.path)
    yield index.build(con, database.probe(con))
    con.close()


def used(found: Index, path: str) -> bool:
    place = layout.place_of(path)
    assert place
    if place.part == layout.MEDIA:
        return found.media_uses(layout.media_path(path))
    return found.uses(place.folder, place.bundle, place.rel)


def test_it_knows_what_is_in_use(sample: samples.Sample, found: Index) -> None:
    columns = found.schema.columns
    kept = [name for name in USED if name != "film logo" or "user_clear_logo_url" in columns]
    assert [name for name in kept if not used(found, sample.paths[name])] == []
    assert [name for name in UNUSED if used(found, sample.paths[name])] == []


def test_the_live_check_says_the_same(sample: samples.Sample, found: Index) -> None:
    data = places.resolve(str(sample.folder))
    paths = [path for path in sample.paths.values() if (place := layout.place_of(path)) and place.rel]
    with Live(data.database) as live:
        assert live.in_use(paths) == {path for path in paths if used(found, path)}


def test_legacy_links_keep_what_they_lead_to(sample: samples.Sample, found: Index) -> None:
    add = sample.legacy
    for name in ("stored", "preview", "external", "show", "season", "episode", "hard"):
        each = add[name]
        assert all(used(found, path) for path in (each.link, each.file, each.stored) if path), name
    for name in ("unused", "other season", "hard unused"):
        each = add[name]
        assert not any(used(found, path) for path in (each.link, each.file, each.stored) if path), name


def test_protected_follows_any_link_inside(sample: samples.Sample, found: Index) -> None:
    film = sample.items["film"]
    odd = f"{film.bundle}/Contents/_combined/posters"
    name = sample.paths["film poster"].rpartition("/")[2]
    (sample.folder / odd / name).rename(sample.folder / odd / "somewhere")
    (sample.folder / odd / name).symlink_to("between")
    (sample.folder / odd / "between").symlink_to("somewhere")
    [bundle] = [each for each in bundles(sample, film.hash) if each.hash == film.hash]
    kept = found.protected(bundle)
    assert {f"Contents/_combined/posters/{each}" for each in (name, "between", "somewhere")} <= kept


def bundles(sample: samples.Sample, digest: str) -> list[walk.Bundle]:
    data = places.resolve(str(sample.folder))
    return list(walk.bundles(data, layout.METADATA, "Movies", digest[0]))


def test_it_tells_orphans_from_what_is_known(sample: samples.Sample, found: Index) -> None:
    assert all(found.knows(item.hash) for item in sample.items.values())
    for name, path in sample.paths.items():
        place = layout.place_of(path)
        if name.startswith("orphan ") and place:
            assert not (found.knows_media if place.part == layout.MEDIA else found.knows)(place.bundle), name
    shared = sha1("shared part")
    assert found.knows_media(shared)
    assert {item.id for item in found.media_items(shared)} == {sample.items[name].id for name in ("double", "second")}


def test_it_says_whose_files_a_bundle_holds(sample: samples.Sample, found: Index) -> None:
    of_show = {item.id: item for item in found.items(sample.items["show"].hash)}
    assert {sample.items[name].id for name in ("show", "season", "episode", "season 2")} <= set(of_show)
    episode = of_show[sample.items["episode"].id]
    assert (episode.type, episode.number, episode.parent) == (4, 1, sample.items["season"].id)
    assert episode.values["user_thumb_url"] == sample.values["episode thumb"]
    assert sample.items["film"].id not in of_show


def test_counts_tell_when_it_shrank(found: Index) -> None:
    assert found.counts["items"] >= 15 and found.counts["media_bundles"] == 3
    assert found.shrank({}) == 0 and found.shrank(found.counts) == 0
    assert found.shrank({**found.counts, "parts": found.counts["parts"] * 2}) == pytest.approx(0.5)
    assert found.shrank({**found.counts, "parts": 1}) == 0


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("tags", {"user_thumb_url": None, "tag": "x"}),
        ("library_sections", {"user_art_url": None, "name": "x"}),
        ("metadata_item_views", {"thumb_url": None}),
        ("taggings", {"thumb_url": None, "tag_id": 99}),
        ("taggings", {"thumb_url": None}),
    ],
)
def test_every_other_table_keeps_files_alive(
    table: str, row: dict[str, object], films: Callable[..., Films], tmp_path: Path
) -> None:
    made = films("G2")
    url = "https://x/elsewhere.jpg"
    path, value = made.plex.modern(made.items[0], "posters", url)
    media = made.plex.part(made.items[0])
    thumb = f"{media}/Contents/Chapters/chapter1.jpg"
    for each in (value, f"media://{layout.media_path(thumb)}"):
        made.plex.row(table, **{name: each if given is None else given for name, given in row.items()})
    made.plex.database.unlink()
    made.plex.finish()
    con = database.open_ro(made.data.database)
    found = index.build(con, database.probe(con))
    assert used(found, path) and used(found, thumb)
    con.close()
    with Live(made.data.database) as live:
        assert live.in_use([path, thumb]) == {path, thumb}


def test_a_candidate_is_not_in_use_because_it_is_offered(films: Callable[..., Films]) -> None:
    made = films()
    path, _ = made.plex.modern(made.items[0], "posters", "https://x/offered.jpg")
    made.plex.database.unlink()
    made.plex.finish()
    with Live(made.data.database) as live:
        assert live.in_use([path, made.posters[0][0]]) == {made.posters[0][0]}


@pytest.mark.parametrize("emptied", ["DELETE FROM metadata_items", "UPDATE metadata_items SET hash=''"])
def test_an_empty_index_is_refused(emptied: str, films: Callable[..., Films]) -> None:
    made = films("G2")
    con = apsw.Connection(made.data.database)
    con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    con.execute("PRAGMA writable_schema=ON")
    con.execute("DELETE FROM sqlite_master WHERE sql LIKE '%icu_root%'")
    con.close()
    con = apsw.Connection(made.data.database)
    con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    con.execute(emptied)
    with pytest.raises(Permanent) as caught:
        index.build(con, database.probe(con))
    con.close()
    assert caught.value.code == "plex_index_empty"


def test_no_part_with_a_hash_makes_no_orphan(films: Callable[..., Films]) -> None:
    con = database.open_ro(films().data.database)
    found = index.build(con, database.probe(con))
    assert found.counts["media_bundles"] == 0 and found.knows_media("f" * 40)
    con.close()


def test_a_query_that_fails_is_no_answer(films: Callable[..., Films]) -> None:
    made = films()
    con = database.open_ro(made.data.database)
    schema = database.probe(con)
    broken = database.Schema(
        schema.columns, {"gone": ("thumb_url",)}, schema.tables, schema.triggers, "G2", True, 0, ""
    )
    with pytest.raises(Permanent):
        index.build(con, broken)
    con.close()


def test_the_live_check_sees_what_changed_meanwhile(films: Callable[..., Films]) -> None:
    made = films()
    path, value = made.plex.modern(made.items[0], "art", "https://x/late.jpg")
    plex = apsw.Connection(made.data.database)
    plex.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    with Live(made.data.database) as live:
        assert live.in_use([path]) == set()
        plex.execute("UPDATE metadata_items SET user_art_url=? WHERE id=?", (value, made.items[0].id))
        assert live.in_use([path]) == {path}
        assert live.value(made.items[0].id, "user_art_url") == value
        plex.execute("UPDATE metadata_items SET user_art_url=NULL")
        assert live.in_use([path]) == set()
        plex.execute("UPDATE tags SET user_thumb_url=?", (value,))
        assert live.in_use([path]) == {path}
        assert live.value(999, "user_art_url") is None
    plex.close()


def test_the_live_check_keeps_what_is_not_ours(films: Callable[..., Films]) -> None:
    made = films()
    strange = {"", "x", "../x", "Metadata/Movies/zz/x", "Cache/PhotoTranscoder/aa/x.jpg", "/etc/passwd"}
    orphan = layout.bundle_path(layout.METADATA, "Movies", sha1("nobody"))
    media = layout.bundle_path(layout.MEDIA, "", sha1("nobody"))
    with Live(made.data.database) as live:
        assert live.in_use(strange) == strange
        assert live.in_use([orphan, media, made.items[0].bundle]) == {made.items[0].bundle}
        assert live.in_use([]) == set()


def test_a_bundle_of_media_that_is_named_is_no_orphan(films: Callable[..., Films]) -> None:
    made = films()
    bundle = layout.bundle_path(layout.MEDIA, "", sha1("part that is gone"))
    made.plex.set(made.items[0], art=f"media://{layout.media_path(bundle)}/Contents/Art/art1.jpg")
    made.plex.database.unlink()
    made.plex.finish()
    with Live(made.data.database) as live:
        assert live.in_use([bundle]) == {bundle}


def test_the_live_check_never_answers_when_it_cannot_ask(films: Callable[..., Films]) -> None:
    made = films()
    with Live(made.data.database) as live:
        plex = apsw.Connection(made.data.database)
        plex.execute("DROP TABLE metadata_item_views")
        plex.close()
        with pytest.raises(Permanent) as caught:
            live.in_use([made.posters[0][0]])
        assert caught.value.code == "plex_database_unreadable"

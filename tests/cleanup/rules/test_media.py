"""C3 and C4: pictures made by analysis."""

from __future__ import annotations

from cleanup.choices import Action, Klass
from cleanup.plexdata import layout
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

WEB = "https://x.example/1.jpg"


def media(plex: PlexBuilder, **values: str | None) -> tuple[str, str]:
    """Make a film with a part; return its thumbnail and its art."""
    bundle = plex.part(plex.item(1, "Film", **values))
    return plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg"), plex.file(f"{bundle}/Contents/Art/art1.jpg")


def test_thumbnails_go_when_no_item_of_the_file_shows_them(made: Sample) -> None:
    found = plan(made.folder, ["movie:3", "show:3"])
    assert found.paths(Klass.ANALYSIS) == {made.paths["done thumb"], made.paths["done art"]}


def test_chapters_and_indexes_stay(made: Sample) -> None:
    found = plan(made.folder, ["all"]).paths()
    assert not found & {made.paths[f"{name} {what}"] for name in ("shared", "done") for what in ("chapter", "index")}


def test_a_shared_file_keeps_what_one_item_shows(made: Sample) -> None:
    found = plan(made.folder, ["bundle:media:3"])
    assert not found.paths() & {made.paths["shared thumb"], made.paths["shared art"], made.paths["art media"]}


def test_a_picture_stays_while_there_is_no_other(plex: PlexBuilder) -> None:
    thumb, art = media(plex, thumb=WEB, art="")
    found = plan(plex, ["bundle:media:3"])
    assert found.paths() == {thumb} and art not in found.paths() and found.kept["no_other"] == 1


def test_a_picture_of_a_part_that_nothing_owns_stays(plex: PlexBuilder) -> None:
    thumb, art = media(plex, thumb=WEB, art=WEB)
    plex.rows["media_items"][0]["metadata_item_id"] = 99
    assert not plan(plex, ["bundle:media:3"]).paths() & {thumb, art}


def test_a_library_step_leaves_files_of_others(plex: PlexBuilder) -> None:
    digest = sha1("shared")
    film, clip = plex.item(1, "Film", thumb=WEB), plex.item(12, "Extra", thumb=WEB)
    bundle = plex.part(film, digest=digest)
    plex.part(clip, digest=digest)
    thumb = plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg")
    folder = plex.finish()
    assert thumb not in plan(folder, ["movie:3"]).paths()
    assert thumb in plan(folder, ["bundle:media:3"]).paths()


def test_a_link_in_the_bundle_keeps_its_target(plex: PlexBuilder) -> None:
    thumb, _art = media(plex, thumb=WEB, art=WEB)
    plex.link(f"{thumb.rpartition('/')[0]}/thumb9.jpg", "thumb1.jpg")
    assert thumb not in plan(plex, ["bundle:media:3"]).paths()


def test_other_columns_keep_a_picture(plex: PlexBuilder) -> None:
    thumb, art = media(plex, thumb=WEB, art=WEB)
    plex.row("library_sections", name="x", user_thumb_url=f"media://{layout.media_path(thumb)}")
    plex.item(15, "Playlist", art=f"media://{layout.media_path(art)}")
    assert not plan(plex, ["bundle:media:3"]).paths() & {thumb, art}


def test_art_is_put_on_a_host_where_there_is_one(made: Sample) -> None:
    assert Klass.REHOST not in {each.klass for each in plan(made.folder, ["movie:4"]).drafts}
    found = [each for each in plan(made.folder, ["movie:4"], host=True).drafts if each.klass == Klass.REHOST]
    assert [each.action for each in found] == [Action.UPDATE, Action.FILE]
    assert (found[0].item, found[0].column) == (made.items["art film"].id, "user_art_url")
    assert (found[0].old, found[0].new) == (f"media://{layout.media_path(made.paths['art media'])}", "")
    assert found[1].path == made.paths["art media"] and found[1].risk == "high"


def test_art_with_a_second_user_is_written_but_stays(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    bundle = plex.part(film)
    art = plex.file(f"{bundle}/Contents/Art/art1.jpg")
    plex.set(film, art=f"media://{layout.media_path(art)}")
    plex.item(18, "Collection", art=f"media://{layout.media_path(art)}")
    found = plan(plex, ["movie:4"], host=True)
    assert found.updates() and art not in found.paths()


def test_art_that_is_locked_or_not_of_the_policy_stays(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film", fields="lockedFields=8")
    art = plex.file(f"{plex.part(film)}/Contents/Art/art1.jpg")
    plex.set(film, art=f"media://{layout.media_path(art)}")
    folder = plex.finish()
    assert plan(folder, ["movie:4"], host=True).kept == {"locked": 1}
    assert not plan(folder, ["movie:4"], host=True, locked=True, columns=["thumb"]).drafts


def test_a_folder_with_chapters_is_not_called_empty(plex: PlexBuilder) -> None:
    bundle = plex.part(plex.item(1, "Film", thumb=WEB, art=WEB))
    plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg")
    plex.file(f"{bundle}/Contents/Chapters/chapter1.jpg")
    found = plan(plex, ["bundle:media:3"])
    assert found.paths(action=Action.FOLDER) == {f"{bundle}/Contents/Thumbnails"}
    assert found.found.weight.files == 2 and found.found.weight.bytes > 0

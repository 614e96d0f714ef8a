"""C2: a value becomes an address only with proof, and its file goes only when no other value names it."""

from __future__ import annotations

import pytest

from cleanup.choices import Action, Klass
from cleanup.plexdata.layout import COMBINED
from mediasync.core.errors import Unreachable
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

THUMB = "user_thumb_url"
URL = "https://x.example/1.jpg"


def test_it_finds_the_addresses_of_new_and_old_agents(made: Sample) -> None:
    found = plan(made.folder, ["movie:2", "show:2", "music:2"])
    items, urls = made.items, made.urls
    old = {name: made.legacy[name].url for name in ("stored", "preview", "show", "season", "episode", "hard")}
    assert found.updates() == {
        (items["film"].id, THUMB, urls["film poster"]),
        (items["film"].id, "user_art_url", urls["film art"]),
        (items["film"].id, "user_clear_logo_url", urls["film logo"]),
        (items["show"].id, THUMB, urls["show poster"]),
        (items["show"].id, "user_music_url", urls["show theme"]),
        (items["season"].id, THUMB, urls["season poster"]),
        (items["episode"].id, THUMB, urls["episode thumb"]),
        (items["legacy film"].id, THUMB, old["stored"]),
        (items["legacy film"].id, "user_art_url", old["preview"]),
        (items["legacy show"].id, THUMB, old["show"]),
        (items["legacy season"].id, THUMB, old["season"]),
        (items["legacy episode"].id, THUMB, old["episode"]),
        (items["windows film"].id, THUMB, old["hard"]),
        (items["artist"].id, THUMB, urls["artist poster"]),
    }
    assert found.kept["embedded"] == 1 and found.kept["no_address"] == 1  # album; banner of the legacy film
    stored = made.legacy["stored"]
    assert {stored.link, stored.file, stored.stored, made.paths["film poster"]} <= found.paths(Klass.SELECTED)
    assert not found.paths() & {made.legacy["external"].stored, made.paths["embedded"]}


def test_rows_say_what_is_written_and_why(made: Sample) -> None:
    found = plan(made.folder, ["movie:2"])
    row = next(each for each in found.drafts if each.item == made.items["film"].id and each.column == "user_art_url")
    assert (row.old, row.new, row.proof) == (made.values["film art"], made.urls["film art"], "taggings")
    assert (row.title, row.section, row.risk, row.path) == ("Modern film", 1, "high", "")
    places = [each.action for each in found.drafts if each.klass == Klass.SELECTED and each.bundle == row.bundle]
    assert places == sorted(places, key=[Action.UPDATE, Action.FILE].index)


def test_only_columns_of_the_policy_are_written(made: Sample) -> None:
    found = plan(made.folder, ["movie:2"], columns=["thumb"])
    assert {column for _item, column, _new in found.updates()} == {THUMB}
    assert made.paths["film art"] not in found.paths()


def one(plex: PlexBuilder, url: str = URL, name: str = "", fields: str = "") -> str:
    """Make a film whose selected poster came from ``url``; return the path of the file."""
    film = plex.item(1, "Film", fields=fields)
    name = f"posters/{name or f'agent_{sha1(url)}'}"
    plex.candidate(film, "posters", url, f"metadata://{name}")
    plex.set(film, thumb=f"metadata://{name}")
    return plex.file(f"{film.bundle}/{COMBINED}/{name}")


@pytest.mark.parametrize(
    ("url", "name", "why", "allow"),
    [
        (URL, f"agent_{sha1('another')}", "unproven", {"unproven": True}),
        ("http://x.example/1.jpg", "", "plain_http", {"plain_http": True}),
        ("", f"agent_{sha1('x')}", "no_address", None),
        ("file:///etc/passwd", "", "no_address", None),
        ("https://x.example/a b.jpg", "", "no_address", None),
    ],
)
def test_it_leaves_what_has_no_good_address(
    plex: PlexBuilder, url: str, name: str, why: str, allow: dict[str, bool] | None
) -> None:
    path = one(plex, url, name)
    found = plan(plex.finish(), ["movie:2"])
    assert found.kept == {why: 1} and not found.updates() and path not in found.paths()
    if allow is not None:
        found = plan(plex.path, ["movie:2"], **allow)
        assert [new for _item, _column, new in found.updates()] == [url] and path in found.paths()
        assert [each.proof for each in found.drafts if each.new] == ["" if why == "unproven" else "taggings"]


def test_it_leaves_what_a_person_locked(plex: PlexBuilder) -> None:
    one(plex, fields="lockedFields=1|7|9")  # 9: nobody knows what that is
    folder = plex.finish()
    asked: list[int] = []

    def ask(said: list[str]) -> object:
        return lambda item: asked.append(item) or said  # type: ignore[func-returns-value]

    def lost(item: int) -> list[str]:
        raise Unreachable("no answer")

    assert plan(folder, ["movie:2"]).kept == {"locked": 1}
    assert plan(folder, ["movie:2"], unknown_locked=False).updates()
    assert plan(folder, ["movie:2"], locked=True).updates()
    assert plan(folder, ["movie:2"], ask=ask(["art", "title"])).updates()  # type: ignore[arg-type]
    assert not plan(folder, ["movie:2"], ask=ask(["thumb"]), unknown_locked=False).updates()  # type: ignore[arg-type]
    assert asked == [1, 1]
    assert not plan(folder, ["movie:2"], ask=lost).updates()


def test_known_locks_of_other_fields_do_not_count(plex: PlexBuilder) -> None:
    one(plex, fields="lockedFields=1|2|7|15|16|17|19")
    assert plan(plex, ["movie:2"]).updates()


def test_a_file_with_another_user_stays(plex: PlexBuilder) -> None:
    path = one(plex)
    value = plex.rows["metadata_items"][0]["user_thumb_url"]
    plex.row("tags", tag="Somebody", tag_type=6, user_thumb_url=value)
    found = plan(plex, ["movie:2"])
    assert found.updates() and path not in found.paths()


def test_a_file_with_a_user_in_another_library_stays(plex: PlexBuilder) -> None:
    """The same film in two libraries has one bundle."""
    path = one(plex)
    first = plex.rows["metadata_items"][0]
    plex.row("metadata_items", **{**first, "library_section_id": 2, "id": 2})
    folder = plex.finish()
    assert path not in plan(folder, ["movie:2"], sections=[1]).paths()
    assert path not in plan(folder, ["movie:2"], sections=[1, 2]).paths()  # the other one has no address of its own


def test_members_of_a_collection_keep_their_posters(plex: PlexBuilder) -> None:
    path = one(plex)
    made = plex.item(18, "Collection")
    tag = plex.row("tags", metadata_item_id=made.id, tag="Collection", tag_type=2)
    plex.row("taggings", metadata_item_id=1, tag_id=tag)
    folder = plex.finish()
    found = plan(folder, ["movie:2"])
    assert found.kept == {"collection": 1} and path not in found.paths()
    assert path in plan(folder, ["movie:2"], collections=True).paths()


def test_members_of_a_collection_with_a_picture_do_not(plex: PlexBuilder) -> None:
    path = one(plex)
    made = plex.item(18, "Collection", thumb="https://x.example/c.jpg")
    tag = plex.row("tags", metadata_item_id=made.id, tag="Collection", tag_type=2)
    plex.row("taggings", metadata_item_id=1, tag_id=tag)
    assert path in plan(plex, ["movie:2"]).paths()


def test_a_library_can_be_chosen(made: Sample) -> None:
    found = plan(made.folder, ["all"], sections=[2])
    assert {each.section for each in found.drafts if each.action == Action.UPDATE} == {2}
    assert {path.split("/")[1] for path in found.paths() if path.startswith("Metadata")} == {"TV Shows"}
    assert not [each for each in found.drafts if each.klass == Klass.ORPHAN]  # nobody knows whose they were


def test_a_picture_of_two_items_stays_while_one_is_locked(plex: PlexBuilder) -> None:
    show = plex.item(2, "Show")
    season = plex.item(3, "Season", parent=show, fields="lockedFields=9")
    path, value = plex.modern(show, "posters", URL)
    plex.set(show, thumb=value)
    plex.set(season, thumb=value)
    folder = plex.finish()
    found = plan(folder, ["show:2"])
    assert {item for item, _column, _new in found.updates()} == {show.id} and path not in found.paths()
    found = plan(folder, ["show:2"], locked=True)
    assert {item for item, _column, _new in found.updates()} == {show.id, season.id} and path in found.paths()

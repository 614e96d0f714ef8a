"""Ways to make a plan take a file that is in use: odd values, odd hashes, unknown columns, links of links.

Each was tried from outside; some had succeeded once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from cleanup.choices import Action, Klass
from cleanup.plexdata import layout
from tests.cleanup.planned import Plan, plan
from tests.cleanup.plexfolder import schema
from tests.cleanup.plexfolder.builder import Made, PlexBuilder, sha1
from tests.cleanup.plexfolder.schema import NEW

WEB = "https://images.example/a.jpg"
AGENT = "tv.plex.agents.movie"
ODD: list[Callable[[str], str]] = [
    lambda value: value.replace("posters/", "posters//"),
    lambda value: value.replace("://", ":///"),
    lambda value: value.replace("://", ":/"),
    lambda value: value.replace("posters/", "art/../posters/"),
    lambda value: value.replace("posters/", "./posters/"),
    lambda value: value.replace("posters/", "posters\\"),
    lambda value: value.replace("posters/", "posters%2F"),
    lambda value: value.replace("posters/", "posters%252F"),
    lambda value: value.replace("metadata", "Metadata").replace("upload", "UPLOAD"),
    lambda value: value.replace("posters", "Posters"),
    lambda value: value.upper(),
    lambda value: f" {value}\n",
    lambda value: f"{value}?width=100&x=1",
    lambda value: f"{value}#top",
    lambda value: f"http://127.0.0.1:32400/library/metadata/1/file?url={quote(value, safe='')}&x=1",
    lambda value: f"/library/metadata/1/file?url={value}",
]


def taken(found: Plan) -> set[str]:
    """Return all files of a plan, those of whole bundles by the path of the bundle."""
    return found.paths() | found.paths(action=Action.TREE)


def strict(plex: PlexBuilder, *wanted: str, **policy: object) -> Plan:
    """Plan all that can be, with no mercy for what is young or new."""
    return plan(plex, wanted or ("all",), upload_newest=0, upload_days=0, orphan_days=0, collections=True, **policy)


@pytest.fixture
def film(plex: PlexBuilder) -> Made:
    return plex.item(1, "Film", thumb=f"metadata://posters/{AGENT}_{sha1('other')}")


@pytest.mark.parametrize("number", range(len(ODD)))
@pytest.mark.parametrize("where", ["own", "beside", "tag", "section"])
def test_a_value_written_oddly_keeps_its_file(plex: PlexBuilder, film: Made, number: int, where: str) -> None:
    """``beside``: another column says it plainly, and gets the address; the odd one still needs the file."""
    path, value = plex.modern(film, "posters", WEB)
    upload, uploaded = plex.upload(film, f"posters/{sha1('up')}")
    odd, odd_upload = ODD[number](value), ODD[number](uploaded)
    if where == "own":
        plex.set(film, thumb=odd, art=odd_upload)
    elif where == "beside":
        plex.set(film, thumb=value, art=odd, banner=odd_upload)
    elif where == "tag":
        plex.row("tags", tag="x", tag_type=6, user_thumb_url=odd, user_art_url=odd_upload)
    else:
        plex.row("library_sections", name="x", user_thumb_url=odd, user_theme_music_url=odd_upload)
    plex.file(f"{film.bundle}/Contents/_combined/posters/{AGENT}_{sha1('nobody')}")
    found = strict(plex)
    assert not taken(found) & {path, upload}
    assert len(found.paths(Klass.UNUSED)) == 1, "what nobody names still goes"


@pytest.mark.parametrize(
    "odd",
    [
        lambda path: f"media://{path.upper()}",
        lambda path: f"media:///{path}",
        lambda path: f"media://{path.replace('/', '//')}",
        lambda path: f"media://{quote(path, safe='')}",
        lambda path: f"media://localhost/{path}",
        lambda path: f"MEDIA://{path}",
        lambda path: f"/photo?url={quote('media://' + path, safe='')}",
    ],
)
def test_a_value_of_media_written_oddly_keeps_its_file(
    plex: PlexBuilder, film: Made, odd: Callable[[str], str]
) -> None:
    """The first film has a picture of its own, but another item shows what was made of it; the second has no part."""
    plex.set(film, thumb=WEB, art=WEB)
    path = plex.file(f"{plex.part(film)}/Contents/Thumbnails/thumb1.jpg")
    plex.item(1, "Another", thumb=odd(layout.media_path(path)))
    lost = plex.file(f"{layout.bundle_path(layout.MEDIA, '', sha1('lost'))}/Contents/Thumbnails/thumb1.jpg")
    plex.item(1, "One more", art=odd(layout.media_path(lost)))
    found = strict(plex, host=True)
    assert path not in taken(found)
    assert not any(lost.startswith(each) for each in taken(found))


@pytest.mark.parametrize("case", ["upper", "spaces", "none", "empty", "blob", "junk"])
def test_a_hash_that_is_odd_or_lacks_keeps_its_bundle(plex: PlexBuilder, film: Made, case: str) -> None:
    """And what the seasons and episodes of it name in it."""
    shows = [plex.item(2, "Show"), film]
    season = plex.item(3, "Season", parent=shows[0], index=1)
    episode = plex.item(4, "Episode", parent=season, index=1)
    kept = []
    for item, owner in ((shows[0], shows[0]), (season, shows[0]), (episode, shows[0]), (film, film)):
        path, value = plex.modern(owner, "posters", f"{WEB}{item.id}", item=item)
        plex.set(item, thumb=value)
        kept.append(path)
    for each in shows:
        row = plex.rows["metadata_items"][each.id - 1]
        digest = row["hash"]
        row["hash"] = {
            "upper": digest.upper(),
            "spaces": f" {digest}\n",
            "none": None,
            "empty": "",
            "blob": digest.encode(),
            "junk": "0123",
        }[case]
    found = strict(plex)
    gone = taken(found)
    assert not any(path.startswith(each) for each in gone for path in kept)


@pytest.mark.parametrize("case", ["upper", "spaces", "blob"])
def test_a_part_with_an_odd_hash_keeps_its_bundle(plex: PlexBuilder, film: Made, case: str) -> None:
    """Its episode has no other picture, though another part with the hash as it should be has one."""
    plex.set(film, thumb=WEB)
    bundle = plex.part(film, digest=sha1("one"))
    shared = plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg")
    other = plex.item(1, "Other")
    odd: Any = {"upper": str.upper, "spaces": lambda text: f"{text} ", "blob": str.encode}[case]
    plex.part(other, digest=sha1("one"))
    alone = plex.part(other, digest=sha1("two"))
    for row in plex.rows["media_parts"][1:]:
        row["hash"] = odd(row["hash"])
    index = plex.file(f"{alone}/Contents/Indexes/index-sd.bif")
    gone = taken(strict(plex))
    assert not any(path.startswith(each) for each in gone for path in (shared, index))


@pytest.mark.parametrize("column", ["user_poster3d_url", "User_Logo_Url", "custom_art_url", "thumb_URL"])
def test_a_column_that_nobody_knows_yet_keeps_its_file(tmp_path_factory: pytest.TempPathFactory, column: str) -> None:
    plex = PlexBuilder(tmp_path_factory.mktemp("x") / "plex", schema.own(columns=(*NEW, column)))
    film = plex.item(1, "Film", art=f"metadata://art/{AGENT}_{sha1('x')}")
    path, value = plex.modern(film, "posters", WEB)
    upload, uploaded = plex.upload(film, f"posters/{sha1('up')}")
    plex.rows["metadata_items"][0][column] = value
    plex.rows["metadata_items"].append({"id": 99, "metadata_type": 1, "hash": film.hash, column: uploaded})
    assert not taken(strict(plex)) & {path, upload}


def test_an_album_keeps_what_lies_in_the_bundle_of_its_artist(plex: PlexBuilder) -> None:
    artist = plex.item(8, "Artist", thumb=WEB)
    album = plex.item(9, "Album", parent=artist)
    name = f"posters/com.plexapp.agents.lastfm_{sha1(WEB)}"
    plex.file(f"{artist.bundle}/Contents/_combined/albums/{album.hash}/{name}")
    unused = plex.file(f"{artist.bundle}/Contents/_combined/albums/{sha1('another')}/{name}")
    plex.set(album, thumb=f"metadata://{name}")
    assert taken(strict(plex)) == {unused}


def test_a_link_through_another_link_keeps_what_it_leads_to(plex: PlexBuilder, film: Made) -> None:
    """``way`` leads to another folder, so ``way/../x`` is beside that one, not beside the link."""
    contents = f"{film.bundle}/Contents"
    path = plex.file(f"{contents}/_stored/posters/a_{sha1('real')}")
    plex.file(f"{contents}/_stored/posters/deep/x")
    plex.link(f"{contents}/_combined/posters/way", "../../_stored/posters/deep")
    plex.link(f"{contents}/_combined/posters/a_{sha1('shown')}", f"way/../a_{sha1('real')}")
    plex.set(film, thumb=f"metadata://posters/a_{sha1('shown')}")
    assert path not in taken(strict(plex))


def test_a_dangling_link_stays_while_a_column_names_it(plex: PlexBuilder, film: Made) -> None:
    path = plex.link(f"{film.bundle}/Contents/_combined/extras/thumbs/a_{sha1('x')}", "../../../_stored/gone")
    plex.set(film, thumb=f"metadata://extras/thumbs/a_{sha1('x')}")
    assert path not in taken(strict(plex))


def test_a_library_of_one_item_has_two_bundles_of_one_hash(plex: PlexBuilder, film: Made) -> None:
    """The same film in two libraries: one row each, one bundle for both; the second shows another poster."""
    first, one = plex.modern(film, "posters", f"{WEB}1")
    second, two = plex.modern(film, "posters", f"{WEB}2")
    plex.set(film, thumb=one)
    plex.rows["metadata_items"].append({**plex.rows["metadata_items"][0], "id": 50, "library_section_id": 2})
    plex.rows["metadata_items"][-1]["user_thumb_url"] = two
    plex.rows["metadata_items"][-1]["user_fields"] = "lockedFields=9"
    found = strict(plex)
    assert second not in taken(found) and first in taken(found)
    assert plan(plex.path, ("movie:2",), sections=[1]).paths() == {first}

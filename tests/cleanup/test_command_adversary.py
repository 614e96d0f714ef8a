"""A folder made to mislead, planned and carried out at once by the command, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanup.plexdata import layout
from tests.cleanup import facing
from tests.cleanup.applying.world import ask
from tests.cleanup.plexfolder import sample, schema
from tests.cleanup.plexfolder.builder import Made, PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

WEB = "https://nowhere.invalid"
POLICY = {
    "classes": ["unused", "analysis", "orphan", "child", "upload", "tidy", "cache", "broken"],
    "orphan_days": 0,
    "upload_days": 0,
    "upload_newest": 0,
    "upload_themes": True,
    "most_share": 1.0,
}
# Plex dies right after it chose another poster: only the write-ahead log knows of it.
CHOOSE = """
import apsw, os, sys
con = apsw.Connection(sys.argv[1])
con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
con.execute("PRAGMA wal_autocheckpoint=0")
con.execute("UPDATE metadata_items SET user_thumb_url=? WHERE id=?", (sys.argv[2], int(sys.argv[3])))
con.execute("BEGIN")
con.execute("UPDATE metadata_items SET user_thumb_url='', user_art_url='', user_music_url='', hash='x'")
os._exit(9)
"""


def manage(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "MEDIASYNC_DATA": str(data),
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
    }
    here = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(here / "manage.py"), *words]
    return subprocess.run(command, env=environment, cwd=here, text=True, capture_output=True, timeout=300, check=False)


def hostile(made: Sample) -> Iterator[str]:
    """Add odd things that are in use, or not ours; yield the paths that have to stay."""
    plex = made.plex
    film = plex.item(1, "Odd film")
    for number, (attribute, odd) in enumerate(
        (
            ("posters", "metadata://posters//{}"),
            ("art", "Metadata://art/{}"),
            ("clearLogos", "metadata:///clearLogos/{}"),
        )
    ):
        path, value = plex.modern(film, attribute, f"{WEB}/{number}")
        column = {"posters": "thumb", "art": "art", "clearLogos": "clear_logo"}[attribute]
        plex.set(film, **{column: odd.format(value.rpartition("/")[2])})
        yield path
    yield plex.upload(film, f"posters/{sha1('up')}")[0]
    plex.set(film, banner=f"/library/metadata/1/file?url=upload%3A%2F%2Fposters%2F{sha1('up')}")
    for number, digest in enumerate((None, "", "upper", b"x", "0")):
        show = plex.item(2, f"Show {number}", 2)
        season = plex.item(3, f"Season {number}", 2, show, 1)
        yield plex.modern(show, "posters", f"{WEB}/s{number}", item=season)[0]
        plex.set(season, thumb=plex.rows["taggings"][-1]["thumb_url"])
        plex.rows["metadata_items"][show.id - 1]["hash"] = show.hash.upper() if digest == "upper" else digest
    yield from _of_other_kinds(plex)
    album = plex.item(9, "Album", 3, made.items["artist"])
    name = f"posters/com.plexapp.agents.lastfm_{sha1('l')}"
    yield plex.file(f"{made.items['artist'].bundle}/Contents/_combined/albums/{album.hash}/{name}")
    plex.set(album, thumb=f"metadata://{name}")
    names = ("new\nline", "x" * 255, os.fsdecode(b"\xff\xfe bytes"), "%2F..%2F", "a_" + "0" * 39)
    for number, name in enumerate(names):
        yield plex.file(f"{film.bundle}/Contents/_combined/posters/{name}", b"1")
        yield plex.file(f"{film.bundle}/Uploads/posters/{name}", b"2", age=-400)
        young = layout.bundle_path("Metadata", "Movies", sha1(str(number)))
        yield plex.file(f"{young}/Contents/{name}", b"3", age=-400)
    yield plex.file(f"Metadata/Movies/a/{'A' * 39}.bundle/Contents/_combined/posters/{sha1('x')}")
    yield plex.file(f"{film.bundle}/Contents/_combined/posters/a_{sha1('future')}", age=-4000)


def _of_other_kinds(plex: PlexBuilder) -> Iterator[str]:
    owners: list[Made] = []
    for kind in (12, 13, 14, 15, 18, 42):
        owners.append(plex.item(kind, f"Kind {kind}", 1, owners[-1] if kind == 14 else None))
        path, value = plex.modern(owners[-1], "posters", f"{WEB}/k{kind}")
        plex.set(owners[-1], thumb=value)
        yield path
    path, value = plex.modern(owners[0], "themes", f"{WEB}/theme")
    plex.row("metadata_item_views", guid="x", thumb_url=value)
    yield path
    path, value = plex.modern(owners[0], "art", f"{WEB}/chapter")
    plex.row("taggings", tag_id=plex.row("tags", tag_type=9), thumb_url=value)
    yield path
    path, value = plex.modern(owners[0], "squareArts", f"{WEB}/of the library")
    plex.rows["library_sections"][0]["user_art_url"] = value
    yield path


def named(database: Path) -> set[str]:
    """Return what stands after the scheme in all values of items, in whatever bundle the file may lie."""
    columns, rows = ask(database, "SELECT * FROM metadata_items")
    places = [place for place, name in enumerate(columns) if name.endswith("_url")]
    values = [str(row[place]) for row in rows for place in places if row[place]]
    return {value.partition("://")[2] for value in values if not value.startswith("http")} - {""}


@pytest.mark.slow
@pytest.mark.parametrize("steps", [("all",), ("movie:3", "show:3", "music:3", "uploads"), ("bundle:metadata:3",)])
def test_nothing_in_use_goes_by_a_real_command(tmp_path: Path, steps: tuple[str, ...]) -> None:
    made = sample.make(tmp_path, schema.own())
    (tmp_path / "media/film.mkv").write_text("x")
    kept = list(hostile(made))
    chosen, value = made.plex.modern(made.items["film"], "posters", f"{WEB}/chosen")
    made.plex.database.unlink()
    folder = made.plex.finish()
    data = tmp_path / "data"
    data.mkdir()
    assert manage(data, "migrate").returncode == 0
    assert manage(data, "cleanup_plex", "--add", "--folder", str(folder)).returncode == 0
    change = f"from cleanup.models import PlexFolder as P; P.objects.update(policy={POLICY!r})"
    assert manage(data, "shell", "-c", change).returncode == 0
    words = [sys.executable, "-c", CHOOSE, str(made.plex.database), value, str(made.items["film"].id)]
    assert subprocess.run(words, timeout=60, check=False).returncode == 9
    assert Path(f"{made.plex.database}-wal").stat().st_size
    before = facing.tree(folder)
    done = manage(data, "cleanup_plex", *(word for step in steps for word in ("--step", step)), "--apply", "--yes")
    assert done.returncode == 0, (done.stdout, done.stderr)
    after = facing.tree(folder)
    gone = before.keys() - after.keys()
    assert len(gone) > 5 and not gone & {*kept, chosen}, (sorted(gone), done.stdout)
    ends = tuple(f"/{end}" for end in named(made.plex.database))
    assert len(ends) > 30 and not [path for path in gone if path.endswith(ends)]
    assert (made.outside / "precious").read_text() == "not ours"
    assert all(before[path] == after[path] for path in after)

"""Whatever a folder and its database hold: no plan takes a file that a column names once the plan's values are written.

The judge knows nothing of the index and of the rules: it looks at the files themselves, takes each ``*_url`` of the
database for every file that it could mean, and follows links and second names.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanup.choices import Action
from tests.cleanup.planned import Plan, plan
from tests.cleanup.plexfolder.builder import TAG_TYPES, Made, PlexBuilder, sha1
from tests.cleanup.plexfolder.legacy import image, info

COLUMNS = ("thumb", "art", "music")
SHELVES = ("posters", "art", "themes", "seasons/1/posters")
MODERN, OLD = "tv.plex.agents.movie", "com.plexapp.agents.imdb"
PLACES = {"metadata": ("_combined", "_stored"), "upload": ("Uploads",), "media": ("localhost",)}
KINDS = (1, 2, 3, 4, 8, 9, 13, 15, 18)

picture = st.tuples(
    st.integers(0, 2),  # whose bundle
    st.sampled_from(SHELVES),
    st.integers(0, 2),  # which address: the same ones come again
    st.sampled_from(["modern", "preview", "stored", "windows", "external", "upload", "linked", "twin", "media"]),
)
choice = st.tuples(
    st.integers(0, 2), st.sampled_from(COLUMNS), st.integers(0, 5), st.sampled_from(["item"] * 3 + ["tag"])
)
orders = st.lists(st.sampled_from(["all", "movie:2", "show:4", "bundle:metadata:3", "uploads"]), min_size=1, max_size=2)


def build(
    plex: PlexBuilder, kinds: list[int], pictures: list[tuple[int, str, int, str]]
) -> tuple[list[Made], list[str]]:
    """Make items, one below the other where that can be, and pictures; return them and what could be selected."""
    items: list[Made] = []
    values: list[str] = []
    for number, kind in enumerate(kinds):
        above = next((each for each in reversed(items) if (each.kind, kind) in ((2, 3), (3, 4), (8, 9))), None)
        fields = "lockedFields=9" if number == 1 else ""
        items.append(plex.item(kind, f"Item {number}", parent=above, index=number, fields=fields))
    legacy: dict[int, list[object]] = {}
    for owner, shelf, number, how in dict.fromkeys(pictures):
        item = items[owner % len(items)]
        url = f"https://x.example/{number}.jpg"
        try:
            values.append(_picture(plex, item, shelf, url, how, legacy.setdefault(owner % len(items), [])))
        except FileExistsError:
            continue
    for owner, images in legacy.items():
        info(plex, items[owner], images)  # type: ignore[arg-type]
    return items, values


def _picture(plex: PlexBuilder, item: Made, shelf: str, url: str, how: str, legacy: list[object]) -> str:
    top, name = shelf.rpartition("/")[2], shelf.rpartition("/")[0]
    if how == "upload":
        return plex.upload(item, f"{shelf}/{sha1(url)}")[1]
    if how == "media":
        bundle = plex.part(item, digest=sha1(url))
        path = plex.file(f"{bundle}/Contents/{'Art/art1' if shelf == 'art' else 'Thumbnails/thumb1'}.jpg")
        return f"media://{path.removeprefix('Media/localhost/')}"
    if how == "modern":
        return plex.modern(item, shelf, url, agent=MODERN)[1] if shelf in TAG_TYPES else ""
    if how == "twin":  # a second name of a picture, under another agent and on another shelf
        path, value = plex.modern(item, "posters", url, agent="first")
        plex.hard_link(f"{item.bundle}/Contents/_combined/{shelf}/second_{sha1(url)}", path)
        return value
    if how == "linked":  # a link of no known agent to some file of a known one
        target = plex.file(f"{item.bundle}/Contents/{OLD}/{shelf}/{sha1(url)}")
        link = f"{item.bundle}/Contents/_combined/{shelf}/odd_{sha1(url)}"
        plex.link(link, os.path.relpath(target, os.path.dirname(link)))
        return f"metadata://{shelf}/odd_{sha1(url)}"
    made = image(
        plex,
        item,
        top,
        url,
        below=name,
        agent=OLD,
        stored=how == "stored",
        windows=how == "windows",
        external=how == "external",
    )
    legacy.append(made)
    return made.value


def named(plex: PlexBuilder, found: Plan) -> Iterator[tuple[str, list[str]]]:
    """Yield all values of the database, after those of the plan are written, with the bundles that each may mean."""
    con = sqlite3.connect(plex.database)
    above = {
        item: (parent, digest) for item, parent, digest in con.execute("SELECT id, parent_id, hash FROM metadata_items")
    }
    written = {(row.item, row.column): row.new for row in found.drafts if row.action == Action.UPDATE}
    for column in COLUMNS:
        for item, value in con.execute(f"SELECT id, user_{column}_url FROM metadata_items"):
            family, at = [], item
            while at in above:
                at, digest = above[at]
                family.append(f"/{digest[0]}/{digest[1:]}.bundle/")
            yield written.get((item, f"user_{column}_url"), value) or "", family
    for (value,) in con.execute("SELECT user_thumb_url FROM tags"):
        yield value or "", ["/"]
    con.close()


def needed(root: Path, values: Iterator[tuple[str, list[str]]]) -> set[str]:
    """Return every path that some value could mean, and whatever those lead to or share a body with."""
    every = {str(path.relative_to(root)): path for part in ("Metadata", "Media") for path in (root / part).rglob("*")}
    found: set[str] = set()
    for value, family in values:
        scheme, _, tail = value.partition("://")
        ends = tuple(f"/{place}/{tail}" for place in PLACES.get(scheme, ()))
        for rel, path in every.items():
            if tail and rel.endswith(ends) and any(each in rel for each in (["/"] if scheme == "media" else family)):
                found |= {rel, os.path.relpath(os.path.realpath(path), os.path.realpath(root))}
    bodies = {
        (every[rel].stat().st_dev, every[rel].stat().st_ino) for rel in found if rel in every and every[rel].exists()
    }
    for rel, path in every.items():
        if not path.is_dir() and (path.lstat().st_dev, path.lstat().st_ino) in bodies:
            found.add(rel)
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    pictures=st.lists(picture, min_size=1, max_size=6),
    choices=st.lists(choice, max_size=6),
    steps=orders,
    loose=st.booleans(),
)
def test_no_plan_takes_what_a_column_names(
    kinds: list[int],
    pictures: list[tuple[int, str, int, str]],
    choices: list[tuple[int, str, int, str]],
    steps: list[str],
    loose: bool,
) -> None:
    with tempfile.TemporaryDirectory(prefix="plan-property-") as scratch:
        plex = PlexBuilder(Path(scratch) / "plex")
        items, values = build(plex, kinds, pictures)
        values = [value for value in values if value]
        for owner, column, number, where in choices:
            value = values[number % len(values)] if values else "metadata://posters/none"
            if where == "tag":
                plex.row("tags", tag="x", tag_type=6, user_thumb_url=value)
            else:
                plex.set(items[owner % len(items)], **{column: value})
        found = plan(plex, steps, host=loose, unproven=loose, upload_newest=0, upload_days=0, collections=loose)
        kept = needed(plex.path, named(plex, found))
        taken = found.paths()
        for tree in found.paths(action=Action.TREE):
            taken |= {str(path.relative_to(plex.path)) for path in (plex.path / tree).rglob("*") if not path.is_dir()}
        assert not taken & kept
        for folder in found.paths(action=Action.FOLDER):
            left = {str(path.relative_to(plex.path)) for path in (plex.path / folder).rglob("*") if not path.is_dir()}
            assert left <= taken
        shutil.rmtree(plex.path)

"""C7: uploads do not come back, so nearly everything keeps them."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from cleanup.choices import Klass
from cleanup.picture import MARK
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample


def picture(mark: str = "") -> bytes:
    image, file = Image.new("RGB", (8, 8)), io.BytesIO()
    exif = image.getexif()
    if mark:
        exif[MARK] = mark
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def test_the_default_policy_leaves_them_alone(made: Sample) -> None:
    found = plan(made.folder, classes=[each for each in Klass.values if each != Klass.UPLOAD])
    assert not [path for path in found.paths() if "/Uploads/" in path]


def test_it_keeps_the_newest_the_young_the_themes_and_those_in_use(made: Sample) -> None:
    now = time.time_ns()
    found = plan(made.folder, ["uploads"], now_ns=now)
    old = {made.paths[f"upload old {number}"] for number in (3, 4, 5)}
    assert found.paths(Klass.UPLOAD) == old
    assert {each.risk for each in found.drafts} == {"high"}
    found = plan(made.folder, ["uploads"], now_ns=now, upload_newest=0)
    assert found.paths() == {made.paths["upload unused"], *(made.paths[f"upload old {n}"] for n in range(6))}
    assert found.kept == {"young": 1, "theme": 1}
    found = plan(made.folder, ["uploads"], now_ns=now, upload_newest=0, upload_days=0, upload_themes=True)
    assert {made.paths["upload young"], made.paths["upload theme"]} < found.paths()
    assert not found.paths() & {made.paths["upload season"], made.paths["collection upload"]}


@pytest.mark.parametrize(
    ("content", "goes"),
    [(picture("overlay"), True), (picture("other"), False), (picture(), False), (b"no picture", False)],
)
def test_it_tells_what_kometa_drew(plex: PlexBuilder, content: bytes, goes: bool) -> None:
    film = plex.item(1, "Film")
    path, _value = plex.upload(film, f"posters/{sha1('a')}", content)
    found = plan(plex, ["uploads"], upload_newest=0, overlays_only=True)
    assert (path in found.paths()) is goes and found.kept["no_overlay"] == (not goes)


def test_names_that_are_no_uploads_stay(plex: PlexBuilder) -> None:
    film = plex.item(1, "Film")
    for name in ("posters/mine.jpg", f"mine/{sha1('a')}", f"posters/sub/{sha1('a')}", f"posters/.{sha1('a')}"):
        plex.upload(film, name)
    assert not plan(plex, ["uploads"], upload_newest=0).drafts

"""Ways to make a plan believe what it must not: databases that say nothing, folders that are something else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cleanup import folders, libraries, services
from cleanup.choices import Action, RunState
from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.core.errors import Conflict, UsageError
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup.applying.world import write
from tests.cleanup.planned import plan, reading
from tests.cleanup.plexfolder import sample
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

pytestmark = pytest.mark.django_db
NULLS = (
    "UPDATE metadata_items SET user_thumb_url=NULL, user_art_url='', user_banner_url=NULL, user_music_url=NULL,"
    " user_clear_logo_url=NULL, user_square_art_url=NULL"
)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def made(tmp_path: Path) -> Sample:
    found = sample.make(tmp_path)
    (tmp_path / "media/film.mkv").write_text("x")
    return found


def known(path: Path, **values: Any) -> PlexFolder:
    return PlexFolder.objects.create(name="Plex", path=str(path), policy={"most_share": 1.0}, **values)


def planned(folder: PlexFolder, *steps: str) -> Run:
    drain(services.plan(folder, steps or ["all"]).job.pk)
    return Run.objects.latest("pk")


def test_a_database_in_which_nothing_has_a_picture_is_not_believed(made: Sample) -> None:
    write(made.plex.database, NULLS)
    run = planned(known(made.folder))
    assert (run.state, run.reason) == (RunState.REFUSED, "plex_index_empty") and not PlanRow.objects.exists()


def test_a_database_that_lost_its_pictures_since_the_last_plan_is_not_believed(made: Sample) -> None:
    folder = known(made.folder)
    assert planned(folder).state == RunState.PLANNED
    folder.refresh_from_db()
    write(made.plex.database, NULLS + " WHERE metadata_type IN (1, 2, 3)")
    run = planned(folder)
    assert (run.state, run.reason) == (RunState.REFUSED, "cleanup_index_shrank")


def test_an_orphan_stays_while_a_library_has_no_folder_at_all(made: Sample) -> None:
    write(made.plex.database, "DELETE FROM section_locations WHERE library_section_id=1")
    run = planned(known(made.folder))
    assert run.state == RunState.PLANNED
    trees = PlanRow.objects.filter(run=run, action=Action.TREE).values_list("path", flat=True)
    assert trees and not [path for path in trees if path.startswith(("Metadata/Movies", "Media"))]
    with reading(made.folder) as source:
        assert libraries.missing(libraries.locations(source.con, source.schema), elsewhere=True)


@pytest.mark.parametrize("where", ["/", "root", "Metadata", "Metadata/Movies", "Media", "Plug-in Support", "above"])
def test_the_cache_is_nowhere_where_something_else_lies(made: Sample, where: str) -> None:
    place = {"/": "/", "root": str(made.folder), "above": str(made.folder.parent)}.get(where, str(made.folder / where))
    run = planned(known(made.folder, cache_path=place), "cache")
    assert (run.state, run.reason) == (RunState.REFUSED, "plex_cache_place") and not PlanRow.objects.exists()


def test_the_cache_is_no_folder_of_a_library(made: Sample, tmp_path: Path) -> None:
    """A library of photos that somebody keeps by their digests looks just like the cache."""
    name = sha1("a photo")
    photo = tmp_path / "media" / name[:2] / f"{name}.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"precious")
    os.utime(photo, (1, 1))
    for place in (tmp_path / "media", tmp_path / "media" / name[:2]):
        run = planned(known(made.folder, cache_path=str(place)), "cache")
        assert (run.state, run.reason) == (RunState.REFUSED, "plex_cache_place")
        PlexFolder.objects.all().delete()


@pytest.mark.parametrize("where", ["library", "below", "link", "Metadata", "Cache", "/"])
def test_the_quarantine_is_nowhere_where_something_else_lies(made: Sample, tmp_path: Path, where: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "media")
    place = {
        "library": tmp_path / "media",
        "below": tmp_path / "media/deep/er",
        "link": tmp_path / "link/deep",
        "/": Path("/"),
    }.get(where, made.folder / where)
    run = planned(known(made.folder, quarantine_path=str(place)))
    assert (run.state, run.reason) == (RunState.REFUSED, "cleanup_quarantine_place")


def test_a_data_folder_is_known_once_whatever_the_way_to_it(made: Sample, tmp_path: Path) -> None:
    first = folders.add(str(made.folder))
    (tmp_path / "way").symlink_to(made.folder)
    for path in (f"{made.folder}/", f"{tmp_path}//plex", f"{tmp_path}/way"):
        assert folders.add(path) == first
        with pytest.raises((UsageError, Conflict)):
            folders.check(str(tmp_path / "way"))
    assert PlexFolder.objects.count() == 1


def test_a_plan_is_not_applied_to_another_database(made: Sample, tmp_path: Path) -> None:
    folder = known(made.folder)
    run = planned(folder, "bundle:metadata:3")
    copy = tmp_path / "other.db"
    copy.write_bytes(made.plex.database.read_bytes())
    for end in ("-wal", "-shm"):
        Path(f"{made.plex.database}{end}").unlink(missing_ok=True)
    os.replace(copy, made.plex.database)
    services.accept(run, files_typed=run.facts["sums"]["files"], actor="x")
    job = drain(services.apply(run).job.pk)
    assert job.reason_code == "cleanup_database_replaced", (job.state, job.reason_code)
    assert not PlanRow.objects.exclude(outcome="planned").exists()
    assert Job.objects.count() == 2


def test_a_file_to_which_a_link_of_another_bundle_leads_stays(tmp_path: Path) -> None:
    """Programs that look for files of the same content make such links; seen where both bundles are looked at."""
    plex = PlexBuilder(tmp_path / "plex")
    film, show = plex.item(1, "Film"), plex.item(2, "Show")
    path, _value = plex.modern(show, "posters", "https://x/1")
    name = f"posters/tv.plex.agents.movie_{sha1('https://x/1')}"
    link = f"{film.bundle}/Contents/_combined/{name}"
    plex.link(link, os.path.relpath(plex.path / path, os.path.dirname(plex.path / link)))
    plex.set(film, thumb=f"metadata://{name}")
    plex.set(show, thumb="https://x/2")
    plex.finish()
    for steps in (["all"], ["movie:1", "show:1"], ["bundle:metadata:3"]):
        run = planned(known(plex.path), *steps)
        assert run.state == RunState.PLANNED and not PlanRow.objects.filter(run=run, path=path).exists()
        assert path in plan(plex.path, steps).paths(), "which the end of the plan has to drop"
        PlexFolder.objects.all().delete()


def test_a_link_by_another_name_of_the_data_folder_counts(tmp_path: Path) -> None:
    plex = PlexBuilder(tmp_path / "plex")
    (tmp_path / "older name").symlink_to(plex.path)
    film, other = plex.item(1, "Film"), plex.item(1, "Other", thumb="https://x/2")
    path, _value = plex.modern(other, "posters", "https://x/1")
    name = f"posters/a_{sha1('https://x/1')}"
    plex.link(f"{film.bundle}/Contents/_combined/{name}", str(tmp_path / "older name" / path))
    plex.set(film, thumb=f"metadata://{name}")
    run = planned(known(plex.finish()), "movie:1")
    assert run.state == RunState.PLANNED and not PlanRow.objects.filter(path=path).exists()


def test_a_plan_that_cannot_remember_all_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleanup import planning

    monkeypatch.setattr(planning, "MOST_OUTWARD", 3)
    plex = PlexBuilder(tmp_path / "plex")
    film, other = plex.item(1, "Film", thumb="https://x/1"), plex.item(1, "Other", thumb="https://x/2")
    for number in range(5):
        path, _value = plex.modern(other, "posters", f"https://x/{number}")
        link = f"{film.bundle}/Contents/_combined/posters/a_{sha1(str(number))}"
        plex.link(link, os.path.relpath(plex.path / path, os.path.dirname(plex.path / link)))
    run = planned(known(plex.finish()), "movie:1")
    assert (run.state, run.reason) == (RunState.REFUSED, "cleanup_many_links"), run.facts.get("why")

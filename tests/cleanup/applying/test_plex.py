"""What an apply does together with a running Plex (a fake one): art on probation, art on a host, Plex's own jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanup import apply_art, services
from cleanup.choices import Klass, Outcome
from cleanup.hosting import save as save_host
from cleanup.models import ImageHost, PlanRow, Run
from cleanup.plexdata.pms import Signs
from mediasync.jobs.drain import drain
from mediasync.notify.models import Channel, Notice, Rule
from mediasync.servers import services as servers
from mediasync.servers.clients import plex_butler
from mediasync.servers.models import Server
from tests.fakes.plex_butler import FakePlexButler
from tests.fakes.server import Library

from .world import World

CATEGORY = "/library/sections/1/categories/thumb/1"


@pytest.fixture
def plex(world: World, signs: dict[str, Signs], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePlexButler]:
    """A Plex that runs and is idle; the policy lets its database be written meanwhile, art included."""
    monkeypatch.setattr(apply_art, "PAUSE", 0.0)
    monkeypatch.setattr(plex_butler, "POLL", 0.01)
    signs["now"] = Signs(True, ("identity",), True)
    with FakePlexButler([Library("Films", "movie", [str(world.path / "media")])]) as fake:
        fake.thumbs = {"1": [CATEGORY, "/library/sections/1/categories/thumb/2"]}
        server = servers.save(Server(name="Plex", kind="plex", url=fake.url), token=fake.token)
        world.folder.server = server
        world.folder.save()
        world.policy(live_writes=True, columns=["thumb", "art", "banner", "music", "clear_logo", "square_art"])
        yield fake


def art(world: World) -> str | None:
    return world.values()[world.sample.items["film"].id, "user_art_url"]


def test_art_stays_a_web_address_where_plex_shows_it(world: World, plex: FakePlexButler) -> None:
    run = world.apply()
    assert run.state == "applied", world.job and world.job.__dict__
    assert art(world) == world.sample.urls["film art"]
    assert not world.there("film art") and not world.lost()
    assert CATEGORY in [request.path for request in plex.requests]


def test_art_goes_back_where_plex_dies_of_it_and_the_rest_stays(world: World, plex: FakePlexButler) -> None:
    plex.crash_on = {CATEGORY}
    before = art(world)
    run = world.apply()
    assert plex.crashed
    assert art(world) == before and world.there("film art")
    assert run.state == "applied" and run.report["stopped"] == "art_crashed"
    rows = PlanRow.objects.filter(run=run, column="user_art_url", action="update")
    assert set(rows.values_list("outcome", "reason")) == {(Outcome.RESTORED, "art_crashed")}
    assert world.there("film poster unused"), "nothing was put away after that"
    assert not world.lost()
    world.restore(run)
    assert not world.lost()


def test_art_waits_for_plex_to_be_started(world: World, plex: FakePlexButler, signs: dict[str, Signs]) -> None:
    run = world.accepted()
    plex.crashed = True
    signs["now"] = Signs(False)
    job = world.until_it_sleeps(services.apply(run))
    assert (job.state, job.reason_code) == ("scheduled", "cleanup_art_waits")
    assert world.there("film art") and world.there("film poster")
    assert not world.lost()


def test_art_is_not_written_where_nobody_can_watch(world: World) -> None:
    world.policy(columns=["thumb", "art"])
    before = art(world)
    run = world.apply()
    assert art(world) == before and world.there("film art")
    reasons = PlanRow.objects.filter(run=run, column="user_art_url", action="update").values_list("outcome", "reason")
    assert set(reasons) == {(Outcome.SKIPPED, "art_needs_server")}


def test_art_of_media_is_put_on_an_image_host(world: World, plex: FakePlexButler, tmp_path: Path) -> None:
    place = tmp_path / "www"
    place.mkdir()
    host = save_host(ImageHost(name="own", kind="folder", settings={"path": str(place), "url": "https://art.example"}))
    world.folder.image_host = host
    world.folder.save()
    world.policy(classes=[*world.folder.policy["classes"], Klass.REHOST])
    tree, values = world.tree(), world.values()
    content = (world.root / world.sample.paths["art media"]).read_bytes()
    run = world.apply()
    assert run.state == "applied"
    value = world.values()[world.sample.items["art film"].id, "user_art_url"]
    assert value is not None and value.startswith("https://art.example/")
    assert (place / value.removeprefix("https://art.example/")).read_bytes() == content
    assert not world.there("art media") and not world.lost()
    world.restore(run)
    assert world.tree() == tree and world.values() == values


def test_art_that_cannot_be_uploaded_stays_where_it_is(world: World, plex: FakePlexButler, tmp_path: Path) -> None:
    place = tmp_path / "www"
    place.mkdir()
    host = save_host(ImageHost(name="own", kind="folder", settings={"path": str(place), "url": "https://art.example"}))
    world.folder.image_host = host
    world.folder.save()
    world.policy(classes=[Klass.REHOST])
    run = world.accepted()
    place.rmdir()
    run = world.apply(run)
    assert world.job is not None and (world.job.state, world.job.reason_code) == ("paused", "host_folder")
    assert world.there("art media") and not world.lost()


def test_plex_is_asked_for_its_own_jobs_and_awaited(world: World, plex: FakePlexButler) -> None:
    world.policy(ask_after=["empty_trash", "clean_bundles", "optimize"])
    run = world.apply(None, "movie:1")
    assert plex.asked == ["library.clean.bundles", "library.optimize", "library.trash.1"]
    assert run.report["asked"]["clean_bundles"] == "done"
    assert plex.working == {}, "it waited until they were done"


def test_no_trash_is_emptied_while_a_folder_of_a_library_lacks(world: World, plex: FakePlexButler) -> None:
    world.policy(ask_after=["empty_trash"])
    run = world.accepted("movie:1")
    (world.path / "media" / "film.mkv").unlink()
    run = world.apply(run)
    assert plex.asked == [] and run.report["asked"] == {"empty_trash": "library_missing"}


def test_a_schedule_leaves_values_out_while_plex_runs(world: World, signs: dict[str, Signs]) -> None:
    from mediasync.jobs.choices import Trigger

    signs["now"] = Signs(True, ("identity",), True)
    run = world.accepted()
    before = world.values()
    assert drain(services.apply(run, trigger=Trigger.SCHEDULE).job.pk).state == "completed"
    assert world.values() == before
    assert not world.there("film poster unused") and world.there("film poster")
    assert not world.lost()


def test_people_are_told(world: World) -> None:
    channel = Channel.objects.create(name="c", service="x", url_sealed="x")
    rule = Rule.objects.create(channel=channel, events=["cleanup_report"])
    run = world.apply()
    notice = Notice.objects.get(rule=rule)
    files = Run.objects.get(pk=run.pk).report["sums"]["files"]
    assert str(files) in notice.params["text"]

"""Plex's housekeeping: what it is doing, what it is asked for, and the wait until it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_core import OpenAPI

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Permanent, Transient
from mediasync.servers.clients.base import Access
from mediasync.servers.clients.plex_butler import Activity, PlexButler, Window
from tests.contracts.conftest import fixtures, only, read  # noqa: F401
from tests.contracts.judge import complaints
from tests.fakes.plex_butler import FakePlexButler
from tests.fakes.server import Library


@pytest.fixture
def plex(tmp_path: Path) -> Iterator[FakePlexButler]:
    with FakePlexButler([Library("Films", "movie", [str(tmp_path)])]) as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def butler(plex: FakePlexButler, clock: FakeClock) -> Iterator[PlexButler]:
    client = PlexButler(Access(plex.url, plex.token), clock=clock)
    yield client
    client.close()


def test_it_tells_whether_a_server_is_there(plex: FakePlexButler, butler: PlexButler) -> None:
    assert butler.running()
    plex.fail(503)
    assert butler.running(), "it starts"
    plex.crashed = True
    assert not butler.running()


def test_it_needs_no_token_for_that(plex: FakePlexButler) -> None:
    stranger = PlexButler(Access(plex.url, "wrong"))
    assert stranger.running()
    with pytest.raises(AccessDenied):
        stranger.sessions()
    stranger.close()


def test_it_takes_no_other_server_for_plex(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.fail(200, body=b"<html>a router</html>")
    with pytest.raises(Permanent):
        butler.running()


def test_it_sees_what_the_server_is_doing(plex: FakePlexButler, butler: PlexButler) -> None:
    assert (butler.sessions(), butler.activities()) == (0, [])
    plex.watching = 2
    plex.libraries["1"].scanning = True
    assert butler.sessions() == 2
    [found] = butler.activities()
    assert (found.kind, found.section, found.progress) == ("library.update.section", "1", 10)


def test_it_knows_the_hours_of_the_butler(plex: FakePlexButler, butler: PlexButler) -> None:
    assert butler.window() == Window(2, 5)
    del plex.prefs["ButlerEndHour"]
    assert butler.window() is None


@pytest.mark.parametrize(
    ("start", "end", "inside"), [(2, 5, {2, 3, 4}), (23, 2, {23, 0, 1}), (4, 4, set(range(24))), (0, 1, {0})]
)
def test_hours_may_pass_midnight(start: int, end: int, inside: set[int]) -> None:
    assert {hour for hour in range(24) if Window(start, end).holds(hour)} == inside


def test_it_starts_and_stops_tasks(plex: FakePlexButler, butler: PlexButler) -> None:
    assert [each.name for each in butler.tasks()][:2] == ["BackupDatabase", "CleanOldBundles"]
    assert butler.tasks()[1].days == 7 and butler.tasks()[1].enabled
    assert butler.start("CleanOldBundles").status == 200
    assert butler.start("CleanOldBundles").status == 202
    assert butler.stop("CleanOldBundles").status == 200
    assert not plex.working
    with pytest.raises(Permanent):
        butler.start("../library/optimize")
    with pytest.raises(Permanent):
        butler.start("Nonsense")


def test_it_asks_for_the_rest(plex: FakePlexButler, butler: PlexButler) -> None:
    butler.clean_bundles()
    butler.optimize()
    butler.empty_trash("1")
    butler.look_again(7, "refresh")
    butler.look_again(7, "analyze")
    assert plex.asked == ["library.clean.bundles", "library.optimize", "library.trash.1", "refresh.7", "analyze.7"]
    assert dict(plex.requests[0].query) == {"async": "1"}
    with pytest.raises(Permanent):
        butler.empty_trash("1/../2")


def test_it_reads_locked_fields(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.locked[5] = ["thumb", "title"]
    assert butler.locked_fields(5) == {"thumb", "title"}
    with pytest.raises(Permanent):
        butler.locked_fields(6)


def test_it_has_pictures_of_categories_rendered(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.thumbs["1"] = ["/library/sections/1/genre/1/composite", "https://elsewhere.example/x"]
    assert butler.categories("1") == ["/library/sections/1/genre/1/composite"]
    assert butler.picture("/library/sections/1/genre/1/composite") > 1000
    plex.crash_on = {"/library/sections/1/genre/1/composite"}
    with pytest.raises(Transient):
        butler.picture("/library/sections/1/genre/1/composite")
    assert not butler.running()
    with pytest.raises(Permanent):
        butler.picture("https://elsewhere.example/x")


def test_it_waits_until_all_is_done(plex: FakePlexButler, butler: PlexButler, clock: FakeClock) -> None:
    plex.steps = 3
    butler.start("OptimizeDatabase")
    seen: list[Activity] = []
    began = clock.monotonic()
    assert butler.wait_idle(limit=600, told=seen.append)
    assert [each.kind for each in seen] == ["butler.OptimizeDatabase"] * 3
    assert clock.monotonic() - began > 6


def test_it_waits_for_one_kind_only(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.libraries["1"].scanning = True
    assert butler.wait_idle(["butler."], limit=60)
    assert not butler.wait_idle(["library."], limit=60)


def test_it_does_not_take_silence_for_quiet(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.fail(503, 200)
    assert not butler.wait_idle(limit=300)


def test_a_wait_may_be_stopped(plex: FakePlexButler, butler: PlexButler) -> None:
    plex.libraries["1"].scanning = True

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        butler.wait_idle(sleep=stop)


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b'{"MediaContainer": []}',
        b'{"MediaContainer": {"Activity": [5]}}',
        b'{"MediaContainer": {"Activity": 5}}',
    ],
)
def test_it_does_not_trip_over_strange_answers(answer: bytes, plex: FakePlexButler, butler: PlexButler) -> None:
    json.loads(answer)
    plex.fail(200, body=answer)
    with pytest.raises(Permanent):
        butler.activities()


def test_requests_and_answers_keep_to_the_document(
    plex: FakePlexButler,
    butler: PlexButler,
    fixtures: Path,  # noqa: F811
) -> None:
    document = read(fixtures / "plex/openapi-legacy.yaml")
    paths = ["/identity", "/status/sessions", "/activities", "/butler", "/butler/{taskName}"]
    judge: OpenAPI = only({**document, "servers": [{"url": "http://fake"}]}, *paths)
    butler.running()
    butler.sessions()
    butler.tasks()
    butler.start("CleanOldBundles")
    butler.activities()
    butler.stop("CleanOldBundles")
    wrong = [complaint for exchange in plex.exchanges for complaint in complaints(judge, *exchange)]
    assert [each for each in wrong if not each.endswith("is a required property")] == []
    assert len(plex.exchanges) == 6

"""A person has a whole library scanned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import library_scan, limits, services
from mediasync.servers.models import Library, Server
from tests.fakes import server as fakes
from tests.fakes.plex import FakePlex

pytestmark = pytest.mark.django_db


def test_it_asks_for_all_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").touch()
    with FakePlex([fakes.Library("Films", "movie", [str(tmp_path)])]) as plex:
        server = services.save(Server(name="p", kind="plex", url=plex.url), token=plex.token)
        services.load_libraries(server)
        job = drain(library_scan.submit(Library.objects.get(), actor="me").job.pk, threads=False)
        assert job.state == JobState.COMPLETED
        assert plex.known == {str(tmp_path / "a.mkv")}
    assert Library.objects.get().last_scan_at is not None


def test_it_refuses_a_library_that_is_not_there() -> None:
    with pytest.raises(UsageError):
        jobs.submit("scan_library", {"library": 7})


@pytest.fixture
def plex(tmp_path: Path) -> Iterator[FakePlex]:
    """A server with one library, which is known here."""
    with FakePlex([fakes.Library("Films", "movie", [str(tmp_path)])]) as plex:
        services.load_libraries(services.save(Server(name="p", kind="plex", url=plex.url, pace=0), token=plex.token))
        yield plex


def asked(plex: FakePlex) -> list[int]:
    return [answer.status for request, answer in plex.exchanges if request.path.endswith("/refresh")]


@pytest.mark.parametrize("away", [[503], [502, 504], [503] * 8])
def test_it_waits_for_a_server_that_is_away(plex: FakePlex, away: list[int]) -> None:
    for status in away:
        plex.fail(status)
    clock = FakeClock()
    began = clock.now()
    job = drain(library_scan.submit(Library.objects.get()).job.pk, threads=False, clock=clock)
    assert (job.state, asked(plex)) == (JobState.COMPLETED, [*away, 200])
    assert Server.objects.get().fails == 0
    if len(away) > limits.OPENS_AT:
        assert clock.now() - began > dt.timedelta(seconds=200), "by the breaker of the server"


def test_it_asks_nothing_while_the_breaker_is_open(plex: FakePlex) -> None:
    clock = FakeClock()
    Server.objects.update(fails=9, cooldown_until=clock.now() + dt.timedelta(hours=1))
    pk = library_scan.submit(Library.objects.get()).job.pk
    job = drain(pk, threads=False, clock=clock, stop=lambda: Job.objects.get(pk=pk).state == JobState.SCHEDULED)
    assert (job.reason_code, asked(plex)) == ("server_later", [])
    server = Server.objects.get()
    services.resume(server)
    Server.objects.update(cooldown_until=None)
    assert library_scan.hurry(server, clock.now()) == 1
    assert drain(pk, threads=False, clock=clock).state == JobState.COMPLETED
    assert asked(plex) == [200]


def test_a_refused_token_pauses_the_server_and_the_scan_waits(plex: FakePlex) -> None:
    clock = FakeClock()
    plex.fail(401)
    pk = library_scan.submit(Library.objects.get()).job.pk
    drain(pk, threads=False, clock=clock, stop=lambda: Job.objects.get(pk=pk).reason_code == "server_paused")
    server = Server.objects.get()
    assert (server.paused, asked(plex)) == (True, [401])
    services.resume(server)
    assert drain(pk, threads=False, clock=clock).state == JobState.COMPLETED
    assert asked(plex) == [401, 200]


def test_a_library_that_is_gone_meanwhile_is_skipped(plex: FakePlex) -> None:
    pk = library_scan.submit(Library.objects.get()).job.pk
    Library.objects.all().delete()
    assert drain(pk, threads=False).state in (JobState.COMPLETED, JobState.SKIPPED)
    assert asked(plex) == []

"""A server that is away for ten minutes gets everything that happened meanwhile, exactly once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from mediasync.core.errors import Unreachable
from mediasync.jobs.choices import TERMINAL
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers.clients.base import Answer, ScanTarget
from mediasync.servers.models import Library, Server
from scanning import services
from scanning.models import ScanRequest
from scanning.requests import Wanted, request_many
from scanning.units import Unit

from .helpers import START, Clock, FakeClient, make_server, run

pytestmark = pytest.mark.django_db
BACK = START + dt.timedelta(minutes=10)


@dataclass
class Away(FakeClient):
    """Nobody answers until ``BACK``."""

    clock: Clock | None = None
    tries: int = 0

    def scan(self, targets: Sequence[ScanTarget]) -> Answer:
        self._here()
        return super().scan(targets)

    def _here(self) -> None:
        assert self.clock is not None
        if self.clock.now() < BACK:
            self.tries += 1
            raise Unreachable("refused")


def change(server: Server, *paths: str, clock: Clock) -> int:
    library = Library.objects.get(server=server)
    units = [Unit(path, path.replace("/srv", "/mnt"), "Modified", server.kind == "plex") for path in paths]
    request_many(server, [Wanted(unit, library.pk) for unit in units], clock.now())
    job = services.deliver(server.pk)
    assert job is not None
    return job


def work(job: int, clock: Clock, until: dt.datetime) -> None:
    """Run a job until a time, and let that time come."""
    drain(job, clock=clock, threads=False, stop=lambda: clock.now() >= until)
    if clock.now() < until:
        clock.advance((until - clock.now()).total_seconds())


@pytest.mark.parametrize("kind", ["plex", "emby", "jellyfin"])
def test_all_is_told_once_when_it_is_back(kind: str, clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(kind)
    away = Away(clock=clock, unit="directory") if kind == "plex" else Away(clock=clock, unit="file", batch=500)
    clients[kind] = away
    for minute in range(10):
        job = change(server, f"/srv/tv/{minute}/a", f"/srv/tv/{minute}/b", "/srv/tv/again/c", clock=clock)
        work(job, clock, START + dt.timedelta(minutes=minute + 1))
    assert away.asked == [] and away.tries < 20
    for job in Job.objects.filter(kind="deliver").exclude(state__in=TERMINAL).values_list("pk", flat=True):
        run(job, clock)
    wanted = {f"/srv/tv/{minute}/{name}" for minute in range(10) for name in "ab"} | {"/srv/tv/again/c"}
    assert Counter(away.asked) == Counter(wanted)
    assert set(ScanRequest.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert ScanRequest.objects.get(path="/srv/tv/again/c").hits == 10
    told = ScanRequest.objects.latest("sent_at").sent_at
    assert told is not None and told - BACK < dt.timedelta(minutes=15)

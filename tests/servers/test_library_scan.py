"""A person has a whole library scanned."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.servers import library_scan, services
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

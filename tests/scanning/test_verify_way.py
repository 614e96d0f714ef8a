"""A file changes in a real folder, and a server over real HTTP is proved to know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.jobs.choices import TERMINAL
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers.models import Library
from monitors.models import Root
from scanning.figures import figures
from scanning.models import ScanRequest
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer
from tests.fakes.server import Library as Shelf

from .test_sync import connect, put, sync


def all_of_it(root: Root) -> None:
    """Run a sync, the delivery and the proof that follows it."""
    sync(root)
    for job in Job.objects.filter(kind="verify").exclude(state__in=TERMINAL):
        drain(job.pk, threads=False)


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("kind", "shelf"), [(FakePlex, "show"), (FakeEmby, "tvshows"), (FakeJellyfin, "tvshows")])
def test_a_change_is_verified_and_a_removal_is_gone(
    kind: type[FakeServer], shelf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanning.verifying.FIRST", dict.fromkeys(("plex", "emby", "jellyfin"), 0.0))
    source = tmp_path / "tv"
    put(source / "Old/S1/1.mkv")
    root = Root.objects.create(name="tv", path=str(source), every=0, reconcile_every=0)
    with kind([Shelf("TV", shelf, [str(source)])]) as fake:
        server = connect(fake, verify=True)
        all_of_it(root)
        put(source / "Old/S1/2.mkv")
        all_of_it(root)
        assert set(ScanRequest.objects.values_list("state", flat=True)) == {"verified"}
        assert ScanRequest.objects.get().changed_at is not None
        (source / "Old/S1/2.mkv").unlink()
        all_of_it(root)
    assert sorted(ScanRequest.objects.values_list("state", flat=True)) == ["gone", "verified"]
    began = ScanRequest.objects.earliest("first_at").first_at
    assert figures(began, server.pk)[server.pk, Library.objects.get().pk].median is not None

"""The whole way: a file changes in a real folder, servers over real HTTP are told and know it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.jobs import services as jobs
from mediasync.jobs.choices import TERMINAL, JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors.models import Change, Root
from scanning.models import LinkRule, ScanRequest
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(tmp_path: Path) -> Path:
    put(tmp_path / "tv/Old/S1/1.mkv")
    return tmp_path / "tv"


@pytest.fixture
def root(source: Path) -> Root:
    return Root.objects.create(name="tv", path=str(source), every=0, reconcile_every=0)


@pytest.fixture
def plex(source: Path) -> Iterator[FakePlex]:
    with FakePlex([Library("TV", "show", [str(source)])]) as fake:
        yield fake


def put(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def connect(fake: FakeServer, **values: Any) -> Server:
    """Add a server that is told without delay."""
    quick = {"debounce": 0, "root_window": 0, "pace": 0, "verify": False} | values
    server = Server(name=fake.kind, kind=fake.kind.lower(), url=fake.url, **quick)
    servers.save(server, token=fake.token)
    servers.load_libraries(server)
    fake.exchanges.clear()
    return server


def sync(root: Root, **scope: Any) -> Job:
    """Run a sync and all that it sets going."""
    job = drain(jobs.submit("sync", {"root": root.pk, **scope}).job.pk, threads=False)
    assert job.state == JobState.COMPLETED, (job.state, job.reason_code, job.reason_params)
    for each in Job.objects.exclude(state__in=TERMINAL):
        drain(each.pk, threads=False)
    return job


def asked(plex: FakePlex) -> list[str]:
    return [request.value("path") for request in plex.requests if request.path.endswith("/refresh")]


def test_a_baseline_tells_nobody(root: Root, plex: FakePlex) -> None:
    connect(plex)
    sync(root)
    assert plex.requests == []


def test_a_server_hears_of_the_folder_that_changed(root: Root, source: Path, plex: FakePlex) -> None:
    connect(plex)
    sync(root)
    put(source / "New Show (2020)/S1/é & 1.mkv")
    put(source / "Old/S1/2.mkv")
    sync(root)
    assert sorted(asked(plex)) == [f"{source}/New Show (2020)/S1", f"{source}/Old/S1"]
    assert plex.known == {
        str(source / below) for below in ("New Show (2020)/S1/é & 1.mkv", "Old/S1/1.mkv", "Old/S1/2.mkv")
    }
    assert set(Change.objects.values_list("state", flat=True)) == {"told"}
    assert set(ScanRequest.objects.values_list("state", "answer_status")) == {("sent", 200)}


def test_an_upgrade_is_one_scan(root: Root, source: Path, plex: FakePlex) -> None:
    connect(plex)
    sync(root)
    (source / "Old/S1/1.mkv").unlink()
    put(source / "Old/S1/1.2160p.mkv", "better")
    sync(root)
    assert asked(plex) == [f"{source}/Old/S1"]


def test_a_removed_season_disappears_from_plex(root: Root, source: Path, plex: FakePlex) -> None:
    put(source / "Old/S2/1.mkv")
    Root.objects.update(max_removed_ratio=1.0)
    root.refresh_from_db()
    connect(plex)
    sync(root)
    for library in plex.libraries.values():
        library.look(str(source))
    shutil.rmtree(source / "Old/S2")
    sync(root)
    assert asked(plex) == [f"{source}/Old"]
    assert plex.known == {str(source / "Old/S1/1.mkv")}


def test_every_kind_of_server_hears_of_the_links(root: Root, source: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    LinkRule.objects.create(root=root, target=str(links))
    libraries = [Library("TV", "tvshows", [str(links)])]
    with FakeEmby(libraries) as emby, FakeJellyfin([Library("TV", "tvshows", [str(links)])]) as jellyfin:
        connect(emby)
        connect(jellyfin)
        sync(root)
        assert (links / "Old/S1/1.mkv").is_symlink()
        assert emby.requests == jellyfin.requests == []
        put(source / "Old/S1/2.mkv")
        put(source / "Old/S1/3.mkv")
        sync(root)
        for fake in (emby, jellyfin):
            assert [request.method for request in fake.requests] == ["POST"]
            assert fake.known == {str(links / f"Old/S1/{n}.mkv") for n in (2, 3)}
    assert not ScanRequest.objects.exclude(state="sent").exists()


def test_what_a_server_missed_while_it_was_away_is_told_later(root: Root, source: Path, plex: FakePlex) -> None:
    server = connect(plex)
    sync(root)
    Server.objects.filter(pk=server.pk).update(url="http://127.0.0.1:9")
    put(source / "Old/S1/2.mkv")
    drain(jobs.submit("sync", {"root": root.pk}).job.pk, threads=False)
    delivery = Job.objects.get(kind="deliver")
    assert _one_try(delivery).state == JobState.SCHEDULED
    assert ScanRequest.objects.get().state == "waiting"
    Server.objects.filter(pk=server.pk).update(url=plex.url)
    Job.objects.filter(pk=delivery.pk).update(not_before=None)
    drain(delivery.pk, threads=False)
    assert asked(plex) == [f"{source}/Old/S1"]


def _one_try(job: Job) -> Job:
    def tried() -> bool:
        return Server.objects.filter(fails__gt=0).exists()

    return drain(job.pk, threads=False, stop=tried)


def test_a_refused_token_pauses_until_it_is_entered_again(root: Root, source: Path, plex: FakePlex) -> None:
    server = connect(plex)
    sync(root)
    plex.fail(401, times=1)
    os.utime(source / "Old/S1/1.mkv", (1, 1))
    put(source / "Old/S1/2.mkv")
    drain(jobs.submit("sync", {"root": root.pk}).job.pk, threads=False)
    delivery = Job.objects.get(kind="deliver")
    drain(delivery.pk, threads=False, stop=lambda: Server.objects.filter(paused=True).exists())
    assert ScanRequest.objects.get().state == "waiting"
    server.refresh_from_db()
    servers.save(server, token=plex.token)
    Job.objects.filter(pk=delivery.pk).update(not_before=None)
    drain(delivery.pk, threads=False)
    assert ScanRequest.objects.get().state == "sent"

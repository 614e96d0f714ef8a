"""From changes to requests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Job, Stage
from mediasync.servers.clients.base import LibraryInfo
from mediasync.servers.models import Library, Server
from monitors.models import Change, Directory, File, Root
from scanning import services
from scanning.models import PathMapping, ScanRequest

from .helpers import START, Clock, FakeClient, FakeSight, make_server, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root.objects.create(name="tv", path=str(tmp_path))


def change(root: Root, path: str, kind: str = "added", **more: object) -> Change:
    return Change.objects.create(root=root, path=path, kind=kind, state="linked", **more)


def tell(root: Root, clock: Clock) -> Job:
    """Run the scan stage over what was linked."""
    return run(jobs.submit("scan", {"root": root.pk}).job.pk, clock)


def requests(**where: object) -> list[tuple[str, str, str]]:
    rows = ScanRequest.objects.filter(**where).order_by("path")
    return list(rows.values_list("path", "update", "state"))


def result(job: Job) -> dict[str, int]:
    return Stage.objects.get(job=job, name="scan").result


def test_it_tells_each_server_in_its_own_words(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    plex = make_server("plex", paths=["/srv/tv"])
    emby = make_server("emby", paths=["M:\\TV"])
    PathMapping.objects.create(space="server", pattern=root.path, replacement="/srv/tv", server=plex)
    rule = PathMapping.objects.create(space="server", pattern=root.path, replacement="M:\\TV")
    change(root, "A/S1/1.mkv")
    change(root, "A/S1/2.mkv", "modified")
    job = tell(root, clock)
    assert job.state == JobState.COMPLETED
    assert requests(server=plex) == [("/srv/tv/A/S1", "Created", "waiting")]
    assert requests(server=emby) == [
        ("M:\\TV\\A\\S1\\1.mkv", "Created", "waiting"),
        ("M:\\TV\\A\\S1\\2.mkv", "Modified", "waiting"),
    ]
    row = ScanRequest.objects.get(server=plex)
    assert (row.hits, row.local_path, row.source) == (2, f"{root.path}/A/S1", "crawl")
    assert set(Change.objects.values_list("state", flat=True)) == {"told"}
    assert result(job)["told"] == 2
    rule.refresh_from_db()
    assert rule.hits == 2
    assert {job.scope["server"] for job in Job.objects.filter(kind="deliver")} == {plex.pk, emby.pk}


def test_a_second_run_tells_nothing_twice(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server(paths=[root.path])
    change(root, "A/1.mkv")
    tell(root, clock)
    tell(root, clock)
    assert ScanRequest.objects.get().hits == 1


def test_a_move_is_a_removal_and_an_arrival(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server("emby", paths=[root.path])
    change(root, "B/1.mkv", "moved", old_path="A/1.mkv")
    tell(root, clock)
    assert requests() == [
        (f"{root.path}/A/1.mkv", "Deleted", "waiting"),
        (f"{root.path}/B/1.mkv", "Created", "waiting"),
    ]


def test_what_has_no_library_is_seen_and_never_a_full_scan(
    root: Root, clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    sight.gone = {f"{root.path}/A"}
    server = make_server(paths=["/elsewhere"], libraries_at=START)
    change(root, "A/1.mkv")
    change(root, "A/2.mkv")
    job = tell(root, clock)
    assert requests() == [(f"{root.path}/A", "Modified", "no_library")]
    assert result(job)["no_library"] == 2
    run(Job.objects.get(kind="deliver").pk, clock)
    assert clients["plex"].calls == []
    assert ScanRequest.objects.get().attempts == 1
    Library.objects.get(server=server).paths.update(path=root.path)
    services.look_for_homes()
    run(Job.objects.filter(kind="deliver").latest("id").pk, clock)
    assert requests() == [(f"{root.path}/A", "Modified", "dropped")] * 2  # there is no such folder any more
    assert set(ScanRequest.objects.values_list("answer", flat=True)) == {"library_found", "vanished"}


def test_libraries_are_read_once_for_many_misses(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server(paths=["/elsewhere"])
    clients["plex"] = FakeClient(listed=[LibraryInfo("2", "New", "show", (root.path,))])
    reads = 0
    inner = clients["plex"].libraries

    def libraries() -> list[LibraryInfo]:
        nonlocal reads
        reads += 1
        return inner()

    clients["plex"].libraries = libraries  # type: ignore[method-assign]
    for number in range(30):
        os.makedirs(f"{root.path}/Show {number}")
        change(root, f"Show {number}/1.mkv")
    tell(root, clock)
    run(Job.objects.get(kind="deliver").pk, clock)
    assert reads == 1
    assert len(clients["plex"].asked) == 30
    assert ScanRequest.objects.filter(state="sent", library__key="2").count() == 30


@pytest.mark.parametrize(("policy", "states"), [("drop", []), ("error", ["failed"]), ("pass", ["no_library"])])
def test_it_obeys_the_policy_for_unmatched_paths(
    root: Root, clients: dict[str, FakeClient], clock: Clock, policy: str, states: list[str]
) -> None:
    make_server(unmatched=policy)
    change(root, "A/1.mkv")
    tell(root, clock)
    assert [row[2] for row in requests()] == states


def test_jellyfin_hears_of_a_new_folder_once(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server("jellyfin", paths=[root.path])
    top = Directory.objects.create(id=1, root=root, path="")
    for number, (name, files) in enumerate({"New": ["1.mkv", "2.mkv"], "Old": ["1.mkv", "2.mkv"]}.items(), start=2):
        folder = Directory.objects.create(id=number, root=root, path=name, parent_id=top.pk)
        for file in files:
            File.objects.create(directory=folder, name=file, size=1, mtime_ns=1)
    for path in ("New/1.mkv", "New/2.mkv", "Old/2.mkv"):
        change(root, path)
    tell(root, clock)
    assert list(ScanRequest.objects.order_by("path").values_list("path", "top_level", "hits")) == [
        (f"{root.path}/New", True, 2),
        (f"{root.path}/Old/2.mkv", False, 1),
    ]


def test_libraries_that_share_a_folder_are_both_told(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(paths=[root.path])
    twin = Library.objects.create(server=server, key="2", title="TV too")
    twin.paths.create(path=root.path)
    change(root, "A/1.mkv")
    tell(root, clock)
    assert set(ScanRequest.objects.values_list("library__key", flat=True)) == {"1", "2"}


def test_a_server_that_is_off_is_not_told(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server(paths=[root.path], enabled=False)
    change(root, "A/1.mkv")
    tell(root, clock)
    assert requests() == []


def test_ten_thousand_changes_are_cheap(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server("emby", paths=[root.path])
    make_server("plex", paths=[root.path])
    Change.objects.bulk_create(
        Change(root=root, path=f"Show {n % 700}/{n}.mkv", kind="added", state="linked") for n in range(10_000)
    )
    with CaptureQueriesContext(connection) as queries:
        job = tell(root, clock)
    assert job.state == JobState.COMPLETED
    assert ScanRequest.objects.filter(server__kind="emby").count() == 10_000
    assert ScanRequest.objects.filter(server__kind="plex").count() == 700
    assert len(queries) < 700


def test_paths_of_a_person_are_due_at_once(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    os.makedirs(f"{root.path}/A.B. (2020)")
    one, other = make_server(paths=[root.path]), make_server("emby", paths=[root.path])
    scope = {"paths": [f"{root.path}//A.B. (2020)/"], "server": one.pk}
    job = run(jobs.submit("scan", scope).job.pk, clock)
    assert job.scope["paths"] == [f"{root.path}/A.B. (2020)"]
    row = ScanRequest.objects.get()
    assert (row.server, row.path, row.due_at, row.source) == (one, f"{root.path}/A.B. (2020)", START, "manual")
    assert not ScanRequest.objects.filter(server=other).exists()


@pytest.mark.parametrize("scope", [{}, {"paths": []}, {"paths": ["a/b"]}, {"paths": ["/a/../b"]}, {"root": 999}])
def test_it_refuses_a_scope_that_says_nothing(scope: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        jobs.submit("scan", scope)


def test_a_replay_is_translated_anew(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(unmatched="error", paths=["/srv/tv"])
    os.makedirs(f"{root.path}/A")
    change(root, "A/1.mkv")
    tell(root, clock)
    failed = ScanRequest.objects.get(state="failed")
    PathMapping.objects.create(space="server", pattern=root.path, replacement="/srv/tv", server=server)
    services.replay(failed)
    run(Job.objects.filter(kind="deliver").latest("id").pk, clock)
    assert requests() == [("/srv/tv/A", "Modified", "sent"), (f"{root.path}/A", "Modified", "dropped")]


def test_a_dead_server_is_no_reason_to_stop_noting(root: Root, clients: dict[str, FakeClient], clock: Clock) -> None:
    make_server(paths=[root.path], paused=True)
    change(root, "A/1.mkv")
    assert tell(root, clock).state == JobState.COMPLETED
    assert [row[2] for row in requests()] == ["waiting"]
    assert Server.objects.get().paused

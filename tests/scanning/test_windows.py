"""What makes a server look through a whole location is collected, and waits while a root in it is in doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from mediasync.jobs.drain import drain
from mediasync.servers.models import Library, Server
from monitors.guards import Verdict
from scanning import services
from scanning.models import ScanRequest
from scanning.requests import Wanted, request_many
from scanning.units import Unit

from .helpers import START, Clock, FakeClient, FakeSight, make_server, run

pytestmark = pytest.mark.django_db
Note = Callable[..., int]


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


@pytest.fixture
def note(clients: dict[str, FakeClient], clock: Clock) -> Note:
    """Note requests now, and return the delivery job."""

    def note(server: Server, *paths: str, update: str = "Created", top_level: bool = False, is_dir: bool = True) -> int:
        library = Library.objects.get(server=server)
        units = [Unit(path, path.replace("/srv", "/mnt"), update, is_dir, top_level) for path in paths]
        request_many(server, [Wanted(unit, library.pk) for unit in units], clock.now())
        job = services.deliver(server.pk)
        assert job is not None
        return job

    return note


def until(job: int, clock: Clock, later: dt.timedelta) -> None:
    """Run a job until a time after START."""
    drain(job, clock=clock, threads=False, stop=lambda: clock.now() >= START + later)


def states() -> dict[str, str]:
    return dict(ScanRequest.objects.values_list("path", "state"))


def test_removals_of_one_window_are_one_look_through_the_location(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight, note: Note
) -> None:
    server = make_server()
    sight.gone = {"/mnt/tv/A", "/mnt/tv/B"}
    job = note(server, "/srv/tv/A", update="Deleted", top_level=True)
    until(job, clock, seconds(290))
    note(server, "/srv/tv/B", update="Deleted", top_level=True)
    run(job, clock)
    assert clients["plex"].asked == ["/srv/tv"]
    assert states() == {"/srv/tv/A": "sent", "/srv/tv/B": "sent"}


def test_a_look_through_the_location_takes_no_partial_request_with_it_before_its_time(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight, note: Note
) -> None:
    server = make_server()
    sight.gone = {"/mnt/tv/A"}
    job = note(server, "/srv/tv/A", update="Deleted", top_level=True)
    until(job, clock, seconds(295))
    note(server, "/srv/tv/C")
    run(job, clock)
    assert clients["plex"].asked == ["/srv/tv", "/srv/tv/C"]


@pytest.mark.parametrize("kind", ["jellyfin", "emby"])
def test_what_comes_into_a_new_folder_waits_with_it(
    kind: str, clients: dict[str, FakeClient], clock: Clock, note: Note
) -> None:
    server = make_server(kind)
    job = note(server, "/srv/tv/New", top_level=True)
    until(job, clock, seconds(60))
    note(server, "/srv/tv/New/S1/2.mkv", "/srv/tv/Newer/S1/2.mkv", is_dir=False)
    run(job, clock)
    first, second = ([target.path for target in call] for call in clients[kind].calls)
    assert first == ["/srv/tv/Newer/S1/2.mkv"]
    assert sorted(second) == ["/srv/tv/New", "/srv/tv/New/S1/2.mkv"]
    assert clock.now() < START + seconds(310)


def test_neighbours_below_a_location_are_collected_for_jellyfin(
    clients: dict[str, FakeClient], clock: Clock, note: Note
) -> None:
    jellyfin, emby = make_server("jellyfin"), make_server("emby")
    run(note(jellyfin, "/srv/tv/A", update="Modified"), clock)
    assert clock.now() < START + seconds(30)
    job = note(jellyfin, "/srv/tv/A", "/srv/tv/B", "/srv/tv/C/1.mkv", update="Modified")
    run(job, clock)
    assert [sorted(target.path for target in call) for call in clients["jellyfin"].calls] == [
        ["/srv/tv/A"],
        ["/srv/tv/C/1.mkv"],
        ["/srv/tv/A", "/srv/tv/B"],
    ]
    run(note(emby, "/srv/tv/A", "/srv/tv/B", update="Modified"), clock)
    assert len(clients["emby"].calls) == 1


@pytest.mark.parametrize(("kind", "asked"), [("jellyfin", []), ("emby", ["/srv/tv/A/1.mkv"]), ("plex", ["/srv/tv/A"])])
def test_jellyfin_is_never_asked_below_a_root_in_doubt(
    kind: str, asked: list[str], clients: dict[str, FakeClient], clock: Clock, sight: FakeSight, note: Note
) -> None:
    server = make_server(kind)
    path = "/srv/tv/A" if kind == "plex" else "/srv/tv/A/1.mkv"
    sight.verdicts = {path.replace("/srv", "/mnt"): Verdict("suspect", "guard_few_entries")}
    job = note(server, path, is_dir=kind == "plex")
    until(job, clock, seconds(300))
    assert clients[kind].asked == asked
    sight.verdicts = {}
    run(job, clock) if not asked else None
    assert states() == {path: "sent"}


@pytest.mark.parametrize("kind", ["jellyfin", "emby", "plex"])
def test_no_location_is_looked_through_while_removals_are_held_in_it(
    kind: str, clients: dict[str, FakeClient], clock: Clock, sight: FakeSight, note: Note
) -> None:
    server = make_server(kind)
    sight.verdicts = {"/mnt/tv": Verdict("suspect", "guard_held")}
    path = "/srv/tv" if kind == "plex" else "/srv/tv/New"
    job = note(server, path, top_level=True)
    until(job, clock, seconds(900))
    assert clients[kind].calls == []
    assert ScanRequest.objects.get().answer == "guard_held"
    sight.verdicts = {}
    run(job, clock)
    assert states() == {path: "sent"}


def test_one_scan_of_a_section_follows_the_other(clients: dict[str, FakeClient], clock: Clock, note: Note) -> None:
    server = make_server()
    job = note(server, "/srv/tv/A")
    until(job, clock, seconds(11))
    clients["plex"].scanning = True  # Plex drops a scan that comes while it scans the same section
    job = note(server, "/srv/tv/B")
    until(job, clock, seconds(300))
    assert clients["plex"].asked == ["/srv/tv/A"]
    assert ScanRequest.objects.get(path="/srv/tv/B").answer == "library_busy"
    clients["plex"].scanning = False
    run(job, clock)
    assert clients["plex"].asked == ["/srv/tv/A", "/srv/tv/B"]


def test_a_scan_that_never_ends_is_waited_for_a_quarter_of_an_hour(
    clients: dict[str, FakeClient], clock: Clock, note: Note
) -> None:
    server = make_server()
    job = note(server, "/srv/tv/A")
    clients["plex"] = FakeClient(scanning=True)
    run(job, clock)
    assert clients["plex"].asked == ["/srv/tv/A"]
    assert seconds(900) < clock.now() - START < seconds(960)


def test_a_path_that_lies_in_another_library_by_now_goes_there(
    clients: dict[str, FakeClient], clock: Clock, note: Note
) -> None:
    server = make_server("emby", libraries_at=START)
    job = note(server, "/srv/tv/Kids/A/1.mkv", is_dir=False)
    kids = Library.objects.create(server=server, key="2", title="Kids")
    kids.paths.create(path="/srv/tv/Kids")
    ScanRequest.objects.update(local_path="/srv/tv/Kids/A/1.mkv")
    run(job, clock)
    assert [target.library_key for call in clients["emby"].calls for target in call] == ["2"]


def test_a_library_that_is_left_out_is_not_asked_though_another_shares_its_folder(
    clients: dict[str, FakeClient], clock: Clock, note: Note
) -> None:
    server = make_server(libraries_at=START)
    job = note(server, "/srv/tv/A")
    twin = Library.objects.create(server=server, key="2", title="Twin")
    twin.paths.create(path="/srv/tv")
    Library.objects.filter(key="1").update(enabled=False)
    ScanRequest.objects.update(local_path="/srv/tv/A")
    run(job, clock)
    assert [target.library_key for call in clients["plex"].calls for target in call] == ["2"]


def test_what_a_person_wants_now_is_not_collected(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server("jellyfin")
    library = Library.objects.get(server=server)
    units = [Unit(f"/srv/tv/{name}", f"/mnt/tv/{name}", "Modified", True) for name in "AB"]
    request_many(server, [Wanted(unit, library.pk) for unit in units], clock.now(), at_once=True)
    request_many(server, [Wanted(Unit("/srv/tv/C", "", "Modified", True), library.pk)], clock.now())
    job = services.deliver(server.pk)
    assert job is not None
    run(job, clock)
    assert [sorted(target.path for target in call) for call in clients["jellyfin"].calls] == [
        ["/srv/tv/A", "/srv/tv/B"],
        ["/srv/tv/C"],
    ]
    assert clock.now() < START + seconds(30)

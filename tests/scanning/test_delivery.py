"""Sending what is due: nothing is lost, nothing is sent twice without need, nobody waits for another."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable
from mediasync.jobs.choices import WAITING, JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services as servers
from mediasync.servers.models import Library, Server
from monitors.guards import Verdict
from scanning import services
from scanning.models import ScanRequest
from scanning.requests import Wanted, request_many
from scanning.units import Unit

from .helpers import START, Clock, FakeClient, FakeSight, make_server, run

pytestmark = pytest.mark.django_db


def ask(server: Server, *paths: str, update: str = "Modified", top_level: bool = False, is_dir: bool = True) -> int:
    """Note requests and return the delivery job."""
    library = Library.objects.get(server=server)
    units = [Unit(path, path.replace("/srv", "/mnt"), update, is_dir, top_level) for path in paths]
    request_many(server, [Wanted(unit, library.pk) for unit in units], START)
    job = services.deliver(server.pk)
    assert job is not None
    return job


def states() -> dict[str, str]:
    return dict(ScanRequest.objects.values_list("path", "state"))


def test_it_sends_when_due_and_keeps_the_answer(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    job = run(ask(server, "/srv/tv/A", "/srv/tv/B"), clock)
    assert job.state == JobState.COMPLETED
    assert clients["plex"].asked == ["/srv/tv/A", "/srv/tv/B"]
    assert clients["plex"].calls[0][0].library_key == "1"
    row = ScanRequest.objects.get(path="/srv/tv/A")
    assert (row.state, row.answer_status, row.sent_path, row.attempts, row.job_id) == (
        "sent",
        200,
        "/srv/tv/A",
        1,
        job.pk,
    )
    assert row.sent_at is not None
    assert row.sent_at >= START + dt.timedelta(seconds=10)


def test_it_keeps_the_pace_of_a_library(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(pace=2.0)
    run(ask(server, *(f"/srv/tv/{name}" for name in "ABCDE")), clock)
    times = sorted(ScanRequest.objects.values_list("sent_at", flat=True))
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert len(gaps) == 4
    assert min(gaps) >= 2.0


def test_one_scan_answers_a_delete_and_a_create(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    ask(server, "/srv/tv/A", update="Deleted")
    run(ask(server, "/srv/tv/A", update="Created"), clock)
    assert clients["plex"].asked == ["/srv/tv/A"]
    assert ScanRequest.objects.get().hits == 2


def test_plex_is_asked_about_what_is_still_there(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    sight.gone = {"/mnt/tv/A/S1", "/mnt/tv/A/S1/x"}
    run(ask(make_server(), "/srv/tv/A/S1/x", update="Deleted"), clock)
    assert clients["plex"].asked == ["/srv/tv/A"]
    assert ScanRequest.objects.get().sent_path == "/srv/tv/A"


def test_removals_that_cover_a_location_are_collected(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    sight.gone = {f"/mnt/tv/{name}" for name in "ABC"}
    server = make_server(root_window=300)
    ask(server, "/srv/tv/A", "/srv/tv/B", update="Deleted")
    run(ask(server, "/srv/tv/C", update="Deleted", top_level=True), clock)
    assert clients["plex"].asked == ["/srv/tv"]
    assert set(states().values()) == {"sent"}
    assert clock.now() >= START + dt.timedelta(seconds=300)


def test_nothing_is_told_about_what_merely_vanished(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    sight.gone = {"/mnt/tv/A"}
    run(ask(make_server(), "/srv/tv/A", "/srv/tv/B"), clock)
    assert clients["plex"].asked == ["/srv/tv/B"]
    assert states()["/srv/tv/A"] == "dropped"


def test_an_offline_server_is_waited_for(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    client = servers.client_for(server)
    client.errors = [Unreachable("refused")] * 12  # type: ignore[attr-defined]
    job = run(ask(server, "/srv/tv/A"), clock)
    assert job.state == JobState.COMPLETED
    row = ScanRequest.objects.get()
    assert (row.state, row.attempts) == ("sent", 1)
    assert clock.now() - START > dt.timedelta(minutes=20)


def test_a_refused_token_pauses_the_server_and_keeps_the_requests(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    servers.client_for(server).errors = [AccessDenied("401", code="server_denied", status=401)]  # type: ignore[attr-defined]
    job_id = ask(server, "/srv/tv/A")
    drain(job_id, clock=clock, threads=False, stop=lambda: clock.now() - START > dt.timedelta(minutes=5))
    server.refresh_from_db()
    assert server.paused
    assert states() == {"/srv/tv/A": "waiting"}
    assert clients["plex"].asked == []
    assert Job.objects.get(pk=job_id).state == JobState.QUEUED
    servers.resume(server)
    run(job_id, clock)
    assert states() == {"/srv/tv/A": "sent"}


def test_a_refusal_fails_only_its_request(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server("jellyfin")
    refusal = Permanent("The server answered 400.", code="server_refused", status=400, answer="bad")
    servers.client_for(server).poison = {"/srv/tv/A/3.mkv": refusal}  # type: ignore[attr-defined]
    job = run(ask(server, *(f"/srv/tv/A/{number}.mkv" for number in range(7)), is_dir=False), clock)
    assert job.state == JobState.COMPLETED
    bad = ScanRequest.objects.get(state="failed")
    assert (bad.path, bad.answer_status, bad.answer) == ("/srv/tv/A/3.mkv", 400, "The server answered 400. bad")
    assert sorted(clients["jellyfin"].asked) == sorted(f"/srv/tv/A/{number}.mkv" for number in range(7) if number != 3)


def test_a_busy_server_is_asked_again_when_it_says(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    servers.client_for(server).errors = [Transient("503", retry_after=60.0, status=503)]  # type: ignore[attr-defined]
    run(ask(server, "/srv/tv/A"), clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.attempts) == ("sent", 2)
    assert clock.now() >= START + dt.timedelta(seconds=70)


def test_jellyfin_gets_all_that_waits_in_one_request(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server("jellyfin")
    job = ask(server, *(f"/srv/tv/A/{number}.mkv" for number in range(30)), is_dir=False)
    ScanRequest.objects.filter(path__endswith="9.mkv").update(due_at=START + dt.timedelta(seconds=200))
    ask(server, "/srv/tv/New", update="Created", top_level=True)
    run(job, clock)
    assert [len(call) for call in clients["jellyfin"].calls] == [30, 1]


def test_what_was_being_sent_when_it_died_is_sent_once_more(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    job = ask(server, "/srv/tv/A", "/srv/tv/B")
    ScanRequest.objects.update(state="sending")
    ask(server, "/srv/tv/B")  # a change that came meanwhile
    run(job, clock)
    assert clients["plex"].asked == ["/srv/tv/A", "/srv/tv/B"]
    assert ScanRequest.objects.filter(state="sent", path="/srv/tv/B", hits=2).count() == 1
    assert ScanRequest.objects.filter(state="dropped", answer="joined").count() == 1


def test_a_change_during_a_request_is_followed_up_once(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    client = servers.client_for(server)
    asked: list[int] = []

    def during() -> None:
        if len(asked) < 5:
            asked.append(1)
            ask(server, *["/srv/tv/A"] * 3)

    client.during = during  # type: ignore[attr-defined]
    job = ask(server, "/srv/tv/A")
    asked += [1] * 4  # one change, while the first request is under way
    run(job, clock)
    for other in Job.objects.filter(kind="deliver", state=JobState.SCHEDULED):
        run(other.pk, clock)
    assert clients["plex"].asked == ["/srv/tv/A", "/srv/tv/A"]
    assert set(states().values()) == {"sent"}


def test_nothing_is_told_below_a_dead_mount(clients: dict[str, FakeClient], clock: Clock, sight: FakeSight) -> None:
    server = make_server("jellyfin")
    sight.verdicts = {"/mnt/tv/A": Verdict("down", "guard_empty"), "/mnt/tv/B": Verdict("suspect", "guard_held")}
    job = ask(server, "/srv/tv/A", "/srv/tv/B", update="Deleted")
    drain(job, clock=clock, threads=False, stop=lambda: clock.now() - START > dt.timedelta(minutes=10))
    assert clients["jellyfin"].calls == []
    assert set(ScanRequest.objects.values_list("state", "answer")) == {
        ("waiting", "guard_empty"),
        ("waiting", "guard_held"),
    }
    sight.verdicts = {}
    run(job, clock)
    assert set(states().values()) == {"sent"}


def test_a_server_that_hangs_delays_no_other(clients: dict[str, FakeClient], clock: Clock) -> None:
    dead, alive = make_server(name="dead"), make_server(name="alive")
    servers.client_for(dead).errors = [Unreachable("timed out")] * 1000  # type: ignore[attr-defined]
    ask(dead, "/srv/tv/A")
    run(ask(alive, "/srv/tv/A"), clock)
    assert clients["alive"].asked == ["/srv/tv/A"]
    assert clock.now() - START < dt.timedelta(seconds=15)
    assert Job.objects.filter(kind="deliver").count() == 2


def test_all_old_requests_are_forgotten(
    clients: dict[str, FakeClient], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanning.requests.PRUNE", 2)
    monkeypatch.setattr("scanning.delivery.PRUNE", 2)
    server = make_server()
    old = START - dt.timedelta(days=40)
    for name in "ABCDE":
        ScanRequest.objects.create(server=server, path=name, state="sent", due_at=old, sent_at=old)
    run(ask(server, "/srv/tv/A"), clock)
    assert states() == {"/srv/tv/A": "sent"}


def test_changes_for_a_server_that_is_away_leave_no_jobs_behind(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    servers.client_for(server).errors = [Unreachable("refused")] * 1000  # type: ignore[attr-defined]
    for number in range(20):
        job = ask(server, f"/srv/tv/{number}")
        until = clock.now() + dt.timedelta(minutes=5)
        drain(job, clock=clock, threads=False, stop=lambda until=until: clock.now() > until)
    assert Job.objects.filter(kind="deliver", state__in=WAITING).count() <= 2
    servers.client_for(server).errors.clear()  # type: ignore[attr-defined]
    run(job, clock)
    assert set(states().values()) == {"sent"}


def test_a_change_does_not_wake_the_delivery_of_a_server_that_is_away(clients: dict[str, FakeClient]) -> None:
    server = make_server()
    Server.objects.filter(pk=server.pk).update(fails=5, cooldown_until=START + dt.timedelta(minutes=10))
    assert Job.objects.get(pk=ask(server, "/srv/tv/A")).not_before == START + dt.timedelta(minutes=10)


def test_a_request_waits_for_a_library_that_is_gone(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    job = ask(server, "/srv/tv/A")
    Library.objects.all().delete()
    run(job, clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.attempts) == ("no_library", 1)


def test_many_refusals_keep_the_pace(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server("jellyfin", pace=4.0)
    paths = [f"/srv/tv/A/{number}.mkv" for number in range(32)]
    refusal = Permanent("The server answered 404.", code="server_refused", status=404)
    servers.client_for(server).poison = dict.fromkeys(paths, refusal)  # type: ignore[attr-defined]
    run(ask(server, *paths, is_dir=False), clock)
    assert set(states().values()) == {"failed"}
    assert clock.now() - START > dt.timedelta(seconds=45)  # 63 questions: a burst, then one a second

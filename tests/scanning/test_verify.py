"""Sent is not done: a server is asked whether it knows, and why not is guessed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from mediasync.core.errors import AccessDenied, Permanent, Unreachable
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Event, Job
from mediasync.servers import services as servers
from mediasync.servers.models import Library, Server
from monitors.guards import Verdict
from monitors.models import Change, Root
from scanning import services
from scanning.models import ScanRequest

from .helpers import START, Clock, FakeClient, FakeSight, make_server, run

pytestmark = pytest.mark.django_db
FILE = "/srv/tv/A/1.mkv"


@pytest.fixture(autouse=True)
def long_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is the test's: an hour need not pass second by second."""
    monkeypatch.setattr("mediasync.jobs.drain.LONGEST_SLEEP", 60.0)


def told(server: Server, path: str = FILE, update: str = "Created", *, is_dir: bool = False, local: str = "") -> int:
    """Add a request that was sent, and return the job that proves it."""
    ScanRequest.objects.create(
        server=server, library=Library.objects.get(server=server), path=path, update=update, is_dir=is_dir,
        local_path=local or path.replace("/srv", "/mnt"), state="sent", source="manual",
        first_at=START, last_at=START, sent_at=START, verify_at=START + dt.timedelta(seconds=10),
    )  # fmt: skip
    job = services.prove(server.pk)
    assert job is not None
    return job


def fake(server: Server) -> FakeClient:
    client = servers.client_for(server)
    assert isinstance(client, FakeClient)
    return client


def test_what_the_server_knows_is_verified(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    fake(server).has = {FILE: "7"}
    assert run(told(server), clock).state == JobState.COMPLETED
    row = ScanRequest.objects.get()
    assert (row.state, row.checks, row.reason, row.verify_at) == ("verified", 1, "", None)
    assert row.verified_at is not None
    assert row.verified_at >= START + dt.timedelta(seconds=10)


def test_what_is_removed_is_gone_once_the_server_forgot_it(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    job = told(server, update="Deleted")
    run(job, clock)
    assert ScanRequest.objects.get().state == "gone"


def test_it_is_asked_again_with_growing_pauses_and_then_given_up(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    server = make_server()
    fake(server).has = {"/srv/tv/B/1.mkv": "8"}
    run(told(server), clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.reason, row.checks) == ("not_found", "not_taken", 6)
    assert clock.now() - START > dt.timedelta(minutes=40)


def test_a_server_that_knows_nothing_sees_other_paths(clients: dict[str, FakeClient], clock: Clock) -> None:
    run(told(make_server()), clock)
    assert ScanRequest.objects.get().reason == "mapping"


@pytest.mark.parametrize(
    ("kind", "path", "reason"),
    [
        ("plex", "/srv/tv/A/1.iso", "extension"),
        ("plex", "/srv/tv/A/.1.mkv", "ignored_name"),
        ("jellyfin", "/srv/tv/A/1.mkv", "not_taken"),
    ],
)
def test_the_likely_reason_is_said(
    clients: dict[str, FakeClient], clock: Clock, kind: str, path: str, reason: str
) -> None:
    server = make_server(kind)
    fake(server).has = {"/srv/tv/B/1.mkv": "8"}
    run(told(server, path), clock)
    assert ScanRequest.objects.get().reason == reason


def test_a_file_that_others_may_not_read_is_said(clients: dict[str, FakeClient], clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "1.mkv").touch(0o600)
    server = make_server()
    run(told(server, local=str(tmp_path / "1.mkv")), clock)
    assert ScanRequest.objects.get().reason == "permission"


def test_a_busy_library_is_waited_for(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    client = fake(server)
    client.scanning, client.has = True, {FILE: "7"}
    job = told(server)
    drain(job, clock=clock, threads=False, stop=lambda: clock.now() - START > dt.timedelta(hours=1))
    row = ScanRequest.objects.get()
    assert (row.state, row.checks, row.reason, client.looks) == ("sent", 0, "still_scanning", [])
    client.scanning = False
    run(job, clock)
    assert ScanRequest.objects.get().state == "verified"


def test_many_requests_are_one_question(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(pace=0)
    client = fake(server)
    client.has = {f"/srv/tv/A/{n}.mkv": str(n) for n in range(50)}
    for number in range(50):
        job = told(server, f"/srv/tv/A/{number}.mkv")
    run(job, clock)
    assert [len(look) for look in client.looks] == [50]
    assert set(ScanRequest.objects.values_list("state", flat=True)) == {"verified"}


def test_what_vanished_meanwhile_need_not_be_known(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    sight.gone = {"/mnt/tv/A/1.mkv"}
    run(told(make_server()), clock)
    assert ScanRequest.objects.get().state == "gone"


def test_what_is_back_need_not_be_gone(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    fake(server).has = {FILE: "7"}
    run(told(server, update="Deleted"), clock)
    assert ScanRequest.objects.get().state == "verified"


def test_what_stays_is_said(clients: dict[str, FakeClient], clock: Clock, sight: FakeSight) -> None:
    sight.gone = {"/mnt/tv/A/1.mkv"}
    server = make_server()
    fake(server).has = {FILE: "7"}
    run(told(server, update="Deleted"), clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.reason) == ("not_found", "still_there")


def test_a_folder_that_still_showed_here_when_it_was_told_is_told_again(
    clients: dict[str, FakeClient], clock: Clock, sight: FakeSight
) -> None:
    server = make_server(debounce=0, libraries_at=START)
    client = fake(server)
    client.has = {"/srv/tv/A/S1/1.mkv": "7"}
    job = told(server, "/srv/tv/A/S1", "Deleted", is_dir=True, local="/srv/tv/A/S1")
    ScanRequest.objects.update(sent_path="/srv/tv/A/S1")
    sight.gone = {"/srv/tv/A/S1"}
    run(job, clock)
    assert ScanRequest.objects.get().state == "waiting"
    client.during = client.has.clear
    for kind in ("deliver", "verify"):
        run(Job.objects.filter(kind=kind).latest("id").pk, clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.sent_path, client.asked) == ("gone", "/srv/tv/A", ["/srv/tv/A"])
    assert row.first_at == START


def test_a_server_that_cannot_tell_leaves_it_sent(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    fake(server).has = {FILE: None}
    run(told(server), clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.reason, row.verify_at) == ("sent", "cannot_tell", None)


def test_rubbish_from_the_server_fails_no_job(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    fake(server).errors = [Permanent("rubbish", code="server_shape")] * 50
    assert run(told(server), clock).state == JobState.COMPLETED
    assert ScanRequest.objects.get().reason == "cannot_tell"


def test_a_server_that_is_away_is_waited_for(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    client = fake(server)
    client.errors, client.has = [Unreachable("refused")] * 8, {FILE: "7"}
    run(told(server), clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.checks) == ("verified", 1)


def test_a_refused_token_pauses_the_server_and_keeps_what_is_to_be_asked(
    clients: dict[str, FakeClient], clock: Clock
) -> None:
    server = make_server()
    fake(server).errors = [AccessDenied("401", code="server_denied", status=401)]
    drain(told(server), clock=clock, threads=False, stop=lambda: clock.now() - START > dt.timedelta(minutes=5))
    server.refresh_from_db()
    assert server.paused
    assert ScanRequest.objects.get().verify_at is not None


def test_a_new_episode_is_proved_by_itself_and_not_by_its_folder(clients: dict[str, FakeClient], clock: Clock) -> None:
    root = Root.objects.create(name="tv", path="/srv/tv")
    server = make_server()
    client = fake(server)
    client.has = {"/srv/tv/A/0.mkv": "1"}
    seen = START - dt.timedelta(seconds=40)
    Change.objects.create(root=root, kind="added", state="told", path="A/1.mkv", seen_at=seen, told_at=START)
    job = told(server, "/srv/tv/A", "Modified", is_dir=True, local="/srv/tv/A")
    ScanRequest.objects.update(source="crawl")
    drain(job, clock=clock, threads=False, stop=lambda: clock.now() - START > dt.timedelta(minutes=1))
    assert client.looks[0] == [FILE]
    assert ScanRequest.objects.get().state == "sent"
    client.has[FILE] = "2"
    run(job, clock)
    row = ScanRequest.objects.get()
    assert (row.state, row.changed_at) == ("verified", seen)


def test_of_more_changes_than_are_looked_at_the_last_of_each_request_counts(
    clients: dict[str, FakeClient], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanning.expecting.MOST", 1)
    root = Root.objects.create(name="tv", path="/srv/tv")
    server = make_server()
    fake(server).has = {FILE: "1", "/srv/tv/B/1.mkv": "2"}
    for folder in "AB":
        change = Change.objects.create(root=root, kind="added", state="told", path=f"{folder}/1.mkv", told_at=START)
        job = told(server, f"/srv/tv/{folder}", "Modified", is_dir=True, local=f"/srv/tv/{folder}")
        ScanRequest.objects.filter(path=f"/srv/tv/{folder}").update(source="crawl", change_id=change.pk)
    run(job, clock)
    assert fake(server).looks == [[FILE, "/srv/tv/B/1.mkv"]]


def test_a_person_may_ask_a_server_that_is_left_alone_once(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(verify=False)
    run(told(server), clock)
    assert (ScanRequest.objects.get().state, ScanRequest.objects.get().checks) == ("not_found", 1)


def test_nothing_follows_unless_it_was_switched_on(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    fake(server).in_trash = 1
    run(told(server, update="Deleted"), clock)
    assert fake(server).done == []


@pytest.mark.parametrize(
    ("in_trash", "verdict", "done"),
    [
        (3, Verdict(), [("empty", "1")]),
        (4, Verdict(), []),
        (None, Verdict(), []),
        (3, Verdict("suspect", "guard_held"), []),
        (3, Verdict("down", "guard_empty"), []),
    ],
)
def test_trash_is_emptied_only_under_guards(
    clients: dict[str, FakeClient],
    clock: Clock,
    sight: FakeSight,
    in_trash: int,
    verdict: Verdict,
    done: list[tuple[str, str]],
) -> None:
    Root.objects.create(name="tv", path="/srv/tv")
    sight.verdicts = {"/srv/tv": verdict}
    server = make_server(trash_limit=3)
    fake(server).in_trash = in_trash
    run(told(server, update="Deleted"), clock)
    assert fake(server).done == done


def test_trash_that_no_root_stands_for_is_left_alone(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server(trash_limit=3)
    fake(server).in_trash = 1
    run(told(server, update="Deleted"), clock)
    assert fake(server).done == []
    assert Event.objects.filter(code="trash_in_doubt").exists()


def test_a_replaced_file_is_looked_at_again(clients: dict[str, FakeClient], clock: Clock) -> None:
    root = Root.objects.create(name="tv", path="/srv/tv")
    server = make_server(replaced="analyze")
    fake(server).has = {FILE: "7"}
    Change.objects.create(root=root, kind="modified", state="told", path="A/1.mkv", told_at=START)
    job = told(server, "/srv/tv/A", "Modified", is_dir=True, local="/srv/tv/A")
    ScanRequest.objects.update(source="crawl")
    run(job, clock)
    assert fake(server).done == [("analyze", "7")]


def test_sent_requests_are_asked_about(clients: dict[str, FakeClient], clock: Clock) -> None:
    from .test_delivery import ask

    run(ask(make_server(), "/srv/tv/A"), clock)
    row = ScanRequest.objects.get()
    assert row.sent_at is not None
    assert row.verify_at == row.sent_at + dt.timedelta(seconds=10)
    assert Job.objects.filter(kind="verify", state=JobState.SCHEDULED).count() == 1


def test_a_server_may_be_left_alone(clients: dict[str, FakeClient], clock: Clock) -> None:
    from .test_delivery import ask

    run(ask(make_server(verify=False), "/srv/tv/A"), clock)
    assert ScanRequest.objects.get().verify_at is None
    assert not Job.objects.filter(kind="verify").exists()


def test_no_question_is_planned_before_the_server_may_be_asked(clients: dict[str, FakeClient], clock: Clock) -> None:
    later = START + dt.timedelta(hours=1)
    server = make_server(cooldown_until=later)
    assert Job.objects.get(pk=told(server)).not_before == later


def test_a_locked_database_delays_a_proof_and_loses_nothing(
    clients: dict[str, FakeClient], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    fake(server).has = {FILE: "7"}
    saved, locks = QuerySet.bulk_update, ["database is locked"] * 3

    def bulk_update(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.model is ScanRequest and locks:
            raise OperationalError(locks.pop())
        return saved(self, *args, **kwargs)

    monkeypatch.setattr(QuerySet, "bulk_update", bulk_update)
    assert run(told(server), clock).state == JobState.COMPLETED
    assert (ScanRequest.objects.get().state, locks) == ("verified", [])


def test_a_person_asks_once_more(clients: dict[str, FakeClient], clock: Clock) -> None:
    server = make_server()
    run(told(server), clock)
    row = ScanRequest.objects.get()
    assert row.state == "not_found"
    fake(server).has = {FILE: "7"}
    services.look_again(row)
    run(Job.objects.filter(kind="verify").latest("id").pk, clock)
    assert ScanRequest.objects.get().state == "verified"

"""The pages of requests and mapping rules."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mediasync.jobs.models import Job
from mediasync.servers.models import Library
from scanning.models import PathMapping, ScanRequest

from .helpers import START, make_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def web() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def row() -> ScanRequest:
    server = make_server(libraries_at=START)
    return ScanRequest.objects.create(
        server=server, library=Library.objects.get(), path="/srv/tv/A", update="Modified", state="waiting"
    )


@pytest.mark.parametrize("state", ScanRequest.State.values)
def test_it_lists_requests_by_state(web: Client, row: ScanRequest, state: str) -> None:
    ScanRequest.objects.update(state=state, sent_path="/srv/tv", answer="vanished", answer_status=200)
    page = web.get(f"/admin/scanning/scanrequest/?show={state}").content.decode()
    assert "/srv/tv/A" in page
    assert "It vanished" in page
    assert ("/replay/" in page) == (state not in ("waiting", "sending"))


def test_the_list_costs_the_same_for_many_rows(web: Client, row: ScanRequest, django_assert_max_num_queries) -> None:
    make = ScanRequest(server=row.server, library=row.library, state="sent")
    ScanRequest.objects.bulk_create(
        ScanRequest(server=make.server, library=make.library, state="sent", path=f"/srv/tv/{n}") for n in range(40)
    )
    with django_assert_max_num_queries(14):
        web.get("/admin/scanning/scanrequest/")


def test_a_waiting_request_is_sent_now(web: Client, row: ScanRequest) -> None:
    ScanRequest.objects.update(due_at="2099-01-01T00:00Z", next_try_at="2099-01-01T00:00Z")
    assert web.post(f"/admin/scanning/scanrequest/{row.pk}/send_now/").status_code == 302
    row.refresh_from_db()
    assert row.next_try_at is None
    assert row.due_at.year < 2099
    assert Job.objects.get(kind="deliver").scope == {"server": row.server_id}


def test_a_failed_request_is_replayed(web: Client, row: ScanRequest) -> None:
    ScanRequest.objects.update(state="failed", answer="The server answered 400.")
    web.post(f"/admin/scanning/scanrequest/{row.pk}/replay/")
    assert set(ScanRequest.objects.values_list("state", "path")) == {
        ("dropped", "/srv/tv/A"),
        ("waiting", "/srv/tv/A"),
    }


def test_a_replay_without_library_says_so(web: Client, row: ScanRequest) -> None:
    ScanRequest.objects.update(state="no_library", library=None)
    Library.objects.all().delete()
    page = web.post(f"/admin/scanning/scanrequest/{row.pk}/replay/", follow=True).content.decode()
    assert "No library has this path" in page
    assert ScanRequest.objects.get().state == "no_library"


def test_a_request_is_dropped(web: Client, row: ScanRequest) -> None:
    web.post(f"/admin/scanning/scanrequest/{row.pk}/drop/")
    assert ScanRequest.objects.get().state == "dropped"


def test_a_rule_that_cannot_work_is_refused(web: Client) -> None:
    data = {"space": "server", "order": 1, "pattern": "/(a", "replacement": "/b", "regex": "on", "enabled": "on"}
    page = web.post("/admin/scanning/pathmapping/add/", data).content.decode()
    assert "not a regular expression" in page
    assert not PathMapping.objects.exists()


def test_a_new_rule_makes_us_look_again(web: Client, row: ScanRequest) -> None:
    ScanRequest.objects.update(state="failed", answer="unmatched", library=None, local_path="/mnt/tv/A")
    data = {"space": "server", "order": 1, "pattern": "/mnt/tv", "replacement": "/srv/tv", "enabled": "on"}
    assert web.post("/admin/scanning/pathmapping/add/", data).status_code == 302
    assert ScanRequest.objects.get().state == "no_library"
    assert Job.objects.filter(kind="deliver").exists()
    rule = PathMapping.objects.get()
    web.post(f"/admin/scanning/pathmapping/{rule.pk}/switch_off/")
    rule.refresh_from_db()
    assert not rule.enabled


def test_the_tester_shows_each_step_and_changes_nothing(web: Client, row: ScanRequest) -> None:
    make = PathMapping.objects.create
    make(space="source", source="sonarr", pattern="/tv", replacement="/mnt/tv")
    make(space="server", pattern="/other", replacement="/x")
    rule = make(space="server", pattern="/mnt/tv", replacement="/srv/tv")
    page = web.get("/admin/scanning/pathmapping/try/?path=/tv/A/S1&source=sonarr").content.decode()
    assert "/other → /x: does not match" in page
    assert "It would be asked about" in page
    assert "/srv/tv/A" in page
    rule.refresh_from_db()
    assert rule.hits == 0
    assert "No library has this path" in web.get("/admin/scanning/pathmapping/try/?path=/nowhere").content.decode()
    assert web.get("/admin/scanning/pathmapping/try/").status_code == 200


def test_a_person_starts_a_scan_of_paths(web: Client, row: ScanRequest) -> None:
    answer = web.post("/admin/jobs/job/start/scan/", {"paths": "/srv/tv/A\n/srv/tv/B", "server": row.server_id})
    assert answer.status_code == 302
    assert Job.objects.get(kind="scan").scope == {"paths": ["/srv/tv/A", "/srv/tv/B"], "server": row.server_id}


def test_a_person_has_a_whole_library_scanned(web: Client, row: ScanRequest) -> None:
    library = Library.objects.get()
    page = web.post(f"/admin/servers/library/{library.pk}/scan_all/")
    assert "whole library" in page.content.decode()
    web.post(f"/admin/servers/library/{library.pk}/scan_all/", {"confirmed": "1"})
    assert Job.objects.get(kind="scan_library").scope == {"library": library.pk}


@pytest.mark.parametrize("kind", ["sync", "scan", "deliver"])
def test_a_kind_can_be_chosen_on_the_start_page(web: Client, kind: str) -> None:
    assert web.get(f"/admin/jobs/job/start/?kind={kind}").status_code == 200


def test_the_list_of_rules_says_what_each_matches(admin_client: Client) -> None:
    PathMapping.objects.create(space="server", pattern="/tv", replacement="/srv/tv")
    page = admin_client.get("/admin/scanning/pathmapping/").content.decode()
    assert "A folder" in page
    assert "icon-no" not in page

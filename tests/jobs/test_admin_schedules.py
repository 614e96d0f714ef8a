"""Schedules in the admin, and the lists that only show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from mediasync.jobs import registry
from mediasync.jobs.models import Command, Event, Job, Schedule, SliceSlot, Worker


class One(registry.Stage):
    name = "one"


DEMO = registry.JobKind("demo", "Demo", (One(),), texts={"seen_here": "Saw %(path)s"})
FORM = {"name": "Nightly", "kind": "demo", "scope": "{}", "timezone": "Asia/Seoul", "enabled": "on"}


@pytest.fixture(autouse=True)
def demo(db: None) -> Iterator[None]:
    with registry.registered(DEMO):
        yield


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def test_it_saves_a_schedule_with_its_next_run(boss: Client) -> None:
    assert boss.post("/admin/jobs/schedule/add/", FORM | {"cron": "30 4 * * *"}).status_code == 302
    schedule = Schedule.objects.get()
    assert schedule.next_at is not None
    assert (schedule.next_at.hour, schedule.next_at.minute) == (19, 30)  # UTC of 04:30 in Seoul
    assert boss.get("/admin/jobs/schedule/").content.decode().count("4:30 a.m.") == 3


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"cron": "30 4 * *"}, "Not a cron line"),
        ({"cron": "30 4 * * *", "timezone": "Mars/Olympus"}, "no time zone"),
        ({"cron": "30 4 * * *", "every": "60"}, "either an interval or a cron line"),
        ({}, "either an interval or a cron line"),
    ],
)
def test_it_says_what_is_wrong_with_the_times(boss: Client, times: dict[str, str], words: str) -> None:
    answer = boss.post("/admin/jobs/schedule/add/", FORM | times)
    assert words in answer.content.decode()
    assert not Schedule.objects.exists()


def planner(*rights: str) -> Client:
    """Return the browser of somebody who may keep schedules, and has these rights beside."""
    user = User.objects.create_user("planner", is_staff=True)
    names = ["add_schedule", "view_schedule", "change_schedule", *rights]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def test_it_lets_nobody_schedule_what_they_may_not_start() -> None:
    client = planner()
    assert "demo" not in client.get("/admin/jobs/schedule/add/").content.decode()
    answer = client.post("/admin/jobs/schedule/add/", FORM | {"every": "60"})
    assert answer.status_code == 200
    assert not Schedule.objects.exists()
    schedule = Schedule.objects.create(name="Hourly", kind="demo", every=3600)
    assert client.post(f"/admin/jobs/schedule/{schedule.pk}/change/", FORM | {"every": "60"}).status_code == 403


def test_it_asks_for_the_rights_that_a_scope_needs() -> None:
    more = replace(DEMO, name="more", texts={}, rights=lambda scope: ["jobs.delete_job"] if scope.get("apply") else [])
    with registry.registered(more):
        client = planner("add_job")
        wanted = FORM | {"kind": "more", "every": "60"}
        answer = client.post("/admin/jobs/schedule/add/", wanted | {"scope": '{"apply": true}'})
        assert "not with this scope" in answer.content.decode()
        assert client.post("/admin/jobs/schedule/add/", wanted | {"scope": '{"apply": false}'}).status_code == 302
        Schedule.objects.update(scope={"apply": True})
        schedule = Schedule.objects.get()
        assert client.post(f"/admin/jobs/schedule/{schedule.pk}/run_now/").status_code == 403


def test_it_submits_the_job_of_a_schedule_now(boss: Client) -> None:
    schedule = Schedule.objects.create(name="Hourly", kind="demo", every=3600)
    boss.post(f"/admin/jobs/schedule/{schedule.pk}/run_now/")
    assert Job.objects.get().kind == "demo"


def test_it_leaves_a_schedule_to_the_service_that_keeps_it(boss: Client) -> None:
    schedule = Schedule.objects.create(name="Root 7", kind="demo", every=900, owner="root:7")
    page = boss.get(f"/admin/jobs/schedule/{schedule.pk}/change/").content.decode()
    assert "_save" not in page and "/run_now/" in page and "/disable/" not in page
    assert boss.post(f"/admin/jobs/schedule/{schedule.pk}/change/", FORM | {"every": "1"}).status_code == 403


def test_it_shows_a_schedule_that_cannot_say_when(boss: Client) -> None:
    Schedule.objects.create(name="Odd", kind="gone", cron="61 * * * *", timezone="Mars/Olympus")
    assert boss.get("/admin/jobs/schedule/").status_code == 200


def test_it_shows_events_commands_and_workers(boss: Client) -> None:
    job = Job.objects.create(kind="demo")
    Event.objects.create(job=job, code="seen_here", params={"path": "/a\n"}, level=30)
    Command.objects.create(verb="pause_all", actor="boss", state="refused", result_code="nothing_to_retry")
    worker = Worker.objects.create(host="nas", boot="b", pid=7, state="ready")
    SliceSlot.objects.create(worker=worker, job=job, slot=0)
    events = boss.get("/admin/jobs/event/?level=30").content.decode()
    assert "Saw /a\\x0a" in events and f"/admin/jobs/job/{job.pk}/change/" in events
    assert "Saw" not in boss.get("/admin/jobs/event/?level=40").content.decode()
    assert "There is nothing to do again" in boss.get("/admin/jobs/command/").content.decode()
    assert f"#{job.pk}" in boss.get("/admin/jobs/worker/").content.decode()


@pytest.mark.parametrize("table", ["event", "command", "worker"])
def test_it_lets_nobody_write_what_only_the_program_writes(boss: Client, table: str) -> None:
    assert boss.get(f"/admin/jobs/{table}/add/").status_code == 403
    assert "delete_selected" not in boss.get(f"/admin/jobs/{table}/").content.decode()

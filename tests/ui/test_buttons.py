"""The base admin: buttons by POST, what they say, and who may press them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from mediasync.jobs.models import Command, EngineState, Job, Schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of_boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def client_with(*codenames: str) -> Client:
    user = User.objects.create_user("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]


def test_it_goes_back_to_the_page_with_its_filters(client_of_boss: Client) -> None:
    job = Job.objects.create(kind="demo")
    address = "http://testserver/admin/jobs/job/?show=waiting"
    answer = client_of_boss.post(f"/admin/jobs/job/{job.pk}/pause/", headers={"referer": address})
    assert answer.headers["Location"] == address


def test_it_goes_back_to_the_list_from_a_foreign_page(client_of_boss: Client) -> None:
    job = Job.objects.create(kind="demo")
    answer = client_of_boss.post(f"/admin/jobs/job/{job.pk}/pause/", headers={"referer": "https://evil.example/"})
    assert answer.headers["Location"] == "/admin/jobs/job/"


def test_it_says_when_the_state_has_moved_on(client_of_boss: Client) -> None:
    job = Job.objects.create(kind="demo", state="completed")
    answer = client_of_boss.post(f"/admin/jobs/job/{job.pk}/pause/")
    assert "not possible any more" in said(answer)[0]
    assert not Command.objects.exists()


def test_it_answers_404_for_what_is_not_there(client_of_boss: Client) -> None:
    assert client_of_boss.post("/admin/jobs/job/77/pause/").status_code == 404


def test_it_shows_and_takes_buttons_only_by_permission() -> None:
    job = Job.objects.create(kind="demo")
    client = client_with("view_job")
    page = client.get("/admin/jobs/job/").content.decode()
    assert "#1" in page or str(job.pk) in page
    assert "/pause/" not in page
    assert client.post(f"/admin/jobs/job/{job.pk}/pause/").status_code == 403
    assert client.post("/admin/jobs/job/pause_all/").status_code == 403
    assert not Command.objects.exists()


def test_it_lets_an_operator_control_jobs() -> None:
    job = Job.objects.create(kind="demo")
    client = client_with("view_job", "control_job")
    assert f"/admin/jobs/job/{job.pk}/pause/" in client.get("/admin/jobs/job/").content.decode()
    assert client.post(f"/admin/jobs/job/{job.pk}/pause/").status_code == 302
    assert Command.objects.get().actor == "helper"


def test_it_presses_a_button_for_a_selection(client_of_boss: Client) -> None:
    jobs = [Job.objects.create(kind="demo", state=state) for state in ("queued", "running", "completed")]
    data = {"action": "cancel", "_selected_action": [job.pk for job in jobs]}
    answer = client_of_boss.post("/admin/jobs/job/", data)
    assert said(answer) == ["Cancel: 2 rows."]
    assert set(Command.objects.values_list("job_id", flat=True)) == {jobs[0].pk, jobs[1].pk}


def test_it_says_when_a_selection_was_too_long_and_what_was_refused(
    client_of_boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediasync.ui.press.MOST", 2)
    jobs = [Job.objects.create(kind="demo", state="failed", dedupe_key="x") for _ in range(3)]
    Job.objects.create(kind="demo", state="queued", dedupe_key="x")
    data = {"action": "retry_failed", "_selected_action": [job.pk for job in jobs], "select_across": "1"}
    told = said(client_of_boss.post("/admin/jobs/job/?show=attention", data))
    assert told[0] == "Retry failed: 0 rows."
    assert "Only the first 2 rows" in told[1]
    assert told[2].startswith("2 were refused.") and "waits to do the same" in told[2]


def test_it_asks_before_it_does_again_what_succeeded(client_of_boss: Client) -> None:
    job = Job.objects.create(kind="demo", state="completed")
    item = job.stages.create(seq=1, name="one").items.create(key="Film.mkv", state="succeeded")
    address = f"/admin/jobs/job/{job.pk}/items/{item.pk}/retry/"
    page = client_of_boss.post(
        address, {"force": "1"}, headers={"referer": "http://testserver/admin/jobs/job/1/change/"}
    )
    assert "Film.mkv" in page.content.decode()
    assert not Command.objects.exists()
    answer = client_of_boss.post(address, {"force": "1", "confirmed": "1", "back": "/admin/jobs/job/"})
    assert answer.headers["Location"] == "/admin/jobs/job/"
    assert Command.objects.get().args == {"items": [item.pk]}


def test_it_pauses_and_resumes_everything_from_the_header(client_of_boss: Client) -> None:
    assert "/admin/jobs/job/pause_all/" in client_of_boss.get("/admin/").content.decode()
    client_of_boss.post("/admin/jobs/job/pause_all/")
    assert Command.objects.get().verb == "pause_all"
    EngineState.objects.create(pk=1, paused_all=True, paused_by="boss")
    page = client_of_boss.get("/admin/").content.decode()
    assert "Everything is paused (by boss)" in page
    assert "/admin/jobs/job/resume_all/" in page


def test_it_turns_a_schedule_off_and_on(client_of_boss: Client) -> None:
    schedule = Schedule.objects.create(name="Nightly", kind="demo", cron="30 4 * * *", timezone="Asia/Seoul")
    client_of_boss.post(f"/admin/jobs/schedule/{schedule.pk}/disable/")
    schedule.refresh_from_db()
    assert not schedule.enabled and schedule.next_at is None
    client_of_boss.post(f"/admin/jobs/schedule/{schedule.pk}/enable/")
    schedule.refresh_from_db()
    assert schedule.enabled and schedule.next_at is not None

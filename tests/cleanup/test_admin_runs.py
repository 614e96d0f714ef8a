"""Runs in the admin: from a plan that is read and accepted to a quarantine that is deleted, and back."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cleanup import expiry, services
from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup import facing
from tests.cleanup.test_admin_folders import reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


@pytest.fixture
def made(tmp_path: Path) -> facing.Sample:
    return facing.build(tmp_path)


def planned(made: facing.Sample, *steps: str, **policy: Any) -> Run:
    folder = PlexFolder.objects.first() or facing.known(made, **policy)
    started = services.plan(folder, steps or ["all"], actor="boss")
    drain(started.job.pk, threads=False)
    return Run.objects.get(pk=started.run.pk)


def page(browser: Client, run: Run, query: str = "") -> str:
    answer = browser.get(reverse("admin:cleanup_run_change", args=[run.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def press(browser: Client, run: Run, name: str, **data: Any) -> str:
    """Press a button and do what it asks for."""
    answer = browser.post(reverse(f"admin:cleanup_run_{name}", args=[run.pk]), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def work() -> None:
    for job in Job.objects.filter(state="queued"):
        drain(job.pk, threads=False)


def test_it_goes_the_whole_way(browser: Client, made: facing.Sample) -> None:
    before = facing.tree(made.folder)
    run = planned(made)
    files = run.facts["sums"]["files"]
    text = page(browser, run)
    assert f"({files})" in text and "Move to quarantine" in text and "Images that are not selected" in text
    assert "Passed" in text and "copied as a whole" in text and "What stays" in text and "Coverage" in text
    assert "ms-thumb" not in text and "ms-thumb" in page(browser, run, "?pictures=1")

    assert "not" in press(browser, run, "accept", number=str(files + 1))
    assert "Type the number" in press(browser, run, "accept", number="all of them")
    assert Run.objects.get(pk=run.pk).state == "planned" and not Job.objects.filter(kind="cleanup_apply").exists()
    press(browser, run, "accept", number=f" {files:,} ")
    work()
    run.refresh_from_db()
    assert run.state == "applied" and run.accepted_by == "boss"
    assert len(before) - len(facing.tree(made.folder)) >= files
    text = page(browser, run)
    assert "What was done" in text and "Restore all" in text and "Delete for good" in text

    assert "Put back all" in press(browser, run, "restore") and run.state == "applied"
    press(browser, run, "restore", confirmed="1")
    work()
    assert facing.tree(made.folder) == before and Run.objects.get(pk=run.pk).state == "restored"

    run = planned(made)
    press(browser, run, "accept", number=str(run.facts["sums"]["files"]))
    work()
    assert "There is no way back" in press(browser, run, "purge")
    press(browser, run, "purge", confirmed="1")
    work()
    run.refresh_from_db()
    assert run.state == "purged" and not Path(run.quarantine).exists()
    assert "Deleted for good" in page(browser, run) and run.quarantine not in page(browser, run)


def test_it_asks_twice_where_nothing_is_kept(browser: Client, made: facing.Sample) -> None:
    run = planned(made, "cache", delete_at_once=True)
    files = str(run.facts["sums"]["files"])
    assert "Nothing is kept" in page(browser, run)
    assert "This policy keeps nothing" in press(browser, run, "accept", number=files)
    assert Run.objects.get().state == "planned"
    press(browser, run, "accept", number=files, confirmed="1")
    work()
    assert Run.objects.get().state == "purged"


def test_a_reader_may_only_read(made: facing.Sample) -> None:
    run, browser = planned(made, "cache"), reader()
    assert "Accept this plan" not in page(browser, run)
    for name in ("accept", "apply", "restore", "purge", "drop"):
        address = reverse(f"admin:cleanup_run_{name}", args=[run.pk])
        assert browser.post(address, {"number": "1", "confirmed": "1"}).status_code == 403, name
    assert browser.get(reverse("admin:cleanup_run_csv", args=[run.pk])).status_code == 200
    row = PlanRow.objects.filter(run=run, action="file").first()
    assert row and browser.get(reverse("admin:cleanup_planrow_picture", args=[row.pk])).status_code == 403


def test_who_may_change_runs_may_not_delete_for_good(made: facing.Sample) -> None:
    facing.known(made)
    facing.command("--step", "cache", "--apply", "--yes")
    run, browser = Run.objects.get(), reader("cleanup.change_run")
    assert "Delete for good</button>" not in page(browser, run) and "Restore all</button>" in page(browser, run)
    assert browser.post(reverse("admin:cleanup_run_purge", args=[run.pk]), {"confirmed": "1"}).status_code == 403


def test_it_drops_a_plan_and_plans_the_same_again(browser: Client, made: facing.Sample) -> None:
    run = planned(made, "cache", "movie:1")
    press(browser, run, "drop")
    run.refresh_from_db()
    assert run.state == "dropped" and not PlanRow.objects.exists()
    press(browser, run, "plan_again")
    again = Run.objects.first()
    assert again and again.pk != run.pk and again.steps == ["movie:1", "cache"]
    press(browser, again, "drop")
    assert Run.objects.get(pk=again.pk).state == "planning", "its job waits"


def test_a_refused_plan_says_why(browser: Client, made: facing.Sample) -> None:
    run = planned(made, most_files=2)
    text = page(browser, run)
    assert run.state == "refused" and "the limit of one run is 2" in text and "Accept this plan" not in text


def test_it_sends_the_rows(browser: Client, made: facing.Sample) -> None:
    run = planned(made)
    answer = browser.get(reverse("admin:cleanup_run_csv", args=[run.pk]))
    table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert len(table) == PlanRow.objects.filter(run=run).count() and table[0]["klass"]
    assert "attachment" in answer.headers["Content-Disposition"]
    answer = browser.get(reverse("admin:cleanup_run_json", args=[run.pk]) + "?klass=unused&outcome=planned")
    rows = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert rows and {row["klass"] for row in rows} == {"unused"}
    assert browser.get(reverse("admin:cleanup_run_json", args=[run.pk]) + "?klass=x").status_code == 404
    empty = browser.get(reverse("admin:cleanup_run_json", args=[run.pk]) + "?outcome=deleted")
    assert json.loads(b"".join(empty.streaming_content)) == []  # type: ignore[attr-defined]


def test_a_title_does_not_become_a_formula(browser: Client, made: facing.Sample) -> None:
    run = planned(made, "cache")
    PlanRow.objects.filter(run=run).update(title="=HYPERLINK(1)", path="a\nb")
    answer = browser.get(reverse("admin:cleanup_run_csv", args=[run.pk]))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=HYPERLINK(1)" in text and "a\\x0ab" in text


def test_it_lists_quarantines_with_their_end(browser: Client, made: facing.Sample) -> None:
    facing.known(made)
    facing.command("--step", "cache", "--apply", "--yes")
    planned(made, "movie:1")
    address = reverse("admin:cleanup_run_changelist")
    kept = browser.get(f"{address}?show=kept").content.decode()
    assert "1 run" in kept and "in 1" in kept, "13 days, 23 hours"
    assert "1 run" in browser.get(f"{address}?show=waiting").content.decode()
    assert "2 runs" in browser.get(address).content.decode()


def test_its_lists_cost_the_same_for_many(
    browser: Client, made: facing.Sample, django_assert_max_num_queries: Any
) -> None:
    run = planned(made)
    Run.objects.bulk_create(Run(folder=run.folder, state="planned", steps=["all"]) for _ in range(30))
    with django_assert_max_num_queries(12):
        browser.get(reverse("admin:cleanup_run_changelist"))
    with django_assert_max_num_queries(12):
        browser.get(reverse("admin:cleanup_planrow_changelist") + f"?run={run.pk}")
    with django_assert_max_num_queries(12 + len(run.totals)):
        page(browser, run)


def test_what_is_due_is_deleted_by_itself(made: facing.Sample) -> None:
    facing.known(made)
    facing.command("--step", "cache", "--apply", "--yes")
    now = timezone.now()
    assert expiry.purge_due(now) == 0
    later = now + dt.timedelta(days=15)
    assert expiry.purge_due(later) == 1 and expiry.purge_due(later) == 0, "it waits already"
    job = Job.objects.get(kind="cleanup_purge")
    assert job.trigger == "schedule"
    Job.objects.filter(pk=job.pk).update(state="failed", finished=later)
    assert expiry.purge_due(later + dt.timedelta(hours=23)) == 0, "not again so soon"
    assert expiry.purge_due(later + dt.timedelta(hours=25)) == 1
    work()
    assert Run.objects.get().state == "purged" and expiry.purge_due(later + dt.timedelta(days=9)) == 0

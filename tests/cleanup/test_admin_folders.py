"""Data folders in the admin: forms, what is found, plans, schedules, coverage, Plex's own jobs."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from cleanup import admin_policy_form, allowing, folders, policy
from cleanup.choices import Klass, Risk
from cleanup.models import PlexFolder, Run
from cleanup.policy import GIB, Policy
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job, Schedule
from tests.cleanup import facing
from tests.cleanup.planned import plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


@pytest.fixture
def made(tmp_path: Path) -> facing.Sample:
    return facing.build(tmp_path)


def reader(*codes: str) -> Client:
    """Log in somebody who may look, and what else is named."""
    user = User.objects.create_user("reader", is_staff=True)
    for code in ("cleanup.view_plexfolder", "cleanup.view_run", *codes):
        app, _dot, name = code.partition(".")
        user.user_permissions.add(Permission.objects.get(codename=name, content_type__app_label=app))
    browser = Client()
    browser.force_login(user)
    return browser


def address(name: str, *args: Any) -> str:
    return reverse(f"admin:cleanup_plexfolder_{name}", args=args)


def entered(path: Path, /, **changes: Any) -> dict[str, Any]:
    """Return what the form posts that stands there at first."""
    shown = admin_policy_form.shown(Policy())
    posted = {name: value for name, value in shown.items() if value is not False}
    return {"path": str(path), "quarantine_days": 14, "name": "", **posted, **changes}


def test_every_setting_of_the_policy_has_a_field_with_words() -> None:
    names = {each.name for each in fields(Policy)}
    assert names == set(admin_policy_form.WORDS) & names, names - set(admin_policy_form.WORDS)
    placed = [name for _title, found in admin_policy_form.groups() for name in found]
    assert sorted(placed) == sorted(admin_policy_form.PREFIX + name for name in names)


def test_a_form_that_nobody_changed_stores_the_defaults(browser: Client, made: facing.Sample) -> None:
    answer = browser.post(address("add"), entered(made.folder), follow=True)
    folder = PlexFolder.objects.get()
    assert answer.status_code == 200 and folder.name == "Plex"
    assert folder.policy == {} and policy.of(folder.policy) == Policy()


def test_it_stores_what_differs_and_shows_it_again(browser: Client, made: facing.Sample) -> None:
    changes = {
        "policy_classes": ["cache", "unused"],
        "policy_cache_budget": "2.5",
        "policy_most_share": "25",
        "policy_live_writes": "on",
        "policy_ask_after": ["optimize"],
        "policy_url_per_second": "0.5",
    }
    browser.post(address("add"), entered(made.folder, **changes))
    folder = PlexFolder.objects.get()
    found = policy.of(folder.policy)
    assert found.classes == ("unused", "cache") and found.cache_budget == 2.5 * GIB and found.most_share == 0.25
    assert found.live_writes and found.ask_after == ("optimize",) and found.url_per_second == 0.5
    assert found.idle_only, "what was not touched stays"
    page = browser.get(address("change", folder.pk)).content.decode()
    assert 'value="2.5"' in page and 'value="25.0"' in page


def test_it_refuses_what_cannot_be(browser: Client, made: facing.Sample) -> None:
    for name, value, said in (
        ("path", "/nowhere", "/nowhere"),
        ("path", "relative", "absolute"),
        ("path", "/etc/..", ""),
        ("cache_path", "/nowhere", "/nowhere"),
        ("quarantine_path", "x", "absolute"),
        ("policy_most_share", "200", "less than or equal to 100"),
        ("policy_cache_days", "-1", "greater than or equal to 0"),
        ("policy_classes", ["everything"], "valid choice"),
    ):
        page = browser.post(address("add"), entered(made.folder, **{name: value})).content.decode()
        assert "errorlist" in page and said in page, (name, value)
    assert not PlexFolder.objects.exists()


def test_a_policy_that_cannot_be_read_is_mended_by_saving(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    PlexFolder.objects.update(policy={"nonsense": 1})
    assert browser.get(address("change", folder.pk)).status_code == 200
    assert "policy" in browser.get(address("look", folder.pk)).content.decode()
    browser.post(address("change", folder.pk), entered(made.folder, name="Plex"))
    assert PlexFolder.objects.get().policy == {}


def test_it_finds_data_folders(browser: Client, made: facing.Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.places, "find", lambda: [str(made.folder)])
    assert str(made.folder) in browser.get(address("find")).content.decode()
    browser.post(address("add_found"), {"path": "/etc"})
    assert not PlexFolder.objects.exists(), "only what was found"
    answer = browser.post(address("add_found"), {"path": str(made.folder)}, follow=True)
    assert "is known now" in answer.content.decode() and PlexFolder.objects.get().path == str(made.folder)
    assert "None was found" in browser.get(address("find")).content.decode()
    assert reader().post(address("add_found"), {"path": str(made.folder)}).status_code == 403


def test_it_shows_what_is_found(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    before = facing.tree(made.folder)
    page = browser.get(address("look", folder.pk)).content.decode()
    assert "Metadata/TV Shows" in page and "G2" in page and "user_thumb_url" in page and "?sizes=1" in page
    sized = browser.get(address("look", folder.pk) + "?sizes=1").content.decode()
    assert "Counted now" in sized and "KB" in sized
    assert facing.tree(made.folder) == before
    (made.folder / "Metadata").rename(made.folder / "Elsewhere")
    assert "Metadata" in browser.get(address("look", folder.pk) + "?sizes=1").content.decode()


def test_it_plans_what_was_chosen(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    page = browser.get(address("plan", folder.pk)).content.decode()
    assert "movie:2" in page and "Selected images that have a web address" in page
    chosen = {"steps": ["movie:1", "cache"], "prefixes": ["0", "f"], "sections": "1, 2", "limit": "50"}
    answer = browser.post(address("start_plan", folder.pk), chosen)
    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("admin:cleanup_run_change", args=[run.pk])
    assert run.filters == {"sections": [1, 2], "prefixes": ["0", "f"], "limit": 50} and run.actor == "boss"
    assert run.job and run.job.kind == "cleanup_plan" and run.state == "planning"
    for wrong, said in (
        ({}, "required"),
        ({"steps": "film:9"}, "valid choice"),
        ({"steps": "cache", "prefixes": "zz"}, "valid choice"),
        ({"steps": "cache", "sections": "x"}, "Not a number"),
        ({"steps": "movie:4", "types": []}, ""),
    ):
        page = browser.post(address("start_plan", folder.pk), wrong, follow=True).content.decode()
        assert said in page
    PlexFolder.objects.update(policy={"classes": ["cache"]})
    page = browser.post(address("start_plan", folder.pk), {"steps": "uploads"}).content.decode()
    assert "The policy of this folder allows nothing" in page
    assert reader().post(address("start_plan", folder.pk), chosen).status_code == 403
    browser.post(address("plan_all", folder.pk))
    assert Run.objects.first().steps == ["all"]  # type: ignore[union-attr]


def test_the_page_of_a_plan_says_what_the_policy_allows(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made, hours_from=2, hours_to=6, most_files=1234, most_share=0.25)
    page = browser.get(address("plan", folder.pk)).content.decode()
    assert "from 02:00 until 06:00" in page and "Only when nobody watches." in page and "None is linked" in page
    assert "1,234 files" in page and "25% of all bundles" in page and "Only the cache is cleared" in page
    assert page.count("not allowed") == 3 and "May not come back" in page
    folder.policy = {"idle_only": False, "live_deletes": True, "classes": ["cache"]}
    folder.save()
    page = browser.get(address("plan", folder.pk)).content.decode()
    assert "at any time" in page and "Only when nobody watches." not in page and page.count("not allowed") == 8
    folder.policy = {"unknown": 1}
    folder.save()
    assert "cannot be read" in browser.get(address("plan", folder.pk)).content.decode()


def test_no_row_risks_more_than_the_page_says(tmp_path: Path) -> None:
    order = [Risk.LOW, Risk.MEDIUM, Risk.HIGH]
    for columns in (["thumb"], ["thumb", "art"]):
        allowed = policy.of({"columns": columns})
        found = plan(facing.build(tmp_path / str(len(columns))).folder, host=True, columns=columns)
        assert {each.klass for each in found.drafts} > {Klass.SELECTED, Klass.UPLOAD, Klass.CACHE}
        for each in found.drafts:
            assert order.index(each.risk) <= order.index(allowing.risk(each.klass, allowed)), each


def test_it_makes_a_schedule_that_plans_or_applies(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    chosen = {"name": "Cache", "cron": "0 5 * * *", "timezone": "Asia/Seoul", "steps": ["cache"], "limit": "0"}
    browser.post(address("save_schedule", folder.pk), chosen)
    row = Schedule.objects.get()
    assert row.kind == "cleanup_plan" and row.scope == {"folder": folder.pk, "steps": ["cache"]} and row.next_at
    browser.post(address("save_schedule", folder.pk), {**chosen, "name": "More", "apply": "on"})
    assert Schedule.objects.get(name="More").scope["apply"] is True
    page = browser.get(address("schedule", folder.pk)).content.decode()
    assert "carried out" in page and "only planned" in page
    for wrong, said in (
        (chosen, "a schedule of this name"),
        ({**chosen, "name": "x", "cron": "every day"}, "cron line"),
        ({**chosen, "name": "x", "timezone": "Mars"}, "no time zone"),
        ({**chosen, "name": "x", "steps": []}, "required"),
    ):
        page = browser.post(address("save_schedule", folder.pk), wrong).content.decode()
        assert said in page, said
    assert Schedule.objects.count() == 2


def test_only_who_may_accept_may_have_it_carried_out_by_itself(made: facing.Sample) -> None:
    folder = facing.known(made)
    browser = reader("jobs.add_schedule", "cleanup.add_run")
    chosen = {"name": "Cache", "cron": "0 5 * * *", "timezone": "UTC", "steps": ["cache"]}
    assert browser.post(address("save_schedule", folder.pk), {**chosen, "apply": "on"}).status_code == 403
    assert not Schedule.objects.exists()
    assert browser.post(address("save_schedule", folder.pk), chosen).status_code == 302


def test_it_measures_coverage(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    page = browser.get(address("coverage", folder.pk)).content.decode()
    assert "Films" in page and "Shows" in page and "Not a web address yet" in page
    (made.folder / "Metadata").rename(made.folder / "Elsewhere")
    assert "Metadata" in browser.get(address("coverage", folder.pk)).content.decode()


def test_it_says_that_no_server_is_linked(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    assert "linked to no server" in browser.get(address("butler", folder.pk)).content.decode()
    page = browser.post(address("ask_butler", folder.pk), {"what": "rm -rf"}, follow=True).content.decode()
    assert "Plex has no job" in page and not Job.objects.exists()


def test_its_list_costs_the_same_for_many(
    browser: Client, made: facing.Sample, django_assert_max_num_queries: Any
) -> None:
    facing.known(made)
    for number in range(20):
        folder = PlexFolder.objects.create(name=f"P{number}", path=f"/p/{number}")
        Run.objects.create(folder=folder, state="planned")
    with django_assert_max_num_queries(12):
        page = browser.get(address("changelist")).content.decode()
    assert page.count("Waits to be accepted") == 40, "last run, and what waits"


def test_a_folder_with_a_quarantine_cannot_be_deleted(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    facing.command("--step", "cache", "--apply", "--yes")
    page = browser.post(address("delete", folder.pk), {"post": "yes"}, follow=True).content.decode()
    assert PlexFolder.objects.exists() and "still holds files" in page
    facing.command("--purge", Run.objects.get().pk, "--yes")
    browser.post(address("delete", folder.pk), {"post": "yes"})
    assert not PlexFolder.objects.exists() and not Run.objects.exists()


def test_a_plan_can_be_started_like_any_job(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    page = browser.get(reverse("admin:jobs_job_start") + "?kind=cleanup_plan").content.decode()
    assert "everything that the policy allows" in page and 'name="apply"' not in page
    start = reverse("admin:jobs_job_start_kind", args=["cleanup_plan"])
    assert "required" in browser.post(start, {"folder": folder.pk}).content.decode()
    browser.post(start, {"folder": folder.pk, "steps": ["cache", "movie:1"], "prefixes": ["a"], "apply": "on"})
    job = Job.objects.get()
    assert job.scope == {"folder": folder.pk, "steps": ["movie:1", "cache"], "prefixes": ["a"]}
    drain(job.pk, threads=False)
    assert Run.objects.get().state == "planned", "it waits for a person"


def test_a_schedule_of_any_kind_is_understood_before_it_is_saved(browser: Client, made: facing.Sample) -> None:
    folder = facing.known(made)
    add = reverse("admin:jobs_schedule_add")
    posted = {"name": "Again", "kind": "cleanup_reapply", "cron": "0 3 * * *", "timezone": "UTC", "enabled": "on"}
    assert "errorlist" in browser.post(add, {**posted, "scope": '{"folder": 999}'}).content.decode()
    browser.post(add, {**posted, "scope": '{"folder": "Plex"}'})
    assert Schedule.objects.get().scope == {"folder": folder.pk}
    asked = {**posted, "name": "Bundles", "kind": "cleanup_housekeeping"}
    assert "errorlist" in browser.post(add, {**asked, "scope": '{"folder": "Plex", "what": "../x"}'}).content.decode()
    browser.post(add, {**asked, "scope": '{"folder": "Plex", "what": "clean_bundles"}'})
    page = browser.get(address("schedule", folder.pk)).content.decode()
    assert "Again" in page and "Bundles" in page

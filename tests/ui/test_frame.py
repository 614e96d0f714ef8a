"""The frame of every page: navigation, engine chip, policy, badges and bars."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from mediasync.jobs.models import EngineState, Event, Worker
from mediasync.ui import render
from mediasync.ui.engine import engine_status
from mediasync.ui.paginator import CappedPaginator

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def test_it_groups_the_navigation(boss: Client) -> None:
    groups = boss.get("/admin/").context["available_apps"]
    names = [str(group["name"]) for group in groups]
    assert names[0] == "Console" and names[-1] == "System"
    assert [str(model["name"]) for model in groups[0]["models"]] == ["Jobs", "Events", "Explain a path"]
    assert boss.get(groups[0]["models"][2]["admin_url"]).status_code == 200


def test_it_leads_nobody_to_a_page_that_is_not_for_him(db: None) -> None:
    user = User.objects.create_user("eye", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_job", "view_root", "view_change")))
    client = Client()
    client.force_login(user)
    groups = client.get("/admin/").context["available_apps"]
    assert [str(model["name"]) for model in groups[0]["models"]] == ["Jobs"]


def test_it_hides_the_admin_of_the_courier() -> None:
    shown = {model._meta.object_name for model in admin.site._registry if model._meta.app_label == "django_q"}
    assert shown == {"OrmQ", "Failure"}
    assert all(type(each).__module__.startswith("mediasync") for model, each in admin.site._registry.items()
               if model._meta.app_label == "django_q")  # fmt: skip


def test_it_sends_a_strict_policy(boss: Client) -> None:
    policy = boss.get("/admin/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_it_writes_no_inline_script_or_style(boss: Client) -> None:
    for address in ("/admin/", "/admin/jobs/job/", "/admin/jobs/schedule/add/", "/admin/jobs/job/start/"):
        page = boss.get(address).content.decode()
        assert "<style" not in page and " style=" not in page and " onclick=" not in page, address
        assert all("src=" in tag.split(">")[0] for tag in page.split("<script")[1:]), address


def test_it_warns_when_no_worker_ticks(boss: Client) -> None:
    assert "No worker is running" in boss.get("/admin/").content.decode()
    EngineState.objects.create(pk=1, last_tick=timezone.now())
    assert "No worker is running" not in boss.get("/admin/").content.decode()


def test_it_tells_a_stranger_nothing_of_the_engine(db: None) -> None:
    page = Client().get("/admin/login/").content.decode()
    assert "worker" not in page


@pytest.mark.django_db
def test_it_counts_only_workers_that_beat() -> None:
    EngineState.objects.create(pk=1, last_tick=NOW - dt.timedelta(seconds=31))
    Worker.objects.create(host="a", boot="b", pid=1, state="ready", beat_at=NOW)
    Worker.objects.create(host="a", boot="b", pid=2, state="ready", beat_at=NOW - dt.timedelta(minutes=1))
    Worker.objects.create(host="a", boot="b", pid=3, state="gone", beat_at=NOW)
    status = engine_status(may_control=False, now=NOW)
    assert (status.workers, status.silent, status.tick_age) == (1, True, 31)


@pytest.mark.django_db
def test_it_counts_no_further_than_its_cap() -> None:
    Event.objects.bulk_create(Event(code="x") for _ in range(6))
    pages = CappedPaginator(Event.objects.order_by("id"), 2)
    assert (pages.count, pages.capped) == (6, False)
    pages = CappedPaginator(Event.objects.order_by("id"), 2)
    pages.cap = 5
    assert (pages.count, pages.capped) == (5, True)


def test_it_draws_a_bar_with_its_numbers() -> None:
    html = render.bar(142, 240, failed=4)
    assert 'aria-label="60 %: 146 of 240, 4 failed"' in html
    assert 'width="59.17"' in html and 'width="1.67"' in html
    assert "146/240" in html


def test_it_draws_no_percent_while_the_total_grows() -> None:
    html = render.bar(1728, 5200, failed=20, final=False)
    assert "%" not in html and "svg" not in html
    assert "1748 done" in html


def test_it_says_ages_in_words_with_the_exact_time() -> None:
    assert "5\xa0minutes ago" in render.age(NOW - dt.timedelta(minutes=5), NOW)
    assert "in 3\xa0hours" in render.age(NOW + dt.timedelta(hours=3), NOW)
    assert 'datetime="2026-11-20T12:00:00+00:00"' in render.age(NOW, NOW)


def test_it_shows_names_that_are_no_text() -> None:
    assert render.path("a\nb<\U0010dcff") == '<bdi class="ms-path">a\\x0ab&lt;\\xff</bdi>'


@pytest.mark.parametrize(("seconds", "words"), [(None, "–"), (4.24, "4.2 s"), (27.6, "28 s"), (3723, "1:02:03")])
def test_it_says_how_long_something_took(seconds: float | None, words: str) -> None:
    assert render.duration(seconds) == words

"""The console in a real browser: strict policy, phone width, dark, and buttons without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from mediasync.jobs import registry
from mediasync.jobs.models import Command, Group, Item, Job, Stage
from tests.e2e.browser import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class One(registry.Stage):
    name = "one"


@pytest.fixture
def site(live_server: LiveServer, transactional_db: None) -> Iterator[tuple[Browser, str, Job]]:
    """Give a browser that is logged in, the address of the site, and a job to look at."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    job = Job.objects.create(kind="demo", state="running", total=40, total_final=True, done=10, failed=2)
    stage = Stage.objects.create(job=job, seq=1, name="one", state="running", total=40)
    for name in ("a" * 200, "영화"):
        group = Group.objects.create(stage=stage, key=name, total=20)
        Item.objects.bulk_create(Item(stage=stage, group=group, key=f"{name}/{n}", state="failed") for n in range(20))
    with registry.registered(registry.JobKind("demo", "Demo", (One(),))), Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        yield browser, live_server.url, job


def pages(job: Job) -> list[str]:
    return [
        "/admin/",
        "/admin/jobs/job/",
        f"/admin/jobs/job/{job.pk}/change/?open={','.join(str(g.pk) for g in Group.objects.all())}",
        f"/admin/jobs/job/{job.pk}/change/?state=failed",
        "/admin/jobs/job/start/?kind=demo",
        "/admin/jobs/schedule/add/",
        "/admin/jobs/event/",
        "/admin/jobs/worker/",
        "/admin/auth/user/",
    ]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_it_has_no_console_error_and_no_sideways_scroll(site: tuple[Browser, str, Job], width: int, dark: bool) -> None:
    browser, url, job = site
    browser.look(width=width, dark=dark)
    for page in pages(job):
        browser.open(url + page)
        over = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over == 0, f"{page} is {over} px too wide"
        assert browser.run("document.querySelectorAll('main').length") == 1
        background = browser.run("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, background[4:-1].split(","))) < 200) == dark
    assert browser.problems == []


def test_it_works_without_javascript(site: tuple[Browser, str, Job]) -> None:
    browser, url, job = site
    browser.look(javascript=False)
    browser.open(f"{url}/admin/jobs/job/")
    browser.click(f'button[formaction="/admin/jobs/job/{job.pk}/pause/"]')
    assert Command.objects.get().verb == "pause"
    browser.open(f"{url}/admin/jobs/job/{job.pk}/change/")
    browser.click(".ms-group")
    browser.click('button[formaction$="/cancel/"]')
    assert Command.objects.count() == 2
    browser.open(f"{url}/admin/")
    browser.click(".ms-engine button")
    assert Command.objects.filter(verb="pause_all").exists()
    assert browser.problems == []


def test_it_sets_a_priority_by_enter_without_pressing_another_button(site: tuple[Browser, str, Job]) -> None:
    browser, url, job = site
    browser.look()
    browser.open(f"{url}/admin/jobs/job/{job.pk}/change/")
    browser.run("document.getElementById('priority').focus()")
    browser.press_enter()
    assert list(Command.objects.values_list("verb", flat=True)) == ["set_priority"]


def test_it_shows_a_way_around_on_every_screen(site: tuple[Browser, str, Job]) -> None:
    browser, url, job = site
    seen = "document.querySelector('{}').checkVisibility({{visibilityProperty: true}})"
    for width, javascript, way in (
        (1440, True, "#nav-sidebar a"),
        (1440, False, "#nav-sidebar a"),
        (390, True, ".ms-menu"),
    ):
        browser.look(width=width, javascript=javascript)
        browser.open(f"{url}/admin/jobs/job/{job.pk}/change/")
        assert browser.run(seen.format(way)), (width, javascript)

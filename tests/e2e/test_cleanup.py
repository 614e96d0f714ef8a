"""The clean-up in a real browser: its pages on each screen, and the way from a plan to a purge without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from cleanup import services
from cleanup.models import ImageHost, PlanRow, PlexFolder, Run
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup import facing
from tests.e2e.browser import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
Site = tuple[Browser, str, facing.Sample]


@pytest.fixture
def site(live_server: LiveServer, transactional_db: None, tmp_path: Path) -> Iterator[Site]:
    """Give a browser that is logged in, the address of the site, and a data folder that is known."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    made = facing.build(tmp_path)
    facing.known(made)
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        yield browser, live_server.url, made


def work() -> None:
    """Do what a worker would."""
    for job in Job.objects.filter(state="queued").order_by("id"):
        drain(job.pk, threads=False)


def pages(folder: PlexFolder, run: Run) -> list[str]:
    folders, row = f"/admin/cleanup/plexfolder/{folder.pk}", PlanRow.objects.filter(run=run, action="tree").first()
    assert row is not None
    return [
        "/admin/cleanup/plexfolder/",
        "/admin/cleanup/plexfolder/find/",
        "/admin/cleanup/plexfolder/add/",
        *(f"{folders}/{name}/" for name in ("change", "look", "plan", "schedule", "coverage", "butler")),
        "/admin/cleanup/run/",
        f"/admin/cleanup/run/{run.pk}/change/",
        f"/admin/cleanup/run/{run.pk}/change/?pictures=1",
        f"/admin/cleanup/planrow/?run={run.pk}",
        f"/admin/cleanup/planrow/{row.pk}/change/",
        "/admin/cleanup/imagehost/add/",
        f"/admin/cleanup/imagehost/{ImageHost.objects.create(name='Art', kind='discord').pk}/change/",
    ]


def test_its_pages_fit_every_screen(site: Site) -> None:
    browser, url, _made = site
    folder = PlexFolder.objects.get()
    drain(services.plan(folder, ["all"]).job.pk, threads=False)
    addresses = pages(folder, Run.objects.get())
    for width, dark in ((1440, False), (1440, True), (390, False)):
        browser.look(width=width, dark=dark)
        for page in addresses:
            browser.open(url + page)
            over = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over == 0, f"{page} is {over} px too wide at {width}"
            assert browser.run("document.querySelectorAll('main').length") == 1
            unnamed = "[...document.querySelectorAll('main button')].filter(b => !b.textContent.trim()).length"
            assert browser.run(unnamed) == 0
    assert browser.problems == []


def test_it_shows_pictures_on_demand_only(site: Site) -> None:
    browser, url, made = site
    picture = made.folder / made.paths[next(name for name in made.paths if "unused" in name or "other" in name)]
    assert picture.exists()
    drain(services.plan(PlexFolder.objects.get(), ["movie:1"]).job.pk, threads=False)
    run = Run.objects.get()
    browser.look()
    browser.open(f"{url}/admin/cleanup/run/{run.pk}/change/")
    assert browser.run("document.querySelectorAll('img.ms-thumb').length") == 0
    browser.open(f"{url}/admin/cleanup/run/{run.pk}/change/?pictures=1")
    assert browser.run("document.querySelectorAll('img.ms-thumb').length") > 0
    assert [each for each in browser.problems if "Content Security" in str(each)] == []


def test_it_goes_the_whole_way_without_scripts(site: Site) -> None:
    browser, url, made = site
    before = facing.tree(made.folder)
    browser.look(javascript=False)
    browser.open(f"{url}/admin/cleanup/plexfolder/")
    browser.click("button[formaction$='/plan_all/']")
    work()
    run = Run.objects.get()
    files = run.facts["sums"]["files"]
    here = f"{url}/admin/cleanup/run/{run.pk}/change/"
    browser.open(here)
    browser.look(javascript=True)  # to type; nothing of the page needs it
    browser.run(f"document.getElementById('number').value = '{files + 1}'")
    browser.click("form[action$='/accept/'] button")
    assert Run.objects.get().state == "planned"
    assert f"The plan has {files} files" in browser.run("document.body.innerText")
    browser.run(f"document.getElementById('number').value = '{files}'")
    browser.click("form[action$='/accept/'] button")
    work()
    assert Run.objects.get().state == "applied" and len(facing.tree(made.folder)) < len(before)
    browser.look(javascript=False)
    browser.open(here)
    browser.click("button[formaction$='/restore/']")
    browser.click("button[name=confirmed]")
    work()
    assert facing.tree(made.folder) == before
    assert browser.problems == []

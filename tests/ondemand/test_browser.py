"""The page for those who are no admins, in a browser, without scripts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from pytest_django.live_server_helper import LiveServer

from mediasync.jobs.models import Job
from mediasync.servers.models import Server
from monitors.models import Root
from scanning.models import ScanRequest
from tests.e2e.browser import Browser
from tests.ondemand.conftest import add_server

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]


def picture(browser: Browser, name: str) -> None:
    """Save a picture where a person wants to look at one."""
    if folder := os.environ.get("MEDIASYNC_PICTURES"):
        browser.screenshot(f"{folder}/{name}.png", full=True)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_is_used_without_scripts(live_server: LiveServer, media: Path, width: int, dark: bool) -> None:
    Root.objects.create(name="media", path=str(media))
    add_server("Plex", "plex", str(media))
    Server.objects.create(name="Far away", kind="emby", url="http://127.0.0.1:9", paused=True)
    user = User.objects.create_user("friend", password="friend")
    user.user_permissions.add(Permission.objects.get(codename="trigger_update"))
    with Browser() as browser:
        browser.look(width=width, dark=dark)
        browser.open(f"{live_server.url}/")
        picture(browser, f"login-{width}")
        browser.run("document.getElementById('id_username').value = 'friend'")
        browser.run("document.getElementById('id_password').value = 'friend'")
        browser.look(width=width, dark=dark, javascript=False)
        browser.click("main button")
        picture(browser, f"home-{width}")
        browser.click("section button")
        picture(browser, f"pressed-{width}")
        browser.look(width=width, dark=dark)
        assert "is asked to look through" in browser.run("document.body.innerText")
        browser.run("document.getElementById('name').value = 'My Fancy Show S07E22.mp4'")
        browser.click("form.ms-card button")
        picture(browser, f"found-{width}")
        assert "My Fancy Show (2015)" in browser.run("document.body.innerText")
        browser.run("document.getElementById('name').value = 'My Fanzy Show S07E22.mp4'")
        browser.click("form.ms-card button")
        picture(browser, f"near-{width}")
        assert "Did you mean: My Fancy Show (2015)" in browser.run("document.body.innerText")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        browser.click("#logout-form button")
        assert browser.run("location.pathname") == "/login/"
        assert not browser.problems
    assert Job.objects.filter(kind="scan_library").count() == 1
    assert ScanRequest.objects.count() == 1

"""A server whose token is refused, as a person sees it in a browser and gets it going again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from mediasync.core.clock import system
from mediasync.jobs.drain import drain
from mediasync.servers import services as servers
from mediasync.servers.models import Library, Server
from scanning import services
from scanning.models import ScanRequest
from scanning.requests import Wanted, request_many
from scanning.units import Unit
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library as Shelf

from .browser import Browser

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]
BANNER = "is not asked any more"


def picture(browser: Browser, name: str) -> None:
    """Save a picture where a person wants to look at one."""
    if folder := os.environ.get("MEDIASYNC_PICTURES"):
        browser.screenshot(f"{folder}/{name}.png", full=True)


def text(browser: Browser) -> str:
    return str(browser.run("document.body.innerText"))


def send(server: Server) -> None:
    """Let the delivery try, until it is sent or the server is paused."""
    job = services.deliver(server.pk)
    assert job is not None
    drain(job, threads=False, stop=lambda: Server.objects.get().paused or not ScanRequest.objects.filter(sent_at=None))


@pytest.mark.parametrize("button", ["test_connection", "resume"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_banner_says_that_the_token_is_refused_and_a_button_resumes(
    live_server: LiveServer, tmp_path: Path, width: int, dark: bool, button: str
) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    (tmp_path / "A").mkdir()
    with FakePlex([Shelf("Films", "movie", [str(tmp_path)])], "right") as plex, Browser() as browser:
        server = Server(name="Living room", kind="plex", url=plex.url, debounce=0, pace=0, verify=False)
        servers.load_libraries(servers.save(server, "right"))
        unit = Unit(str(tmp_path / "A"), str(tmp_path / "A"), "Created", True)
        request_many(server, [Wanted(unit, Library.objects.get().pk)], system.now())
        plex.token = "another"
        send(server)
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        browser.look(width=width, dark=dark, javascript=False)
        page = f"{live_server.url}/admin/servers/server/{server.pk}/change/"
        for at in ("/admin/", "/admin/scanning/scanrequest/", "/admin/servers/server/"):
            browser.open(live_server.url + at)
            assert BANNER in text(browser), at
            picture(browser, f"refused-{width}-{at.strip('/').replace('/', '-')}")
        browser.click(".ms-strip a")
        assert str(browser.run("location.href")) == page
        picture(browser, f"refused-{width}-page")
        browser.look(width=width, dark=dark)
        assert browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        browser.look(width=width, dark=dark, javascript=False)
        plex.token = "right"
        browser.click(f"[formaction$='/{button}/'], form[action$='/{button}/'] button")
        assert BANNER not in text(browser)
        send(server)
        assert [r.value("path") for r in plex.requests if r.path.endswith("/refresh")] == [str(tmp_path / "A")]
        browser.open(page)
        picture(browser, f"resumed-{width}")
        assert not Server.objects.get().paused
        assert browser.problems == []

"""The page of a server, with the figures of its requests, in a real browser."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from mediasync.servers.models import Library, Server
from scanning.models import ScanRequest
from tests.e2e.browser import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def page(live_server: LiveServer, transactional_db: None) -> Iterator[tuple[Browser, str]]:
    """Give a browser that is logged in, and the address of a server with requests of every state."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    server = Server.objects.create(name="Plex", kind="plex", url="http://127.0.0.1:9", token_sealed="x")
    now = timezone.now()
    for number, title in enumerate(("Films", "Series with a rather long name", "영화")):
        library = Library.objects.create(server=server, key=str(number), title=title)
        for each, state in enumerate(ScanRequest.State.values):
            ScanRequest.objects.create(
                server=server, library=library, path=f"/m/{title}/{state}", state=state, verified_at=now,
                changed_at=now - dt.timedelta(seconds=each * 40),
            )  # fmt: skip
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        yield browser, f"{live_server.url}/admin/servers/server/{server.pk}/change/"


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_the_figures_fit_on_the_page(page: tuple[Browser, str], width: int, dark: bool) -> None:
    browser, address = page
    browser.look(width=width, dark=dark)
    browser.open(address)
    if folder := os.environ.get("SHOTS"):
        browser.screenshot(f"{folder}/server-{width}-{dark}.png", full=True)
    over = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over == 0, f"{over} px too wide"
    assert browser.run("document.querySelectorAll('.ms-scroll tbody tr').length") == 4
    browser.click(".ms-scroll a")
    assert browser.run("document.querySelectorAll('#result_list tbody tr').length") == 1
    assert browser.problems == []

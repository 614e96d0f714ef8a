"""The explanation, the tester with its examples and the suggestions in a real browser, as wide and as narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from monitors.models import Hint
from scanning import examples
from scanning.models import PathMapping
from tests.e2e.browser import Browser
from tests.explain.scene import FILM, NOW, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TRY = "/admin/scanning/pathmapping/try/"


@pytest.fixture
def site(live_server: LiveServer, transactional_db: None, tmp_path: Path) -> Iterator[tuple[Browser, str, Scene]]:
    """Give a browser that is logged in, the address of the site, and a film on its way to two servers."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    scene = Scene(tmp_path)
    scene.server("jellyfin", "D:\\media\\Films", unmatched="error", paused=True, paused_reason="server_paused_by_hand")
    PathMapping.objects.create(space="source", source="radarr", pattern="D:\\media", replacement=str(scene.top))
    Hint.objects.create(source="radarr", reference="payload 7", root=scene.root, path="Films/Heat (1995)")
    scene.change()
    scene.request("not_found", sent_at=NOW, answer_status=200, reason="not_taken", checks=6)
    examples.save(str(scene.file))
    PathMapping.objects.create(space="server", order=1, pattern=f"{scene.top}/Films", replacement="/x" * 60)
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        yield browser, live_server.url, scene


def pages(scene: Scene) -> list[str]:
    film = urlencode({"path": str(scene.file)})
    windows = urlencode({"path": "D:\\media\\" + FILM.replace("/", "\\"), "source": "radarr"})
    long = urlencode({"path": f"{scene.top}/{'x' * 250}\n/영화.mkv"})
    asked = [f"{page}?{query}" for page in ("/explain/", TRY) for query in (film, windows, long)]
    others = ("pathmapping/", "pathmapping/suggest/", "mappingexample/", "scanrequest/")
    return ["/explain/", TRY, *asked, *(f"/admin/scanning/{page}" for page in others)]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_it_has_no_console_error_and_no_sideways_scroll(
    site: tuple[Browser, str, Scene], width: int, dark: bool
) -> None:
    browser, url, scene = site
    browser.look(width=width, dark=dark)
    for page in pages(scene):
        browser.open(url + page)
        over = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over == 0, f"{page} is {over} px too wide"
    assert browser.problems == []


def test_a_person_follows_a_film_without_javascript(site: tuple[Browser, str, Scene]) -> None:
    browser, url, scene = site
    PathMapping.objects.filter(order=1).delete()
    browser.look(javascript=False)
    browser.open(f"{url}/explain/?{urlencode({'path': FILM})}")
    browser.open(f"{url}{TRY}?{urlencode({'path': str(scene.file)})}")
    assert "A file is there." in browser.run("document.querySelector('main').innerText")
    browser.click("main a[href^='/explain/']")
    first = browser.run("document.querySelector('main li strong').innerText")
    assert first.startswith("Resume jellyfin")
    assert "plex scanned and does not show it" in browser.run("document.querySelector('main').innerText")
    assert browser.problems == []

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediasync.servers.models import Arrival, KnownItem, Listener, Server

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def row() -> Listener:
    server = Server.objects.create(name="Here", kind="plex", url="http://127.0.0.1:9")
    return Listener.objects.create(server=server, state="trouble", code="listener_cut", begun_at=NOW)


@pytest.fixture
def browser(admin_client: Browser) -> Browser:
    return admin_client


def press(browser: Browser, row: Listener, button: str) -> Listener:
    address = reverse(f"admin:servers_listener_{button}", args=[row.pk])
    assert browser.get(address).status_code == 405
    assert browser.post(address, {"confirmed": "1"}).status_code == 302
    return Listener.objects.get()


def test_it_shows_what_arrived(browser: Browser, row: Listener) -> None:
    about = {"server": row.server, "title": "<Pilot>", "show": "Show", "season": 1, "episode": 2, "kind": "episode"}
    arrival = Arrival.objects.create(key="7", path="/tv/x.mkv", picture="/p.jpg", heard_at=NOW, added_at=NOW, **about)
    page = browser.get(reverse("admin:servers_arrival_changelist") + "?q=Show").content.decode()
    assert "Show S01E02 &lt;Pilot&gt;" in page and "/tv/x.mkv" in page
    page = browser.get(reverse("admin:servers_arrival_change", args=[arrival.pk])).content.decode()
    assert 'href="http://127.0.0.1:9/p.jpg"' in page


def test_it_asks_the_database_as_often_for_many(browser: Browser, row: Listener) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("admin:servers_arrival_changelist"))
        return len(queries)

    rows = [Arrival(server=row.server, key=str(n), title="x", heard_at=NOW) for n in range(60)]
    Arrival.objects.bulk_create(rows[:2])
    before = cost()
    Arrival.objects.bulk_create(rows[2:])
    assert cost() <= before


def test_it_says_how_listeners_fare(browser: Browser, row: Listener) -> None:
    page = browser.get(reverse("admin:servers_listener_changelist")).content.decode()
    assert "Trouble" in page and "The connection was cut." in page
    assert browser.get(reverse("admin:servers_listener_change", args=[row.pk])).status_code == 200


def test_its_buttons_do_what_they_say(browser: Browser, row: Listener) -> None:
    assert press(browser, row, "switch_off").enabled is False
    assert press(browser, row, "switch_on").enabled is True
    assert press(browser, row, "restart").restart is True
    KnownItem.objects.create(server=row.server, key="7")
    assert press(browser, row, "begin_anew").begun_at is None and not KnownItem.objects.exists()

"""Servers and libraries in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from mediasync.servers import services
from mediasync.servers.forms import ServerForm
from mediasync.servers.models import Library, LibraryPath, Server
from tests.fakes.server import FakeServer

pytestmark = pytest.mark.django_db
LIST = "admin:servers_server_changelist"


@pytest.fixture
def browser() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("boss", password="boss"))
    return browser


def entered(server: Server | None = None, **changes: Any) -> dict[str, Any]:
    """Return what the form posts."""
    values = {name: getattr(server or Server(name="New", kind="plex"), name) for name in services.SETTINGS}
    counts = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0}
    posted = {**values, "token": "", **{f"libraries-{name}": value for name, value in counts.items()}, **changes}
    return {name: value for name, value in posted.items() if value is not False}


def press(browser: Browser, server: Server, name: str) -> str:
    answer = browser.post(reverse(f"admin:servers_server_{name}", args=[server.pk]), follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_new_server_is_tried_out_and_its_libraries_are_read(browser: Browser, fake: FakeServer, kind: str) -> None:
    posted = entered(kind=kind, url=fake.url + "/", token=f" {fake.token} ")
    answer = browser.post(reverse("admin:servers_server_add"), posted, follow=True)
    text = answer.content.decode()
    server = Server.objects.get()
    assert server.url == fake.url
    assert services.access_of(server).token == fake.token
    assert "The token is accepted." in text
    assert server.libraries.count() == 2
    assert fake.token not in text


def test_the_token_is_never_shown(browser: Browser, server: Server, fake: FakeServer) -> None:
    page = browser.get(reverse("admin:servers_server_change", args=[server.pk])).content.decode()
    assert "A token is stored." in page
    assert fake.token not in page
    assert server.token_sealed not in page


def test_a_form_without_a_token_keeps_the_stored_one(browser: Browser, server: Server, fake: FakeServer) -> None:
    address = reverse("admin:servers_server_change", args=[server.pk])
    Server.objects.update(fails=3)
    assert browser.post(address, entered(server, name="Renamed")).status_code == 302
    row = Server.objects.get()
    assert (row.name, row.fails) == ("Renamed", 3)
    assert services.access_of(row).token == fake.token


@pytest.mark.parametrize("change", [{"url": "http://192.0.2.66"}, {"verify_tls": False}])
def test_a_token_is_not_sent_elsewhere_without_being_entered_again(server: Server, change: dict[str, Any]) -> None:
    assert ServerForm(entered(server), instance=server).is_valid()
    form = ServerForm(entered(server, **change), instance=server)
    assert list(form.errors) == ["token"]
    assert ServerForm(entered(server, token="again", **change), instance=server).is_valid()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "plex:32400"}, "url"),
        ({"url": "http://me:pass@plex"}, "url"),
        ({"token": "ключ"}, "token"),
        ({"token": ""}, "token"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"read_timeout": "0"}, "read_timeout"),
        ({"pace": "-1"}, "pace"),
        ({"kind": "kodi"}, "kind"),
    ],
)
def test_the_form_says_what_is_wrong(change: dict[str, Any], field: str) -> None:
    form = ServerForm(entered(url="http://plex:32400") | {"token": "t"} | change)
    assert list(form.errors) == [field]


def test_the_buttons_do_what_they_say(browser: Browser, server: Server, fake: FakeServer) -> None:
    text = press(browser, server, "test_connection")
    assert "The token is accepted." in text
    assert "Libraries that can be seen: 2." in text
    assert "New: Movies, Shows." in press(browser, server, "load_libraries")
    press(browser, server, "pause")
    assert Server.objects.get().paused is True
    press(browser, server, "resume")
    assert Server.objects.get().paused is False


def test_a_refused_token_stands_above_every_page(browser: Browser, server: Server, fake: FakeServer) -> None:
    fake.token = "changed"
    press(browser, server, "test_connection")
    for page in (reverse("admin:index"), reverse(LIST), "/admin/scanning/scanrequest/"):
        shown = browser.get(page).content.decode()
        assert f'/admin/servers/server/{server.pk}/change/">' in shown
        assert shown.count("is not asked any more") == 1
    assert "Paused" in browser.get(reverse(LIST)).content.decode()
    browser.force_login(User.objects.create_user("other", is_staff=True))
    assert "is not asked any more" not in browser.get(reverse("admin:index")).content.decode()


def test_a_library_can_be_left_out(browser: Browser, server: Server) -> None:
    services.load_libraries(server)
    movies = server.libraries.get(title="Movies")
    browser.post(reverse("admin:servers_library_leave_out", args=[movies.pk]))
    movies.refresh_from_db()
    assert movies.enabled is False


def test_the_switch_of_the_inline_is_all_that_it_writes(browser: Browser, server: Server) -> None:
    services.load_libraries(server)
    rows = list(server.libraries.order_by("title"))
    counts = {"libraries-TOTAL_FORMS": 2, "libraries-INITIAL_FORMS": 2}
    lines = {f"libraries-{n}-id": row.pk for n, row in enumerate(rows)}
    posted = entered(server, **counts, **lines, **{"libraries-1-enabled": "on", "libraries-0-title": "Hacked"})
    assert browser.post(reverse("admin:servers_server_change", args=[server.pk]), posted).status_code == 302
    assert list(server.libraries.order_by("title").values_list("title", "enabled")) == [
        ("Movies", False),
        ("Shows", True),
    ]


def test_lists_cost_the_same_for_many(
    browser: Browser, server: Server, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        each = Server.objects.create(name=f"s{number}", kind="plex", url="http://plex")
        for key in "12":
            library = Library.objects.create(server=each, key=key, title=key)
            LibraryPath.objects.create(library=library, path=f"/{key}")
    for name in (LIST, "admin:servers_library_changelist"):
        with django_assert_max_num_queries(12):
            assert browser.get(reverse(name)).status_code == 200

"""How many requests were proved, and how fast."""

from __future__ import annotations

import datetime as dt
import html
import re
import statistics
from collections import Counter
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mediasync.servers.models import Library, Server
from scanning import figures
from scanning.models import ScanRequest

from .helpers import START, make_server

SINCE = START - dt.timedelta(days=1)
pytestmark = pytest.mark.django_db


def proved(server: Server, *seconds: int, library: Library | None = None) -> None:
    """Add requests whose changes were seen so many seconds before their proof."""
    changed = START - dt.timedelta(seconds=10)
    for number in seconds:
        verified = changed + dt.timedelta(seconds=number)
        ScanRequest.objects.create(
            server=server, library=library, path=f"/{number}", state="verified", first_at=START, last_at=START,
            changed_at=changed, verified_at=verified,
        )  # fmt: skip


@pytest.mark.parametrize("seconds", [(5,), (1, 90, 4), (1, 2, 4, 90), (7, 7, 7, 7, 7), tuple(range(0, 2000, 7))])
def test_the_median_counts_from_the_change(seconds: tuple[int, ...]) -> None:
    server = make_server()
    library = Library.objects.get()
    proved(server, *seconds, library=library)
    ScanRequest.objects.create(server=server, library=library, path="x", state="not_found")
    found = figures.figures(SINCE, server.pk)[server.pk, library.pk]
    assert found.median == statistics.median(seconds)
    assert found.states == {"not_found": 1, "verified": len(seconds)}


def test_nothing_proved_has_no_median() -> None:
    server = make_server()
    ScanRequest.objects.create(server=server, path="x", state="waiting")
    assert figures.figures(SINCE, server.pk) == {(server.pk, None): figures.Figures(Counter(waiting=1), [])}
    assert figures.figures(SINCE)[server.pk, None].median is None


def test_servers_and_libraries_are_told_apart_in_two_questions(django_assert_num_queries: Any) -> None:
    plex, emby = make_server(), make_server("emby")
    films = Library.objects.get(server=plex)
    proved(plex, 1, 3, library=films)
    proved(plex, 100)
    proved(emby, 8, library=Library.objects.get(server=emby))
    with django_assert_num_queries(2):
        found = figures.figures(SINCE)
    assert {key: each.median for key, each in found.items()} == {
        (plex.pk, films.pk): 2.0,
        (plex.pk, None): 100.0,
        (emby.pk, Library.objects.get(server=emby).pk): 8.0,
    }
    whole = figures.together(each for (server, _library), each in found.items() if server == plex.pk)
    assert (whole.median, whole.states) == (3.0, {"verified": 3})


def test_old_proofs_count_but_do_not_time() -> None:
    server = make_server()
    proved(server, 5)
    found = figures.figures(START, server.pk)[server.pk, None]
    assert (found.states, found.median) == ({"verified": 1}, None)


def test_a_clock_that_went_back_makes_no_negative_time() -> None:
    server = make_server()
    proved(server, -50)
    assert figures.figures(SINCE)[server.pk, None].seconds == [0.0]


def test_times_are_counted_by_how_long_they_took() -> None:
    server = make_server()
    proved(server, 10, 11, 59, 4000)
    (found,) = figures.figures(SINCE).values()
    assert found.seconds == [10.0, 11.0, 59.0, 4000.0]
    assert [found.within(limit) for limit in (9, 10, 30, 60, 5000)] == [0, 1, 2, 3, 4]


def test_the_page_of_a_server_shows_them(
    admin_client: Client, django_assert_max_num_queries: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: START + dt.timedelta(days=1))
    server = make_server()
    address = reverse("admin:servers_server_change", args=[server.pk])
    assert "Change → proof" not in admin_client.get(address).content.decode()
    proved(server, 2, 4, library=Library.objects.get())
    ScanRequest.objects.create(server=server, path="/lost", state="no_library")
    with django_assert_max_num_queries(20):
        page = admin_client.get(address).content.decode()
    heads = re.findall(r"<th scope=col>(.*?)</th>", page)
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[dh] scope=row>.*?</th>|<td>.*?</td>", page)]
    assert heads == ["Library", "Change → proof, median", "Verified", "Not found", "Waiting", "No library"]
    assert cells[-18:] == [
        *("TV", "3.0 s", "2", "–", "–", "–"),
        *("No library", "–", "–", "–", "–", "1"),
        *("All", "3.0 s", "2", "–", "–", "1"),
    ]
    for link in re.findall(r'<a href="(/admin/scanning/scanrequest/[^"]+)"', page):
        assert admin_client.get(html.unescape(link)).status_code == 200

"""The addresses that programs and people call."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from mediasync.core import clock
from mediasync.jobs.models import Job
from mediasync.ondemand import services, views
from mediasync.servers import tokens
from mediasync.servers.models import ApiToken, Library, Server
from scanning.models import ScanRequest

pytestmark = pytest.mark.django_db
EPISODE = "My Fancy Show S07E22 Awesome Episode.mp4"
NAME = "/update/from_name/"


@pytest.fixture
def program() -> Client:
    return Client(enforce_csrf_checks=True)


class Cut:
    """A stream that breaks."""

    def read(self, *_: object) -> bytes:
        raise OSError("gone")


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


@pytest.mark.parametrize("address", [NAME, "/update/from_name"])
def test_it_updates_from_a_name(program: Client, plex: Server, token: str, address: str) -> None:
    answer = program.post(address, {"name": EPISODE}, headers=bearer(token))
    assert answer.status_code == 202
    assert answer.json()["title"] == "My Fancy Show"
    assert [each["library"] for each in answer.json()["asked"]] == ["TV Shows"]
    assert ScanRequest.objects.get().pk == answer.json()["asked"][0]["request"]


def test_it_answers_in_text(program: Client, plex: Server, token: str) -> None:
    answer = program.post(NAME, {"name": EPISODE}, headers=bearer(token, Accept="text/plain"))
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().startswith("Plex · TV Shows: /")
    wrong = program.post(NAME + "?format=text", {"name": "My Fanzy Show S01E01"}, headers=bearer(token))
    assert (wrong.status_code, wrong.content.decode().splitlines()[1]) == (404, "  My Fancy Show (2015)")


@pytest.mark.parametrize("address", ["/update/TV%20Shows/", "/update/tv%20shows"])
def test_it_updates_a_section_by_get(program: Client, plex: Server, token: str, address: str) -> None:
    answer = program.get(address, headers=bearer(token))
    assert answer.status_code == 202
    job = Job.objects.get(kind="scan_library")
    assert (answer.json()["asked"][0]["job"], job.actor) == (job.pk, "token mail")


def test_it_updates_a_section_with_a_slash_in_its_name(program: Client, plex: Server, token: str) -> None:
    Library.objects.filter(title="Movies").update(title="Film/Kino")
    assert program.get("/update/Film%2FKino/", headers=bearer(token)).status_code == 202


def test_it_names_what_is_near(program: Client, plex: Server, token: str) -> None:
    answer = program.get("/update/Movie/", headers=bearer(token))
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert (answer.json()["code"], answer.json()["near"][0]) == ("no_section", "Movies")


@pytest.mark.parametrize("name", ["", "...", "\0", "x" * 2000])
def test_it_refuses_what_is_no_name(program: Client, plex: Server, token: str, name: str) -> None:
    assert program.post(NAME, {"name": name}, headers=bearer(token)).status_code == 400
    assert program.post(NAME, b"\xff\xfe%%%", content_type="text/xml", headers=bearer(token)).status_code == 400


def test_it_takes_a_token_in_three_ways(program: Client, plex: Server, token: str) -> None:
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    for headers in (bearer(token), {"X-Api-Key": token}, {"Authorization": f"Basic {basic}"}):
        assert program.get("/update/Movies/", headers=headers).status_code == 202


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic !!!", "Basic eA==", "Bearer " + "x" * 9999])
def test_it_lets_nobody_else_in(program: Client, plex: Server, shown: str) -> None:
    headers = {"Authorization": shown} if shown else {}
    for answer in (program.get("/update/Movies/", headers=headers), program.post(NAME, headers=headers)):
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer
    assert not Job.objects.exists()


def test_it_knows_what_a_token_may(program: Client, plex: Server) -> None:
    reads, rules = tokens.create("r", ["read"])[1], tokens.create("a", ["admin"])[1]
    assert program.get("/update/Movies/", headers=bearer(reads)).status_code == 403
    assert program.get("/update/Movies/", headers=bearer(rules)).status_code == 202


def test_it_refuses_tokens_that_are_off_or_over(program: Client, plex: Server, token: str) -> None:
    ApiToken.objects.update(expires_at=clock.system.now() - dt.timedelta(seconds=1))
    assert program.get("/update/Movies/", headers=bearer(token)).status_code == 401
    ApiToken.objects.update(expires_at=None, enabled=False)
    assert program.get("/update/Movies/", headers=bearer(token)).status_code == 401


def test_it_takes_no_get_of_somebody_who_is_logged_in(plex: Server) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("boss"))
    assert browser.get("/update/Movies/").status_code == 401
    assert browser.post("/update/Movies/").status_code == 403
    assert browser.post(NAME, {"name": EPISODE}).status_code == 403
    assert not Job.objects.exists()


def test_it_says_when_the_database_does_not_answer(
    program: Client, plex: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(services, "by_section", locked)
    answer = program.get("/update/Movies/", headers=bearer(token))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


def test_it_says_when_the_request_was_cut_off(plex: Server, token: str, rf: RequestFactory) -> None:
    request = rf.post(NAME, {"name": EPISODE}, headers=bearer(token))
    request._stream = Cut()  # type: ignore[assignment]
    assert views.update_from_name(request).status_code == 400


def test_it_stands_a_crowd(plex: Server, token: str, program: Client) -> None:
    for number in range(60):
        answer = program.post(NAME, {"name": f"My Fancy Show S07E{number:02}.mkv"}, headers=bearer(token))
        assert answer.status_code == 202
    assert ScanRequest.objects.get().hits == 60
    assert Job.objects.filter(kind="deliver").count() == 1


# -- The page for those who are no admins


@pytest.fixture
def friend(plex: Server) -> Client:
    user = User.objects.create_user("friend", password="friend")
    user.user_permissions.add(Permission.objects.get(codename="trigger_update"))
    browser = Client()
    browser.force_login(user)
    return browser


def test_it_leads_everybody_to_his_page(friend: Client) -> None:
    assert friend.get("/")["Location"] == reverse("home")
    assert Client().get("/")["Location"] == reverse("login")
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    assert boss.get("/")["Location"] == reverse("admin:index")


def test_it_lets_people_log_in_and_out(friend: Client) -> None:
    browser = Client()
    answer = browser.post(reverse("login"), {"username": "friend", "password": "friend"}, follow=True)
    assert "Other Show" not in answer.content.decode()
    assert "TV Shows" in answer.content.decode()
    assert browser.post(reverse("logout"))["Location"] == reverse("login")
    assert browser.get(reverse("home")).status_code == 302


def test_it_updates_a_library_by_its_button(friend: Client) -> None:
    library = Library.objects.get(title="Movies")
    address = reverse("home-library", args=[library.pk])
    assert friend.get(address).status_code == 405
    assert "Plex is asked to look through Movies." in friend.post(address, follow=True).content.decode()
    assert Job.objects.get(kind="scan_library").actor == "friend"
    Server.objects.update(paused=True)
    assert "as soon as somebody resumes it" in friend.post(address, follow=True).content.decode()
    page = friend.post(reverse("home-name"), {"name": EPISODE}).content.decode()
    assert "as soon as the server is no longer paused" in page
    Library.objects.update(enabled=False)
    assert friend.post(address).status_code == 404


def test_it_updates_by_a_name_typed_in(friend: Client) -> None:
    page = friend.post(reverse("home-name"), {"name": EPISODE}).content.decode()
    assert "Plex · TV Shows" in page
    page = friend.post(reverse("home-name"), {"name": '<b>"Other Sho S01E01'}).content.decode()
    assert "Other Show" in page
    assert "<b>" not in page


def test_it_keeps_out_those_without_the_permission(plex: Server) -> None:
    browser = Client()
    browser.force_login(User.objects.create_user("guest"))
    page = browser.get(reverse("home"))
    assert (page.status_code, b"Log out" in page.content, b"TV Shows" in page.content) == (403, True, False)
    for address in (reverse("home-name"), reverse("home-library", args=[1])):
        assert browser.post(address).status_code == 403
    assert browser.get("/admin/").status_code == 302


def test_it_costs_the_same_for_many_servers(
    friend: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        Server.objects.create(name=f"s{number}", kind="emby", url="http://127.0.0.1:9", paused=number % 2 == 0)
    with django_assert_max_num_queries(6):
        assert "Paused" in friend.get(reverse("home")).content.decode()

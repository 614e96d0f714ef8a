"""Tokens of other programs: hashed, shown once, found again, and their page."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client

from mediasync.core import clock
from mediasync.core.errors import UsageError
from mediasync.servers import tokens
from mediasync.servers.models import ApiToken

pytestmark = pytest.mark.django_db
LIST = "/admin/servers/apitoken/"


def browser(*permissions: str, superuser: bool = False) -> Client:
    user = User.objects.create_user("boss", is_staff=True, is_superuser=superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    found = Client()
    found.force_login(user)
    return found


def shown(page: bytes) -> str:
    found = re.search(r"<code>(ms_[\w-]+)</code>", page.decode())
    assert found
    return found[1]


def test_it_keeps_no_token_in_the_database() -> None:
    row, text = tokens.create("mail", ["trigger"], by="me")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM servers_apitoken")
        stored = repr(cursor.fetchall())
    assert text not in stored
    assert text.startswith(row.start)
    assert len(text) - len(row.start) >= 38
    assert tokens.find(text) == row


def test_it_finds_only_what_is_valid() -> None:
    row, text = tokens.create("mail", ["trigger"])
    for wrong in ("", text[:-1], text + "x", text.upper(), row.digest, row.start, "\ud800", "x" * 10_000):
        assert tokens.find(wrong) is None
    renewed = tokens.renew(row)
    assert tokens.find(text) is None
    assert tokens.find(renewed) == row


def test_it_expires() -> None:
    now = clock.system.now()
    row, text = tokens.create("mail", ["trigger"], expires_at=now + dt.timedelta(hours=1))
    assert tokens.find(text, now=now) == row
    assert tokens.find(text, now=now + dt.timedelta(hours=1)) is None


def test_it_notes_its_use_once_a_minute() -> None:
    now = clock.system.now()
    row, text = tokens.create("mail", ["read"])
    for seconds, sender in ((0, "a"), (30, "b"), (61, "c"), (-3600, "d")):
        tokens.find(text, sender=sender, now=now + dt.timedelta(seconds=seconds))
        row.refresh_from_db()
        assert row.used_from == ("a" if sender == "b" else sender)


def test_it_lets_in_while_nothing_can_be_written() -> None:
    row, text = tokens.create("mail", ["read"])

    def locked(execute: object, sql: str, *rest: object) -> object:
        if sql.startswith("UPDATE"):
            raise OperationalError("database is locked")
        return execute(sql, *rest)  # type: ignore[operator]

    with connection.execute_wrapper(locked):
        assert tokens.find(text) == row


@pytest.mark.parametrize(("has", "may"), [("read", {"read"}), ("trigger", {"read", "trigger"}), ("admin", None)])
def test_it_knows_what_each_scope_allows(has: str, may: set[str] | None) -> None:
    row, _text = tokens.create("t", [has])
    assert {scope for scope in tokens.Scope.values if tokens.allows(row, scope)} == (may or set(tokens.Scope.values))


@pytest.mark.parametrize(("name", "scopes"), [("", ["read"]), ("x", []), ("x", ["all"]), ("twice", ["read"])])
def test_it_refuses_others(name: str, scopes: list[str]) -> None:
    tokens.create("twice", ["read"])
    with pytest.raises(UsageError):
        tokens.create(name, scopes)


# -- The page


def test_it_shows_a_new_token_once() -> None:
    boss = browser(superuser=True)
    posted = {"name": "Phone", "scopes": ["trigger", "admin"], "enabled": "on", "expires_at_0": "", "expires_at_1": ""}
    page = boss.post("/admin/servers/apitoken/add/", posted, follow=True).content
    row = tokens.find(shown(page))
    assert row is not None
    assert (row.name, row.scopes, row.created_by) == ("Phone", ["admin", "trigger"], "boss")
    assert shown(page).encode() not in boss.get(LIST).content
    assert row.digest.encode() not in boss.get(f"/admin/servers/apitoken/{row.pk}/change/").content


def test_it_changes_a_token_without_making_a_new_one() -> None:
    boss = browser(superuser=True)
    row, text = tokens.create("Phone", ["trigger"])
    posted = {"name": "Old phone", "scopes": ["read"], "expires_at_0": "2020-01-01", "expires_at_1": "00:00"}
    assert boss.post(f"/admin/servers/apitoken/{row.pk}/change/", posted).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.scopes, row.enabled) == ("Old phone", ["read"], False)
    assert tokens.find(text) is None


def test_nobody_gives_away_more_than_he_has() -> None:
    some = browser("add_apitoken", "change_apitoken", "view_apitoken", "trigger_update")
    posted = {"name": "Mine", "scopes": ["admin"], "enabled": "on", "expires_at_0": "", "expires_at_1": ""}
    assert some.post("/admin/servers/apitoken/add/", posted).status_code == 200
    assert not ApiToken.objects.exists()
    assert some.post("/admin/servers/apitoken/add/", posted | {"scopes": ["trigger"]}).status_code == 302
    strong, text = tokens.create("Strong", ["admin"])
    answer = some.post(f"/admin/servers/apitoken/{strong.pk}/renew/", {"confirmed": "1"})
    assert answer.status_code == 403
    assert tokens.find(text) == strong


def test_it_is_renewed_and_switched_by_buttons() -> None:
    boss = browser(superuser=True)
    row, text = tokens.create("Phone", ["trigger"])
    address = f"/admin/servers/apitoken/{row.pk}/"
    assert boss.get(f"{address}renew/").status_code == 405
    renewed = shown(boss.post(f"{address}renew/", {"confirmed": "1"}, follow=True).content)
    assert (tokens.find(text), tokens.find(renewed)) == (None, row)
    boss.post(f"{address}switch_off/")
    assert tokens.find(renewed) is None
    boss.post(f"{address}switch_on/")
    assert tokens.find(renewed) == row

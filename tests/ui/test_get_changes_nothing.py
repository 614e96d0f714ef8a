"""Every GET leaves all tables equal; what changes something wants a POST with a token."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mediasync.jobs import registry
from tests.ui.addresses import addresses
from tests.ui.rows import everything, fill_every_table


class One(registry.Stage):
    name = "one"


DEMO = registry.JobKind("demo", "Demo", (One(),))
OPEN = ("/admin/login/", "/admin/logout/", "/admin/jsi18n/")  # Django shows these to everybody
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="boss")


def test_it_changes_no_row_by_a_get(boss: User) -> None:
    with registry.registered(DEMO):
        rows = fill_every_table()
        client = Client(raise_request_exception=True)
        client.force_login(boss)
        before = everything()
        seen = {}
        for address in sorted(set(addresses(rows))):
            seen[address] = client.get(address).status_code
            after = everything()
            changed = [table for table in after if after[table] != before.get(table)]
            assert not changed, f"GET {address} changed {changed}"
            if "/logout/" in address:
                assert seen[address] == 405
        assert max(seen.values()) < 500
        assert sum(status == 200 for status in seen.values()) > 30, seen


def test_it_refuses_every_post_without_a_token(boss: User) -> None:
    with registry.registered(DEMO):
        rows = fill_every_table()
        client = Client(enforce_csrf_checks=True)
        client.force_login(boss)
        before = everything()
        for address in sorted(set(addresses(rows))):
            if address.startswith("/admin/"):
                assert client.post(address).status_code == 403, address
        assert everything() == before


def test_it_shows_no_page_of_the_admin_to_a_stranger(boss: User) -> None:
    with registry.registered(DEMO):
        rows = fill_every_table()
        for address in sorted(set(addresses(rows))):
            if address.startswith("/admin/") and address not in OPEN:
                answer = Client().get(address)
                assert answer.status_code == 302, address
                assert answer.headers["Location"].startswith("/admin/login/"), address

"""The pages of a Google Drive account."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from monitors.accounts.secrets import secrets_of
from monitors.models import Account
from tests.fakes.gdrive import FakeDrive

from .conftest import SECRETS

ADD = "/admin/monitors/account/add/?kind=gdrive"


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def form(fake: FakeDrive, **more: str) -> dict[str, str]:
    values = {"name": "Films", "enabled": "on", "per_second": "0", "per_day": "0", "option_client_id": "me"}
    place = {"option_endpoint": fake.url, "option_token_uri": f"{fake.url}/token"}
    return {**values, **place, **{f"option_{name}": value for name, value in SECRETS.items()}, **more}


def test_a_new_account_is_tried_at_once(boss: Client, fake: FakeDrive) -> None:
    page = boss.post(ADD, form(fake), follow=True).content.decode()
    account = Account.objects.get()
    assert "Films works." in page and account.facts["user"] == "me@example.org"
    assert secrets_of(account) == SECRETS and "refresh_token" not in account.options
    page = boss.get(f"/admin/monitors/account/{account.pk}/change/").content.decode()
    assert not [secret for secret in SECRETS.values() if f'value="{secret}"' in page]


def test_a_refused_account_says_so(boss: Client, fake: FakeDrive) -> None:
    fake.refresh_token = "another"
    page = boss.post(ADD, form(fake), follow=True).content.decode()
    assert "invalid_grant" in page and Account.objects.get().paused


def test_what_is_missing_is_said_in_the_form(boss: Client, fake: FakeDrive) -> None:
    page = boss.post(ADD, form(fake, option_refresh_token="")).content.decode()
    assert "Give an rclone.conf, or a client id" in page
    page = boss.post(ADD, form(fake, option_rclone_config="/nowhere", option_rclone_remote="MP")).content.decode()
    assert "/nowhere cannot be read" in page
    assert not Account.objects.exists()

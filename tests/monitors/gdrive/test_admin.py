"""The pages of a Google Drive account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from monitors.accounts import gdrive_access
from monitors.accounts.secrets import secrets_of
from monitors.admin_feed_cells import sentence
from monitors.feeds.drive_changes import wanted
from monitors.feeds.supervisor import Supervisor
from monitors.models import Account, FeedState, Root
from tests.fakes.gdrive import FakeDrive
from tests.fakes.server import as_json

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


def test_the_form_says_of_what_the_account_will_be(boss: Client) -> None:
    assert "<h1>Add account: Google Drive</h1>" in boss.get(ADD).content.decode()


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


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Google's packages be missing, as in an installation without the extra."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(gdrive_access, "import_module", missing)


def test_without_the_extra_it_says_what_to_install(boss: Client, fake: FakeDrive, without_extra: None) -> None:
    page = boss.post(ADD, form(fake)).content.decode()
    assert "make setup EXTRAS=gdrive" in page and not Account.objects.exists()


def test_without_the_extra_the_feed_says_so_in_a_sentence(
    account: Account, make_root: Callable[..., Root], without_extra: None
) -> None:
    make_root("TV")
    supervisor = Supervisor(kinds={"drive_changes": wanted})
    supervisor.sync()
    (runner,) = supervisor.runners.values()
    runner.thread.join(60)
    supervisor.flush()
    assert sentence(FeedState.objects.get()) == "Google Drive needs more packages: make setup EXTRAS=gdrive"
    supervisor.close()


@pytest.mark.parametrize("rubbish", [{}, {"user": []}, {"user": 7}, {"storageQuota": {"usage": "x"}}])
def test_rubbish_is_no_error_of_the_page(boss: Client, fake: FakeDrive, rubbish: Any) -> None:
    fake.instead("about", as_json(rubbish))
    fake.instead("files/root", as_json({}))
    page = boss.post(ADD, form(fake), follow=True)
    assert page.status_code == 200 and "Google&#x27;s answer cannot be read" in page.content.decode()

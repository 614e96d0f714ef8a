"""The pages of accounts."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mediasync.core.errors import Transient
from monitors.accounts import limits
from monitors.accounts.secrets import secrets_of
from monitors.models import Account, Root
from tests.fakes.clouddrive import FakeCloudDrive

from .clouds import make_account

LIST, ADD = "/admin/monitors/account/", "/admin/monitors/account/add/?kind=clouddrive"


@pytest.fixture
def boss(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def form(address: str, **more: object) -> dict[str, object]:
    values = {"name": "115", "enabled": "on", "per_second": "0", "per_day": "0", "option_address": address}
    return {**values, "option_token": "good", **more}


def test_a_kind_is_chosen_first(boss: Client) -> None:
    page = boss.get("/admin/monitors/account/add/").content.decode()
    for kind in ("clouddrive", "gdrive", "rclone"):
        assert f'href="?kind={kind}"' in page
        assert "option_" in boss.get(f"/admin/monitors/account/add/?kind={kind}").content.decode()
    assert "option_address" in boss.get(ADD).content.decode()
    assert "option_address" not in boss.get("/admin/monitors/account/add/?kind=nonsense").content.decode()


def test_a_new_account_is_tried_at_once(boss: Client, cloud: FakeCloudDrive) -> None:
    page = boss.post(ADD, form(cloud.address), follow=True).content.decode()
    account = Account.objects.get()
    assert (account.kind, account.name, account.options["address"]) == ("clouddrive", "115", cloud.address)
    assert secrets_of(account) == {"token": "good"}
    assert "115 works." in page
    assert account.facts["version"] == "CloudDrive2 0.9.24"
    assert account.seen_at


def test_a_test_is_counted_and_breaks_no_limit(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud, per_day=1)
    assert "works." in boss.post(f"{LIST}{account.pk}/test/", follow=True).content.decode()
    assert limits.used_today(Account.objects.get(), timezone.now()) == len(cloud.asked()) == 1
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True).content.decode()
    assert "The budget of today is used up. It may be asked again from" in page
    assert "Budget spent" in page
    Account.objects.update(per_day=0)
    limits.failed(account, Transient("slow down", code=limits.THROTTLED))
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True).content.decode()
    assert "The account rests. It may be asked again from" in page
    assert len(cloud.asked()) == 1
    assert Account.objects.get().fails == limits.OPENS_AT  # that the program answers does not end it


def test_what_cannot_be_is_said_in_the_form(boss: Client) -> None:
    page = boss.post(ADD, form("not an address")).content.decode()
    assert "The address must be host:port." in page
    page = boss.post(ADD, form("nas", option_token="")).content.decode()
    assert "Give an API token, or user and password." in page
    assert not Account.objects.exists()


def test_a_refused_account_says_so_and_waits(boss: Client, cloud: FakeCloudDrive) -> None:
    page = boss.post(ADD, form(cloud.address, option_token="hunter2"), follow=True).content.decode()
    assert "CloudDrive2 refused the token" in page
    account = Account.objects.get()
    assert account.paused
    page = boss.get(LIST).content.decode()
    assert "Refused" in page
    cloud.rules.tokens.add("hunter2")
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True).content.decode()
    assert "works." in page
    account.refresh_from_db()
    assert (account.paused, account.last_error) == (False, "")


def test_no_secret_is_in_any_page(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud, secrets={"token": "s3cret-token", "password": "s3cret-word"}, options={"user": "me"})
    for address in (LIST, f"{LIST}{account.pk}/change/", f"{LIST}{account.pk}/history/"):
        assert b"s3cret" not in boss.get(address).content
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True)
    assert b"s3cret" not in page.content
    assert b"refused the token" in page.content
    answer = boss.post(f"{LIST}{account.pk}/change/", form("", option_token="s3cret-new"))
    assert answer.status_code == 200
    assert b"s3cret" not in answer.content


def test_empty_secrets_stay_and_can_be_forgotten(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud, secrets={"token": "good", "password": "right"}, options={"user": "me"})
    change = f"{LIST}{account.pk}/change/"
    values = form(cloud.address, option_token="", option_user="me", per_day="500")
    assert boss.post(change, values).status_code == 302
    account.refresh_from_db()
    assert secrets_of(account) == {"token": "good", "password": "right"}
    assert account.per_day == 500
    assert boss.post(change, {**values, "forget_token": "on"}).status_code == 302
    account.refresh_from_db()
    assert secrets_of(account) == {"password": "right"}


def test_secrets_are_not_sent_elsewhere_unasked(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud)
    change = f"{LIST}{account.pk}/change/"
    page = boss.post(change, form("evil.example", option_token="")).content.decode()
    assert "Enter it again" in page
    account.refresh_from_db()
    assert account.options["address"] == cloud.address
    assert boss.post(change, form("other.example", option_token="good")).status_code == 302


def test_new_credentials_end_the_pause(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud, secrets={"token": "bad"})
    Account.objects.update(paused=True, last_code="clouddrive_refused", last_error="no")
    assert boss.post(f"{LIST}{account.pk}/change/", form(cloud.address)).status_code == 302
    account.refresh_from_db()
    assert (account.paused, account.last_code) == (False, "")


def test_limits_go_on_while_a_form_is_open(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud)
    boss.get(f"{LIST}{account.pk}/change/")
    Account.objects.update(used=7, used_on=timezone.now().date(), fails=2)
    boss.post(f"{LIST}{account.pk}/change/", form(cloud.address, option_token=""))
    account.refresh_from_db()
    assert (account.used, account.fails) == (7, 2)


def test_the_list_shows_what_the_limits_say(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud, name="throttled", per_second=0.0, per_day=200)
    Root.objects.create(name="TV", path="/cloud/TV", account=account)
    Account.objects.update(used=37, used_on=timezone.now().date())
    limits.failed(account, Transient("Too many requests: 770004", code=limits.THROTTLED))
    page = boss.get(LIST).content.decode()
    for piece in ("Rests", "37 / 200", "0.9", "Too many requests: 770004", f"account__id__exact={account.pk}"):
        assert piece in page
    boss.post(f"{LIST}{account.pk}/try_again/")
    account.refresh_from_db()
    assert (account.fails, account.cooldown_until) == (0, None)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "Never reached"),
        ({"enabled": False}, "Switched off"),
        ({"fails": 5, "cooldown_until": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "To be probed"),
        ({"last_code": "unreachable", "last_error": "gone"}, "Trouble"),
        ({"seen_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "Works"),
    ],
)
def test_each_state_has_its_word(boss: Client, cloud: FakeCloudDrive, values: dict[str, object], word: str) -> None:
    make_account(cloud)
    Account.objects.update(**values)
    assert word in boss.get(LIST).content.decode()


def test_an_account_of_roots_is_not_deleted(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud)
    Root.objects.create(name="TV", path="/cloud/TV", account=account)
    boss.post(f"{LIST}{account.pk}/delete/", {"post": "yes"})
    assert Account.objects.exists()


def test_it_can_be_saved_with_a_key_that_was_changed(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud)
    Account.objects.update(secrets_sealed="rubbish")
    page = boss.get(f"{LIST}{account.pk}/change/")
    assert page.status_code == 200
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True)
    assert b"enter it again" in page.content
    boss.post(f"{LIST}{account.pk}/change/", form(cloud.address))
    account.refresh_from_db()
    assert secrets_of(account) == {"token": "good"}


def test_it_is_unreachable_in_a_sentence(boss: Client, cloud: FakeCloudDrive) -> None:
    account = make_account(cloud)
    cloud.stop()
    page = boss.post(f"{LIST}{account.pk}/test/", follow=True).content.decode()
    assert "CloudDrive2 does not answer" in page
    account.refresh_from_db()
    assert account.fails == 1

"""Secrets of accounts."""

from __future__ import annotations

from typing import Any

import pytest

from mediasync.core.secrets import Unreadable
from monitors.accounts.secrets import secrets_of, set_secrets, without
from monitors.models import Account

pytestmark = pytest.mark.django_db


def test_it_gives_back_what_was_sealed_and_shows_it_nowhere() -> None:
    account = Account.objects.create(name="a", kind="clouddrive")
    assert secrets_of(account) == {}
    set_secrets(account, {"token": "s3cret", "password": ""})
    stored = Account.objects.get()
    assert secrets_of(stored) == {"token": "s3cret"}
    assert "s3cret" not in repr(Account.objects.values().get())
    set_secrets(stored, {})
    assert Account.objects.get().secrets_sealed == ""


def test_it_says_when_the_key_was_changed(settings: Any) -> None:
    account = Account.objects.create(name="a", kind="clouddrive")
    set_secrets(account, {"token": "s3cret"})
    settings.SECRET_KEY = "another-key-" + "y" * 40
    settings.FIELD_KEY = ""
    with pytest.raises(Unreadable):
        secrets_of(account)


def test_it_takes_secrets_out_of_a_sentence() -> None:
    said = without("bad token abcd (abc)", {"short": "abc", "long": "abcd", "none": ""})
    assert said == "bad token … (…)"

"""Guessing passwords is slow work, at both logins."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mediasync.core import clock
from mediasync.core.clock import FakeClock
from mediasync.ui import logins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock(dt.datetime.now(dt.UTC))
    monkeypatch.setattr(clock, "system", fake)
    monkeypatch.setattr(logins, "failures", logins.Failures())
    return fake


@pytest.mark.parametrize("address", ["login", "admin:login"])
def test_it_slows_down_who_guesses(address: str, time: FakeClock) -> None:
    User.objects.create_superuser("boss", password="right")

    def enter(name: str, password: str, sender: str = "192.0.2.1") -> bool:
        data = {"username": name, "password": password}
        return Client().post(reverse(address), data, REMOTE_ADDR=sender).status_code == 302

    for number in range(logins.MOST):
        assert not enter("Boss" if number % 2 else "boss", f"wrong {number}")
    assert not enter("boss", "right")
    assert enter("boss", "right", "192.0.2.2")
    time.advance(logins.WINDOW.total_seconds() + 1)
    assert enter("boss", "right")
    for _ in range(logins.MOST - 1):
        enter("boss", "wrong")
    assert enter("boss", "right")
    assert not enter("boss", "wrong")
    assert enter("boss", "right")


def test_it_remembers_no_more_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "REMEMBERED", 3)
    failures = logins.Failures()
    for number in range(10):
        failures.add(("192.0.2.1", str(number)))
    assert len(failures._times) == 3

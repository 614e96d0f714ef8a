"""What a button says: the result if it comes within a second, else that it was asked for."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from mediasync.core import clock
from mediasync.jobs.admin_commands import ANSWER_WITHIN, looks_stuck
from mediasync.jobs.models import Command, EngineState, Job

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


class Conductor(clock.FakeClock):
    """A clock on which, while somebody sleeps, the command is carried out with this result."""

    def __init__(self, **result: str) -> None:
        super().__init__(NOW)
        self.result = result

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.result:
            Command.objects.update(**self.result)


def press(monkeypatch: pytest.MonkeyPatch, conductor: Conductor) -> list[str]:
    """Press Pause while a conductor is there and return what is said."""
    monkeypatch.setattr(clock, "system", conductor)
    EngineState.objects.create(pk=1, conductor="x", conductor_until=NOW + dt.timedelta(minutes=1), last_tick=NOW)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.post(f"/admin/jobs/job/{Job.objects.create(kind='demo').pk}/pause/")
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]


def test_it_says_that_it_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert press(monkeypatch, Conductor(state="applied"))[0].endswith("– done.")


def test_it_says_why_it_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert press(monkeypatch, Conductor(state="refused", result_code="lease_alive"))[0].endswith(
        "– Its worker is alive, or was a moment ago"
    )


def test_it_waits_no_longer_than_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    conductor = Conductor()
    assert press(monkeypatch, conductor)[0].endswith("– asked for.")
    assert ANSWER_WITHIN <= conductor.monotonic() < ANSWER_WITHIN + 0.2


def test_it_offers_to_unlock_only_a_job_whose_lease_is_long_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "system", clock.FakeClock(NOW))
    assert not looks_stuck(Job(state="running"))
    assert not looks_stuck(Job(state="running", lease_until=NOW - dt.timedelta(seconds=30)))
    assert looks_stuck(Job(state="running", lease_until=NOW - dt.timedelta(seconds=90)))
    assert not looks_stuck(Job(state="paused", lease_until=NOW - dt.timedelta(seconds=90)))

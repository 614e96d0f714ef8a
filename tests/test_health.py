"""/healthz and /readyz tell the truth, without a login and without secrets."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mediasync import health
from mediasync.jobs.choices import WorkerState
from mediasync.jobs.models import EngineState, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def running() -> Worker:
    EngineState.objects.update_or_create(pk=1, defaults={"last_tick": timezone.now()})
    return Worker.objects.create(host="h", boot="b", pid=1, state=WorkerState.READY)


def test_it_is_alive_without_a_worker(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok"}}


def test_it_is_not_ready_without_a_worker(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"] == "no worker is running"


def test_it_is_ready_with_a_worker_and_a_tick(client: Client, running: Worker) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()


def test_it_is_not_ready_when_the_worker_is_silent(client: Client, running: Worker) -> None:
    Worker.objects.update(beat_at=timezone.now() - dt.timedelta(minutes=2))
    assert client.get("/readyz").status_code == 503


def test_it_is_not_ready_on_a_full_disk(client: Client, running: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    full: Any = type("Usage", (), {"free": 1024 * 1024})
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: full)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["disk"] == "only 1 MiB are free in the data folder"


def test_it_accepts_no_post(client: Client) -> None:
    assert client.post("/healthz").status_code == 405

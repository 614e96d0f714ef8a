"""Messages: transactional, tiny, and harmless whatever becomes of them; and the watchdog over them."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from mediasync.core.clock import FakeClock
from mediasync.jobs import boot, courier, slices
from mediasync.jobs.choices import WorkerState
from mediasync.jobs.models import Worker
from mediasync.jobs.watchdog import Watchdog

pytestmark = pytest.mark.django_db


def test_it_sends_two_integers_in_the_callers_transaction() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        courier.send(1, 2)
        raise ZeroDivisionError
    assert not OrmQ.objects.exists()
    courier.send(3, 4)
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"], task["save"], task["ack_failure"]) == (courier.SLICE, (3, 4), False, True)


def test_it_knows_what_is_in_flight() -> None:
    courier.send(3, 4)
    courier.send_beat()
    assert courier.in_flight(3, 4)
    assert not courier.in_flight(3, 5)
    retry = dt.timedelta(seconds=settings.Q_CLUSTER["retry"])
    OrmQ.objects.update(lock=timezone.now() + retry - dt.timedelta(seconds=10))  # taken ten seconds ago
    assert courier.in_flight(3, 4)
    OrmQ.objects.update(lock=timezone.now() + retry - dt.timedelta(minutes=2))  # by somebody who died since
    assert not courier.in_flight(3, 4)
    OrmQ.objects.update(payload="rubbish", lock=timezone.now())
    assert not courier.in_flight(3, 4)


def test_it_forgets_what_a_dead_cluster_had_taken() -> None:
    for epoch in (1, 2):
        courier.send(3, epoch)
    OrmQ.objects.filter(pk=OrmQ.objects.earliest("pk").pk).update(lock=timezone.now() + dt.timedelta(seconds=590))
    courier.forget_taken()
    assert OrmQ.objects.get().task["args"] == (3, 2)


def test_it_runs_a_slice_as_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(slices, "run_slice", lambda *args, **kwargs: calls.append((args, kwargs)) or "done")
    assert courier.slice_message(3, 4) == "done"
    assert calls == [((3, 4), {"owner": boot.owner(), "send": courier.send})]
    worker = Worker.objects.get()
    assert (worker.pid, worker.state, worker.owner) == (os.getpid(), WorkerState.READY, boot.owner())


def test_it_takes_no_new_work_while_it_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    courier.register_worker()
    Worker.objects.update(stop_requested_at=timezone.now(), state=WorkerState.DRAINING)
    assert courier.slice_message(3, 4) == "stopping"
    Worker.objects.update(state=WorkerState.GONE)  # another process with the same pid, much later
    monkeypatch.setattr(slices, "run_slice", lambda *args, **kwargs: "done")
    assert courier.slice_message(3, 4) == "done"


def test_it_never_raises(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(slices, "run_slice", lambda *args, **kwargs: 1 / 0)
    assert courier.slice_message(3, 4) == "error"
    assert "The slice of job 3" in caplog.text


def test_it_is_stale_for_a_job_that_is_not_there() -> None:
    assert courier.slice_message(4711, 1) == "stale"


def test_it_carries_a_beat() -> None:
    token = courier.send_beat()
    assert not courier.beat_arrived(token)
    courier.beat_message(token)
    assert courier.beat_arrived(token)


class Line:
    """A courier that carries beats while it is told to."""

    def __init__(self) -> None:
        self.clock, self.carries, self.busy, self.sent = FakeClock(), True, False, 0
        self.dog = Watchdog(self.clock, send=self.send, arrived=lambda token: self.carries, busy=lambda: self.busy)

    def send(self) -> str:
        self.sent += 1
        return str(self.sent)

    def deaf_after(self, most: int) -> int | None:
        for second in range(1, most + 1):
            self.clock.advance(1)
            if self.dog.deaf():
                return second
        return None


def test_it_beats_every_half_minute_while_all_is_well() -> None:
    line = Line()
    assert line.deaf_after(300) is None
    assert line.sent == 10


def test_it_calls_an_idle_cluster_deaf_soon_and_a_busy_one_late() -> None:
    idle, busy = Line(), Line()
    assert idle.deaf_after(5) is busy.deaf_after(5) is None
    idle.dog.hurry()
    busy.dog.hurry()
    idle.carries = busy.carries = False
    busy.busy = True
    assert idle.deaf_after(300) == 12
    assert busy.deaf_after(300) == 182


def test_it_gives_a_new_cluster_time_to_start() -> None:
    line = Line()
    line.carries = False
    assert line.deaf_after(300) == 62
    line.dog.restarted()
    line.carries = True
    assert line.deaf_after(300) is None

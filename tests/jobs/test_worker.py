"""The worker command with real processes: signals, deaths and restarts (docs/engine.md)."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import engine as engines
from .engine import Engine

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from engines.running(tmp_path)


def _exit(engine: Engine, send: object) -> float:
    """Send a signal and return how long it took until the supervisor ended and no process was left."""
    begun = time.monotonic()
    assert callable(send)
    send()
    assert engine.workers[-1].wait(15) == 0
    assert engine.processes() == []
    return time.monotonic() - begun


@pytest.mark.parametrize("to", ["supervisor", "group"])
def test_it_ends_within_ten_seconds_with_a_busy_slice(engine: Engine, to: str) -> None:
    worker = engine.start()
    job = engine.submit(items=2000, seconds=0.05)
    engine.wait(lambda: len(engine.writers()) > 5)
    send = os.kill if to == "supervisor" else os.killpg
    assert _exit(engine, lambda: send(worker.pid, signal.SIGTERM)) < 10
    before = len(engine.written())
    assert engine.job(job)["state"] == "running"  # handed over
    engine.start()
    engine.wait(lambda: len(engine.written()) > before + 5, seconds=10)
    assert max(engine.written().values()) == 1


def test_it_kills_a_slice_that_will_not_stop_and_leaves_no_process(engine: Engine) -> None:
    worker = engine.start()
    job = engine.submit(items=2, seconds=60, stubborn=True, workers=1)
    engine.wait(lambda: engine.job(job)["state"] == "running", every=0.3)
    time.sleep(1)
    assert _exit(engine, lambda: os.kill(worker.pid, signal.SIGTERM)) < 10
    assert engine.job(job)["state"] == "queued"  # settled on the way out


def test_it_runs_the_job_of_a_killed_worker_again_within_five_seconds(engine: Engine) -> None:
    engine.start()
    job = engine.submit(items=400, seconds=0.05)
    engine.wait(lambda: len(engine.writers()) > 5)
    victim = engine.writers()[-1]
    os.kill(victim, signal.SIGKILL)
    took = engine.wait(lambda: engine.writers()[-1] != victim, seconds=10)
    assert took <= 5
    engine.manage("jobs", "follow", str(job))
    assert engine.written() == {f"{number:06}": 1 for number in range(400)}


@pytest.mark.parametrize("again", [1, 3])
def test_it_goes_on_by_itself_after_everything_was_killed(engine: Engine, again: int) -> None:
    job = engine.submit(items=300, seconds=0.05)
    for _ in range(again):
        before = len(engine.written())
        engine.start()
        engine.wait(lambda enough=before + 20: len(engine.written()) > enough)
        engine.kill_all()
    engine.start()
    engine.wait(lambda: engine.job(job)["state"] == "completed", seconds=40, every=0.5)
    assert engine.written() == {f"{number:06}": 1 for number in range(300)}
    assert engine.job(job)["done"] == 300


def test_it_restarts_a_cluster_whose_master_or_sentinel_died(engine: Engine) -> None:
    engine.start()
    master = engine.cluster()
    sentinel = next(each.pid for each in engine.processes() if each.parent == master)
    for victim in (sentinel, None):
        session = engine.cluster()
        os.kill(victim or session, signal.SIGKILL)
        engine.wait(lambda: (engine.folder / "worker.session").exists() and engine.cluster() != session)  # noqa: B023 - waited for here
        engine.note_sessions()
    job = engine.submit(items=5)
    engine.wait(lambda: engine.job(job)["state"] == "completed", every=0.3)
    assert {each.session for each in engine.processes()} == {engine.workers[0].pid, engine.cluster()}


def test_it_heals_a_cluster_that_killed_idle_workers_have_silenced(engine: Engine) -> None:
    """A killed idle worker: the dead process held the lock of the queue, so new workers hear nothing."""
    engine.start()
    for pid in re.findall(r"ready for work at (\d+)", engine.log()):
        os.kill(int(pid), signal.SIGKILL)
    job = engine.submit(items=1)
    engine.wait(lambda: engine.job(job)["state"] == "completed", seconds=40, every=0.5)
    engine.note_sessions()


def test_it_ends_the_cluster_of_a_killed_supervisor_and_refuses_a_second_one(engine: Engine) -> None:
    worker = engine.start()
    old = engine.cluster()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    engine.start()
    assert all(each.session != old for each in engine.processes())
    with pytest.raises(AssertionError, match="already runs"):
        engine.manage("worker")


def test_it_pauses_and_resumes_within_a_second(engine: Engine) -> None:
    engine.start()
    job = engine.submit(items=2000, seconds=0.05)
    engine.wait(lambda: len(engine.writers()) > 5)
    engine.manage("jobs", "pause", str(job))
    time.sleep(1)
    count = len(engine.writers())
    assert engine.job(job)["state"] == "paused"
    assert len(engine.writers()) == count
    engine.manage("jobs", "resume", str(job))
    assert engine.wait(lambda: len(engine.writers()) > count) < 3
    engine.manage("jobs", "cancel", str(job))
    engine.wait(lambda: engine.job(job)["state"] == "canceled", seconds=5)

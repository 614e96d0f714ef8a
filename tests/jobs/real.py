"""Scenes with real processes, real threads and a database of their own: ``python -m tests.jobs.real SCENE FOLDER``.

Each prints one JSON object; test_slice_real.py asserts on it. Processes are forked from this one, so that a life
lasts a fraction of a second.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mediasync.jobs.models import Job


def prepare(folder: Path) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
        "MEDIASYNC_DATA": str(folder),
        "MEDIASYNC_ENV_FILE": str(folder / "none.env"),
        "SECRET_KEY": "only-for-tests",
        "LOG_LEVEL": "CRITICAL",
    }
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder / 'real.sqlite3'}")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def register(count: int, do: Callable[..., Any], verify: Callable[..., Any] | None = None, **attributes: Any) -> None:
    """Register the kind "real": ``count`` items in ten groups, each done by ``do(item, ctx)``."""
    from mediasync.jobs import registry
    from mediasync.jobs.registry import JobKind, NewItem, Planned, Stage

    class Real(Stage):
        name = "real"
        workers = 4

        def plan(self, job: Any, cursor: Any) -> Iterator[Planned]:
            for start in range(cursor or 0, count, 100):
                numbers = range(start, min(count, start + 100))
                yield Planned([NewItem(f"item-{n}", n, f"group-{n % 10}") for n in numbers], start + 100)

        def run(self, item: Any, ctx: Any) -> Any:
            return do(item, ctx)

        def verify(self, item: Any, ctx: Any) -> Any:
            return verify(item, ctx) if verify else None

    for name, value in attributes.items():
        setattr(Real, name, value)
    registry.register(JobKind("real", "Real", (Real(),)))


def start() -> Job:
    from mediasync.jobs import services
    from mediasync.jobs.choices import JobState
    from mediasync.jobs.models import Job
    from mediasync.jobs.transitions import transition

    job = services.submit("real", {}).job
    transition(job.pk, JobState.RUNNING, expect=JobState.QUEUED, bump_epoch=True)
    return Job.objects.get(pk=job.pk)


def one_slice(job: Job, **options: Any) -> str:
    from mediasync.jobs.slices import run_slice

    job.refresh_from_db()
    return run_slice(job.pk, job.epoch, owner=f"real/1/{os.getpid()}", send=lambda *message: None, **options)


def work_through(job: Job) -> None:
    """Run slices until the job ends."""
    while job.state == "running":
        one_slice(job)
        job.refresh_from_db()


def fork(what: Callable[[], object]) -> int:
    """Do ``what`` in a child and return its pid; database connections are not inherited."""
    from django.db import connections

    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        what()
    finally:
        os._exit(0)


def forget_lease(job: Job) -> None:
    """Do what the conductor does for a child that died: nobody waits for its lease."""
    from mediasync.jobs.models import Job

    Job.objects.filter(pk=job.pk).update(lease_until=None)
    job.refresh_from_db()


def counters(job: Job) -> dict[str, Any]:
    """Return the outcome, and whether every counter equals the rows that it counts."""
    from tests.jobs.slicing import counted

    job.refresh_from_db()
    try:
        counted(job)
    except AssertionError as error:
        return {"state": job.state, "done": job.done, "failed": job.failed, "equal": str(error)}
    return {"state": job.state, "done": job.done, "failed": job.failed, "equal": True}


def scene_kills(folder: Path) -> dict[str, Any]:
    """2,000 items that must happen once each, 40 random kills; every second one at any moment of a life."""
    from mediasync.jobs.choices import Effect
    from mediasync.jobs.registry import Done

    ledger = folder / "ledger"
    ledger.touch()
    book = os.open(ledger, os.O_WRONLY | os.O_APPEND)

    def do(item: Any, ctx: Any) -> Done:
        time.sleep(0.002)
        os.write(book, f"{item.key}\n".encode())
        return Done({"written": 1})

    def verify(item: Any, ctx: Any) -> Done | None:
        return Done({"written": 1}) if item.key in ledger.read_text().split() else None

    register(2_000, do, verify, effect=Effect.VERIFY)
    job = start()
    kills = 0
    while kills < 40 and job.state == "running":
        size = ledger.stat().st_size
        pid = fork(lambda: work_through(job))
        if kills % 2:  # at any moment; the other lives get past the items that run alone
            while ledger.stat().st_size < size + 40 and os.waitpid(pid, os.WNOHANG) == (0, 0):
                time.sleep(0.001)
        time.sleep(random.uniform(0, 0.08))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        forget_lease(job)
    work_through(job)
    lines = ledger.read_text().split()
    return counters(job) | {"kills": kills, "lines": len(lines), "distinct": len(set(lines))}


def scene_poison(folder: Path) -> dict[str, Any]:
    """One of 300 items kills its worker, whenever it runs."""
    from mediasync.jobs.registry import Done

    def do(item: Any, ctx: Any) -> Done:
        if item.key == "item-150":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)
        return Done()

    register(300, do)
    job = start()
    deaths = 0
    while job.state == "running":
        _, status = os.waitpid(fork(lambda: work_through(job)), 0)
        deaths += os.WIFSIGNALED(status)
        forget_lease(job)
    return counters(job) | {"deaths": deaths}


def scene_race(folder: Path) -> dict[str, Any]:
    """Five processes get the same message at once."""
    from mediasync.jobs.registry import Done

    book = os.open(folder / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def do(item: Any, ctx: Any) -> Done:
        os.write(book, f"{item.key}\n".encode())
        time.sleep(0.002)
        return Done()

    register(400, do)
    job = start()
    gate = time.monotonic() + 0.2

    def compete() -> None:
        time.sleep(gate - time.monotonic())
        (folder / f"outcome-{os.getpid()}").write_text(one_slice(job))

    for pid in [fork(compete) for _ in range(5)]:
        os.waitpid(pid, 0)
    lines = (folder / "ledger").read_text().split()
    outcomes = sorted(path.read_text() for path in folder.glob("outcome-*"))
    return counters(job) | {"outcomes": outcomes, "lines": len(lines), "distinct": len(set(lines))}


def scene_locked(folder: Path) -> dict[str, Any]:
    """The database is locked for a while, and then for longer than the lease."""
    import sqlite3

    from django.db import connection

    from mediasync.jobs.registry import Done

    def do(item: Any, ctx: Any) -> Done:
        time.sleep(0.002)
        return Done()

    register(400, do)
    connection.settings_dict["OPTIONS"]["timeout"] = 0.1
    connection.close()

    def lock(after: float, seconds: float) -> threading.Thread:
        def hold() -> None:
            time.sleep(after)
            other = sqlite3.connect(folder / "real.sqlite3", timeout=5, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")
            other.close()

        thread = threading.Thread(target=hold)
        thread.start()
        return thread

    job = start()
    holder = lock(0.1, 0.7)
    short = one_slice(job)
    holder.join()
    first = counters(job)
    second = start()
    holder = lock(0.1, 3.0)
    long = one_slice(second)
    holder.join()
    forget_lease(second)
    work_through(second)
    return {"short": short, "first": first, "long": long, "second": counters(second)}


def scene_pause(folder: Path) -> dict[str, Any]:
    """How long a pause takes: between items of 50 ms, and inside one of 30 s that has checkpoints."""
    from mediasync.jobs.choices import JobState
    from mediasync.jobs.registry import Done
    from mediasync.jobs.transitions import transition

    seconds = 0.05

    def do(item: Any, ctx: Any) -> Done:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.02)
            ctx.checkpoint()
        return Done()

    register(4_000, do)
    waits = []
    for each in (0.05, 30.0):
        seconds = each
        job = start()
        asked = [0.0]

        def ask(job: Any = job, asked: list[float] = asked) -> None:
            from django.db import connections

            time.sleep(1.0)
            transition(job.pk, JobState.PAUSE_REQUESTED, expect=JobState.RUNNING)
            asked[0] = time.monotonic()
            connections.close_all()

        thread = threading.Thread(target=ask)
        thread.start()
        came_out = one_slice(job)
        waits.append(time.monotonic() - asked[0])
        thread.join()
        assert came_out == "paused", came_out
    return counters(job) | {"between": waits[0], "inside": waits[1]}


def scene_twin(folder: Path) -> dict[str, Any]:
    """A request is answered with a waiting job, in a transaction that has yet to write what the job is to see."""
    from django.db import transaction

    from mediasync.core import clock
    from mediasync.jobs import promotion, services

    register(1, lambda item, ctx: None)
    waiting = services.submit("real", {}).job
    gate, started = folder / "gate", folder / "started"

    def conduct() -> None:
        while not gate.exists():
            time.sleep(0.01)
        promotion.start_queued(clock.system.now(), send=lambda *message: None, workers=2)
        started.touch()

    pid = fork(conduct)
    with transaction.atomic():
        again = services.submit("real", {})
        gate.touch()
        time.sleep(1.0)
        early = started.exists()
    os.waitpid(pid, 0)
    waiting.refresh_from_db()
    return {"deduplicated": again.deduplicated, "early": early, "state": waiting.state}


if __name__ == "__main__":
    prepare(Path(sys.argv[2]))
    sys.stdout.write(json.dumps(globals()[f"scene_{sys.argv[1]}"](Path(sys.argv[2]))) + "\n")

"""What the engine costs: N trivial items planned, run and closed, against the bare statements on the same table.

Run as a script in a process of its own (``python -m tests.benchmarks.engine_cost [N]``); prints one JSON object with
the seconds of both, their ratio and the resident memory. The bare run inserts the same rows and then updates each
once, by ``executemany``, in the same batches; 5,000 rows to plan and 4,000 to run are the engine's own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BATCH_INSERT, BATCH_UPDATE = 5_000, 4_000


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="engine-cost-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": folder,
            "MEDIASYNC_ENV_FILE": folder + "/none",
            "SECRET_KEY": "only-for-a-benchmark",
            "LOG_LEVEL": "WARNING",
        }
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/engine.sqlite3")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        bare = bare_run(count)
        engine = engine_run(count)
        peak = peak_kb() // 1024
        figures = {"items": count, "bare": bare, "engine": engine, "ratio": engine / bare, "peak_mb": peak}
        sys.stdout.write(json.dumps(figures) + "\n")


def peak_kb() -> int:
    """Return the most memory of this process (ru_maxrss would begin with that of whoever started it)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


def bare_run(count: int) -> float:
    """Insert and then update ``count`` items by plain executemany; return the seconds."""
    from django.db import connection, transaction

    from mediasync.jobs.models import Group, Item, Job, Stage

    stage = Stage.objects.create(job=Job.objects.create(kind="bare", title_code="bare"), seq=1, name="bare")
    group = Group.objects.create(stage=stage, key="all")
    insert = (
        "INSERT INTO jobs_item (stage_id, group_id, key, state, attempt, crashes, payload, error_code, force, rev)"
        " VALUES (%s, %s, %s, 'pending', 0, 0, %s, '', FALSE, 0)"
    )
    begun = time.monotonic()
    for start in range(0, count, BATCH_INSERT):
        rows = [
            (stage.pk, group.pk, f"item-{n}", json.dumps({"number": n})) for n in range(start, start + BATCH_INSERT)
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, rows)
    ids = list(Item.objects.filter(stage=stage).order_by("pk").values_list("pk", flat=True))
    for start in range(0, count, BATCH_UPDATE):
        rows = [("succeeded", pk) for pk in ids[start : start + BATCH_UPDATE]]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany("UPDATE jobs_item SET state = %s, attempt = 1, rev = 1 WHERE id = %s", rows)
    return time.monotonic() - begun


def engine_run(count: int) -> float:
    """Submit a job of ``count`` items and run it, slice after slice, with two threads; return the seconds."""
    from mediasync.jobs import registry, services
    from mediasync.jobs.choices import JobState
    from mediasync.jobs.models import Item, Job
    from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned
    from mediasync.jobs.registry import Stage as StageCode
    from mediasync.jobs.slices import run_slice
    from mediasync.jobs.transitions import transition

    class Trivial(StageCode):
        name = "trivial"
        workers = 2

        def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
            for start in range(cursor or 0, count, 1_000):
                new = [NewItem(f"item-{n}", {"number": n}, "all") for n in range(start, start + 1_000)]
                yield Planned(new, start + 1_000)

        def run(self, item: ItemInfo, ctx: Context) -> Outcome:
            return Done()

    registry.register(JobKind("trivial", "Trivial", (Trivial(),)))
    begun = time.monotonic()
    job = services.submit("trivial", {}).job
    transition(job.pk, JobState.RUNNING, expect=JobState.QUEUED, bump_epoch=True)
    threads = "--inline" not in sys.argv
    while job.state != JobState.COMPLETED:
        job = Job.objects.get(pk=job.pk)
        if job.state == JobState.RUNNING:
            run_slice(job.pk, job.epoch, owner="bench/1/1", send=lambda *message: None, threads=threads)
    seconds = time.monotonic() - begun
    assert Item.objects.filter(stage__job=job, state="succeeded").count() == job.done == count
    return seconds


if __name__ == "__main__":
    main(int(next((each for each in sys.argv[1:] if each.isdigit()), 100_000)))

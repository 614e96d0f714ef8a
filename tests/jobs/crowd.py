"""Scenes over a real database file, run by ``manage.py shell`` in processes of their own; each prints JSON."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time

from django.db import connection, transaction

from mediasync.core import clock
from mediasync.jobs import retention, services
from mediasync.jobs.choices import ItemState, JobState
from mediasync.jobs.models import Item, Job, Stage


def submit_many(times: int, scopes: int) -> None:
    """Submit the same few jobs again and again; prints how many of them were new."""
    made = [services.submit("ledger", {"items": number % scopes, "ledger": "x"}) for number in range(times)]
    sys.stdout.write(json.dumps({"new": sum(not each.deduplicated for each in made)}))


def prune_beside_a_slice() -> None:
    """Prune 20,000 items while a thread writes as a slice does."""
    now = clock.system.now()
    old = Job.objects.create(kind="x", title_code="x", state=JobState.COMPLETED, finished=now - dt.timedelta(days=8))
    stage = Stage.objects.create(job=old, seq=1, name="s")
    Item.objects.bulk_create(
        [Item(stage=stage, key=str(number), state=ItemState.SUCCEEDED) for number in range(20_000)], batch_size=500
    )
    busy = Job.objects.create(kind="x", title_code="x", state=JobState.RUNNING)
    ended, problems, flushes = threading.Event(), list[str](), [0]

    def flush() -> None:
        try:
            while not ended.is_set():
                with transaction.atomic():
                    Job.objects.filter(pk=busy.pk).update(rev=flushes[0])
                flushes[0] += 1
        except Exception as error:
            problems.append(repr(error))
        finally:
            connection.close()

    thread = threading.Thread(target=flush)
    thread.start()
    pruned, seen = 0, 0
    while count := retention.prune(now):
        pruned += count
        while flushes[0] == seen and thread.is_alive():  # each round lets a flush through
            time.sleep(0.001)
        seen = flushes[0]
    ended.set()
    thread.join()
    sys.stdout.write(json.dumps({"problems": problems, "pruned": pruned, "flushes": flushes[0]}))

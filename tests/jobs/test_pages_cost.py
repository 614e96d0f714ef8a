"""The pages of a job with 200,000 items: quick, few queries, each by an index (docs/engine.md)."""

from __future__ import annotations

import re
import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mediasync.jobs.models import Command, Event, Group, Item, Job, Schedule, SliceSlot, Stage, Worker

ITEMS, GROUPS = 200_000, 400
BIG = re.compile(r"SCAN (jobs_item|jobs_group|jobs_event|jobs_stage|jobs_job|jobs_command)\b")
COLUMNS = ("stage_id", "group_id", "key", "state", "attempt", "crashes", "error_code", "force", "rev")


def fill() -> tuple[Job, Stage]:
    """Make one big job, half of it in one group, a quarter failed, and a small one beside it."""
    jobs = [Job.objects.create(kind="demo", state="completed_with_errors", total=ITEMS) for _ in range(2)]
    small, stage = (Stage.objects.create(job=job, seq=1, name="one", total=ITEMS, planned=True) for job in jobs)
    Group.objects.bulk_create(Group(stage=stage, key=f"g{n:04}", failed=n, total=5) for n in range(GROUPS))
    first, *others = Group.objects.order_by("key").values_list("pk", flat=True)
    rows = []
    for n in range(ITEMS):
        group = first if n % 2 else others[n % len(others)]
        state = "failed" if n % 4 == 0 else "succeeded"
        rows.append((stage.pk if n % 50 else small.pk, group, f"item {n:07}", state, 1, 0, "", False, 0))
    marks = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO jobs_item ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    Event.objects.bulk_create(Event(job=jobs[n % 2], code="job_running", level=20) for n in range(5000))
    return jobs[1], stage


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def plans(queries: CaptureQueriesContext) -> list[str]:
    """Return what SQLite would do for each query, line by line."""
    lines = []
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            if query["sql"].lstrip().upper().startswith("SELECT"):
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].replace("%", "%%"))
                lines += [f"{row[3]} ← {query['sql'][:200]}" for row in cursor.fetchall()]
    return lines


def test_it_shows_a_huge_job_quickly(boss: Client) -> None:
    job, stage = fill()
    huge = stage.groups.order_by("key")[0]
    middle = Item.objects.filter(group=huge).order_by("key")[50_000].key
    base = f"/admin/jobs/job/{job.pk}"
    addresses = [
        f"{base}/change/",
        f"{base}/change/?open={huge.pk}",
        f"{base}/change/?state=failed",
        f"{base}/change/?state=running",
        f"{base}/change/?level=40",
        f"{base}/items/?group={huge.pk}&after={middle}",
        f"{base}/items/?stage={stage.pk}&state=failed&after={ITEMS // 2}",
        f"{base}/items/?group={huge.pk}&state=succeeded",
        f"{base}/items/?stage={stage.pk}&after=g0200",
        "/admin/jobs/job/",
        "/admin/jobs/event/",
        "/admin/jobs/event/?level=40",
    ]
    boss.get(addresses[0])  # templates are compiled once
    for address in addresses:
        with CaptureQueriesContext(connection) as queries:
            began = time.process_time()  # not how long others had the machine
            answer = boss.get(address)
            took = time.process_time() - began
        assert answer.status_code == 200
        assert len(queries) <= 24, f"{address}: {len(queries)} queries"
        assert took < 0.3, f"{address} took {took * 1000:.0f} ms"
        if connection.vendor == "sqlite" and address.startswith(base):
            assert not [line for line in plans(queries) if BIG.search(line)], address
            assert not [q["sql"] for q in queries.captured_queries if re.search(r'COUNT\(.*"jobs_item"', q["sql"])]


@pytest.mark.parametrize("table", ["job", "event", "command", "worker", "schedule"])
def test_it_lists_many_rows_with_as_many_queries_as_few(boss: Client, table: str) -> None:
    def make(numbers: range) -> None:
        for n in numbers:
            job = Job.objects.create(kind="demo")
            Event.objects.create(job=job, code="job_running")
            Command.objects.create(job=job, verb="pause")
            worker = Worker.objects.create(host="nas", boot="b", pid=n)
            SliceSlot.objects.create(worker=worker, job=job, slot=0)
            Schedule.objects.create(name=f"s{n}", kind="demo", every=60, last_job=job)

    counts = []
    for numbers in (range(2), range(2, 30)):
        make(numbers)
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(f"/admin/jobs/{table}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10

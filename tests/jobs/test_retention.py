"""What is deleted of old jobs, in which order, and that nobody is locked out meanwhile."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.db import connection

from mediasync.jobs import retention
from mediasync.jobs.choices import ItemState, JobState, WorkerState
from mediasync.jobs.models import Event, Group, Item, Job, Stage, Worker
from mediasync.settings import SQLITE_OPTIONS
from mediasync.sqlite import let_shrink

from .engine import Engine

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_next", {})


def _job(state: JobState, days: float, items: int = 0, item_state: ItemState = ItemState.SUCCEEDED) -> Job:
    job = Job.objects.create(kind="trial", title_code="x", state=state, finished=NOW - dt.timedelta(days=days))
    stage = Stage.objects.create(job=job, seq=1, name="s", done=items)
    group = Group.objects.create(stage=stage, key="g")
    rows = [Item(stage=stage, group=group, key=f"{number}", state=item_state) for number in range(items)]
    Item.objects.bulk_create(rows, batch_size=500)
    Event.objects.create(job=job, code="job_queued", at=NOW - dt.timedelta(days=days))
    return job


def _prune_all() -> None:
    while retention.prune(NOW):
        pass


@pytest.mark.django_db
def test_it_deletes_succeeded_items_after_a_week_and_keeps_the_counters() -> None:
    old, failed = _job(JobState.COMPLETED, 8, 3), _job(JobState.FAILED, 8, 2, ItemState.FAILED)
    young, active = _job(JobState.COMPLETED, 6, 4), _job(JobState.RUNNING, 8, 5)
    _prune_all()
    left = {job: Item.objects.filter(stage__job=job).count() for job in (old, failed, young, active)}
    assert left == {old: 0, failed: 2, young: 4, active: 5}
    assert Stage.objects.get(job=old).done == 3


@pytest.mark.django_db
def test_it_keeps_the_last_jobs_however_old_and_failed_ones_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEEP_AT_LEAST", 2)
    fine = [_job(JobState.COMPLETED, days) for days in (31, 40, 50)]
    failed = [_job(JobState.FAILED, days) for days in (31, 91)]
    _prune_all()
    assert set(Job.objects.all()) == {*fine[:2], failed[0]}
    assert not Event.objects.filter(job=None).exists()


@pytest.mark.django_db
def test_it_deletes_at_most_one_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 10)
    _job(JobState.COMPLETED, 8, 25)
    assert [retention.prune(NOW) for _ in range(4)] == [10, 10, 5, 0]


@pytest.mark.django_db
def test_it_prunes_when_idle_or_long_overdue() -> None:
    _job(JobState.COMPLETED, 8, 1)
    busy = _job(JobState.RUNNING, 0)
    assert retention.prune_if_due(NOW) == 0
    assert retention.prune_if_due(NOW + dt.timedelta(hours=25)) == 1
    _job(JobState.COMPLETED, 8, 1)
    busy.delete()
    assert retention.prune_if_due(NOW) == 1


@pytest.mark.django_db
def test_it_forgets_workers_that_are_long_gone() -> None:
    for number, (state, days) in enumerate([(WorkerState.GONE, 2), (WorkerState.GONE, 0), (WorkerState.READY, 2)]):
        Worker.objects.create(host="h", boot="b", pid=number, state=state, beat_at=NOW - dt.timedelta(days=days))
    _prune_all()
    assert set(Worker.objects.values_list("pid", flat=True)) == {1, 2}


@pytest.mark.slow
def test_it_locks_out_no_slice_that_flushes_meanwhile(tmp_path: Path) -> None:
    """Trap 16: a thread flushes in short transactions while 20,000 rows are pruned; neither meets a lock error."""
    engine = Engine(tmp_path)
    out = engine.manage("shell", "-v0", "-c", "from tests.jobs import crowd; crowd.prune_beside_a_slice()")
    result = json.loads(out)
    assert (result["problems"], result["pruned"]) == ([], 20_000)
    assert result["flushes"] > 3  # at least one between two rounds


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite keeps its free pages")
def test_it_gives_the_space_of_deleted_rows_back(tmp_path: Path) -> None:
    file = connection.copy("shrinking")
    file.settings_dict |= {"NAME": str(tmp_path / "db"), "OPTIONS": SQLITE_OPTIONS}
    let_shrink(file)
    with file.cursor() as cursor:
        cursor.execute("CREATE TABLE t (x)")
        cursor.executemany("INSERT INTO t VALUES (%s)", [("x" * 3000,) for _ in range(500)])
        cursor.execute("DELETE FROM t")
        retention.give_back(cursor)
        assert cursor.execute("PRAGMA freelist_count").fetchone() == (0,)
    file.close()

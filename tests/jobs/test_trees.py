"""Retrying, cancelling and crashes change a whole tree at once, counters included."""

from __future__ import annotations

import datetime as dt

import pytest

from mediasync.jobs import trees
from mediasync.jobs.choices import ItemState, JobState, StageState
from mediasync.jobs.models import Event, Group, Item, Job, Stage
from mediasync.jobs.verbs import FINISHED_ITEMS, UNFINISHED_ITEMS

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ITEM, T = ItemState, StageState


@pytest.fixture
def job() -> Job:
    """A job of three stages: the first failed in part, the second went well, the third was skipped because of it."""
    job = Job.objects.create(
        kind="x", title_code="x", state=JobState.FAILED, total=14, done=11, failed=2, skipped=1, total_final=True
    )
    first = Stage.objects.create(
        job=job, seq=1, name="a", state=T.FAILED, planned=True, total=4, done=1, failed=2, skipped=1
    )
    group = Group.objects.create(stage=first, key="g", total=4, done=1, failed=2, skipped=1, running=1)
    for key, state in (("1", ITEM.SUCCEEDED), ("2", ITEM.FAILED), ("3", ITEM.FAILED), ("4", ITEM.SKIPPED)):
        Item.objects.create(stage=first, group=group, key=key, state=state, attempt=5, crashes=1, error_code="x")
    # Ten succeeded items of the second stage were pruned long ago: counting or planning anew would repeat or lose them.
    Stage.objects.create(job=job, seq=2, name="b", state=T.SUCCEEDED, planned=True, total=10, done=10)
    Stage.objects.create(job=job, seq=3, name="c", state=T.SKIPPED)
    return job


def _stages(job: Job) -> list[tuple[str, bool]]:
    return list(job.stages.order_by("seq").values_list("state", "planned"))


def test_it_reopens_what_failed_and_all_that_follows_from_it(job: Job) -> None:
    assert trees.reopen(job.pk, UNFINISHED_ITEMS, only=None, force=False) == 2
    job.refresh_from_db()
    assert (job.total, job.done, job.failed, job.skipped, job.total_final) == (14, 11, 0, 1, False)
    assert _stages(job) == [(T.RUNNING, True), (T.SUCCEEDED, True), (T.PENDING, False)]
    assert Group.objects.values_list("done", "failed", "skipped").get() == (1, 0, 1)
    item = Item.objects.get(key="2")
    assert (item.state, item.attempt, item.crashes, item.error_code, item.force) == (ITEM.PENDING, 0, 1, "", False)
    assert item.rev == job.rev == job.stages.get(seq=1).rev


def test_it_reopens_named_items_even_if_they_succeeded(job: Job) -> None:
    good = Item.objects.get(key="1")
    assert trees.reopen(job.pk, UNFINISHED_ITEMS, only=[good.pk], force=False) == 0
    assert trees.reopen(job.pk, UNFINISHED_ITEMS + FINISHED_ITEMS, only=[good.pk], force=True) == 1
    job.refresh_from_db()
    good.refresh_from_db()
    assert (good.state, good.force, job.done, job.failed) == (ITEM.PENDING, True, 10, 2)


def test_it_takes_back_the_numbers_that_will_be_returned_again(job: Job) -> None:
    good = Item.objects.get(key="1")
    Item.objects.filter(pk=good.pk).update(result={"links": 3, "name": "x"})
    Stage.objects.filter(pk=good.stage_id).update(result={"links": 10, "bytes": 5})
    trees.reopen(job.pk, FINISHED_ITEMS, only=[good.pk], force=True)
    good.refresh_from_db()
    assert good.result is None
    assert Stage.objects.get(pk=good.stage_id).result == {"links": 7, "bytes": 5}


def test_it_does_not_reopen_items_of_another_job(job: Job) -> None:
    other = Job.objects.create(kind="x", title_code="x")
    assert (
        trees.reopen(other.pk, UNFINISHED_ITEMS, only=list(Item.objects.values_list("pk", flat=True)), force=True) == 0
    )


def test_it_plans_again_where_planning_itself_had_failed(job: Job) -> None:
    Item.objects.all().delete()
    job.stages.filter(seq=1).update(planned=False, total=0)
    assert trees.reopen(job.pk, UNFINISHED_ITEMS, only=None, force=False) == 0
    assert _stages(job)[0] == (T.PENDING, False)


def test_it_cancels_what_is_open_and_keeps_what_was_done(job: Job) -> None:
    Item.objects.filter(state=ITEM.FAILED).update(state=ITEM.RETRY_WAIT)
    job.stages.filter(seq__in=(1, 3)).update(state=T.RUNNING)
    trees.cancel_open(job.pk, NOW)
    states = Item.objects.order_by("key").values_list("state", flat=True)
    assert list(states) == [ITEM.SUCCEEDED, ITEM.CANCELED, ITEM.CANCELED, ITEM.SKIPPED]
    assert [state for state, _ in _stages(job)] == [T.CANCELED, T.SUCCEEDED, T.CANCELED]
    assert Group.objects.get().running == 0
    assert not trees.has_open(job.pk)


def test_it_counts_a_crash_for_each_item_that_was_running(job: Job) -> None:
    Item.objects.filter(key="2").update(state=ITEM.RUNNING)
    assert trees.interrupt_running(job.pk, NOW) == 1
    item = Item.objects.get(key="2")
    assert (item.state, item.crashes) == (ITEM.INTERRUPTED, 2)
    assert Event.objects.get().item_key == "2"


@pytest.mark.parametrize(
    ("states", "failed", "end"),
    [
        ((T.SUCCEEDED, T.RUNNING), 0, JobState.CANCELED),
        ((T.SUCCEEDED, T.SKIPPED), 0, JobState.COMPLETED),
        ((T.SUCCEEDED, T.COMPLETED_WITH_ERRORS), 1, JobState.CANCELED),
    ],
)
def test_a_cancelled_job_is_complete_only_when_all_went_well(
    states: tuple[StageState, ...], failed: int, end: JobState
) -> None:
    job = Job.objects.create(kind="x", title_code="x", state=JobState.CANCEL_REQUESTED)
    for seq, state in enumerate(states, start=1):
        Stage.objects.create(job=job, seq=seq, name=str(seq), state=state, failed=failed * (seq == len(states)))
    assert trees.end_of_cancel(job.pk) == end

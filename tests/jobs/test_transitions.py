"""All 12 × 12 pairs of states, and what a transition writes besides."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest

from mediasync.core.errors import IllegalTransition
from mediasync.jobs.choices import ACTIVE, TERMINAL, JobState, Level
from mediasync.jobs.models import Event, Job
from mediasync.jobs.transitions import LEGAL, TRANSITIONS, transition

pytestmark = pytest.mark.django_db
S = JobState
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
# Written out once more, from docs/engine.md, so that a slip in the table does not go unseen.
EXPECTED = {
    S.SCHEDULED: {S.QUEUED, S.SKIPPED, S.PAUSED, S.CANCELED},
    S.QUEUED: {S.RUNNING, S.SKIPPED, S.PAUSED, S.CANCELED},
    S.RUNNING: {
        *(S.PAUSE_REQUESTED, S.CANCEL_REQUESTED, S.INTERRUPTED, S.COMPLETED),
        *(S.COMPLETED_WITH_ERRORS, S.FAILED, S.SCHEDULED, S.PAUSED),
    },
    S.PAUSE_REQUESTED: {S.PAUSED, S.RUNNING, S.CANCEL_REQUESTED},
    S.PAUSED: {S.QUEUED, S.CANCELED},
    S.CANCEL_REQUESTED: {S.CANCELED, S.COMPLETED},
    S.INTERRUPTED: {S.QUEUED, S.CANCELED},
    **{state: {S.QUEUED} for state in TERMINAL},
}


def _job(state: JobState, **fields: object) -> Job:
    return Job.objects.create(kind="trial", title_code="trial", state=state, **fields)


def test_it_allows_exactly_the_pairs_of_the_table() -> None:
    assert len(JobState) == 12
    assert {(source, target) for source, targets in EXPECTED.items() for target in targets} == LEGAL
    assert {row.number for row in TRANSITIONS} == set(range(3, 23))


@pytest.mark.parametrize(("source", "target"), list(product(JobState, JobState)))
def test_it_walks_every_pair(source: JobState, target: JobState) -> None:
    job = _job(source)
    if target in EXPECTED[source]:
        assert transition(job.pk, target, expect=source, actor="ann", now=NOW)
        job.refresh_from_db()
        assert (job.state, job.rev) == (target, 1)
        event = Event.objects.get()
        assert (event.code, event.params, event.actor) == (f"job_{target}", {"from": source}, "ann")
        assert job.finished == (NOW if target in TERMINAL else None)
    else:
        with pytest.raises(IllegalTransition):
            transition(job.pk, target, expect=source)
        job.refresh_from_db()
        assert (job.state, job.rev) == (source, 0)


def test_it_changes_nothing_when_the_job_is_elsewhere() -> None:
    job = _job(S.PAUSED, epoch=3)
    assert not transition(job.pk, S.PAUSE_REQUESTED, expect=S.RUNNING)
    assert not transition(job.pk, S.QUEUED, expect=(S.PAUSED,), epoch=2)
    assert not Event.objects.exists()
    assert transition(job.pk, S.QUEUED, expect=(S.PAUSED, S.INTERRUPTED), epoch=3, bump_epoch=True)
    assert Job.objects.get().epoch == 4


def test_it_lets_go_of_the_lease_on_leaving_the_active_states() -> None:
    lease = {"lease_owner": "h/b/1", "lease_until": NOW, "current": "x", "rate": 2.0}
    for target in (S.PAUSE_REQUESTED, S.COMPLETED):
        job = _job(S.RUNNING, **lease)
        transition(job.pk, target, expect=S.RUNNING, now=NOW)
        job.refresh_from_db()
        assert (job.lease_owner != "", job.lease_until is not None) == (target in ACTIVE,) * 2


def test_it_keeps_the_first_start_and_writes_the_reason() -> None:
    job = _job(S.QUEUED, started=NOW - dt.timedelta(days=1))
    transition(job.pk, S.RUNNING, expect=S.QUEUED, now=NOW)
    transition(job.pk, S.FAILED, expect=S.RUNNING, now=NOW, reason_code="no_disk", reason_params={"path": "/x"})
    job.refresh_from_db()
    assert job.started == NOW - dt.timedelta(days=1)
    event = Event.objects.latest("pk")
    assert event.level == Level.ERROR
    assert event.params == {"from": "running", "reason": "no_disk", "path": "/x"}


def test_it_no_longer_stands_for_its_scope_once_it_had_begun() -> None:
    fresh = _job(S.PAUSED, dedupe_key="a")
    begun = _job(S.RUNNING, dedupe_key="b", started=NOW)
    assert transition(fresh.pk, S.QUEUED, expect=S.PAUSED)
    assert transition(begun.pk, S.SCHEDULED, expect=S.RUNNING)
    assert set(Job.objects.values_list("dedupe_key", flat=True)) == {"a", ""}


def test_it_may_wait_beside_a_newer_job_of_the_same_key() -> None:
    paused = _job(S.PAUSED, dedupe_key="a")
    _job(S.QUEUED, dedupe_key="a")
    assert transition(paused.pk, S.QUEUED, expect=S.PAUSED)
    assert Job.objects.get(pk=paused.pk).dedupe_key == ""


def test_naps_for_the_same_reason_are_one_event() -> None:
    job = _job(S.RUNNING)
    for reason in ["offline"] * 5 + ["waits"] * 2:
        transition(job.pk, S.SCHEDULED, expect=S.RUNNING, reason_code=reason, reason_params={"server": "a"})
        transition(job.pk, S.QUEUED, expect=S.SCHEDULED)
        transition(job.pk, S.RUNNING, expect=S.QUEUED)
    naps = [
        (event.code, event.params.get("reason"), event.params.get("times")) for event in Event.objects.order_by("id")
    ]
    between = [("job_queued", None, None), ("job_running", None, None)]
    assert naps == [("job_scheduled", "offline", 5), *between, ("job_scheduled", "waits", 2), *between]

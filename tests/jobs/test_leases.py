"""Who may work on a job, and that nobody else can write."""

from __future__ import annotations

import pytest
from django.db import transaction

from mediasync.core.errors import LostLease
from mediasync.jobs import leases
from mediasync.jobs.choices import JobState
from mediasync.jobs.leases import Lease, Tally
from mediasync.jobs.models import Job

from .slicing import Bench, Scripted, running

pytestmark = pytest.mark.django_db


def claim(bench: Bench, epoch: int | None = None, owner: str = "me") -> Lease | None:
    bench.job.refresh_from_db()
    return leases.claim(bench.job.pk, bench.job.epoch if epoch is None else epoch, owner, clock=bench.clock)


def test_only_one_of_two_messages_of_an_epoch_claims() -> None:
    with running(Scripted()) as bench:
        epoch = bench.job.epoch
        assert claim(bench, epoch) is not None
        assert claim(bench, epoch, "other") is None


def test_a_live_lease_is_not_taken_and_an_expired_one_is() -> None:
    with running(Scripted()) as bench:
        first = claim(bench)
        assert first is not None and first.left == pytest.approx(60)
        assert claim(bench, owner="other") is None
        bench.clock.advance(61)
        assert claim(bench, owner="other") is not None


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.PAUSED, JobState.COMPLETED])
def test_a_job_that_is_not_active_is_not_claimed(state: JobState) -> None:
    with running(Scripted()) as bench:
        Job.objects.update(state=state)
        assert claim(bench) is None


def test_the_fence_moves_counters_and_reads_the_state() -> None:
    with running(Scripted()) as bench:
        lease = claim(bench)
        assert lease is not None
        before = Job.objects.get().rev
        with transaction.atomic():
            passed = leases.fence(lease, Tally(total=3, done=2))
        job = Job.objects.get()
        assert passed == (JobState.RUNNING, before + 1) and (job.total, job.done) == (3, 2)


def test_the_fence_stops_whoever_lost_the_lease() -> None:
    with running(Scripted()) as bench:
        old = claim(bench)
        bench.clock.advance(61)
        assert old is not None and claim(bench, owner="other") is not None
        with pytest.raises(LostLease), transaction.atomic():
            Job.objects.update(current="written by a ghost")
            leases.fence(old)
        assert Job.objects.get().current == ""
        assert not leases.renew(old)


def test_renewing_moves_the_end() -> None:
    with running(Scripted()) as bench:
        lease = claim(bench)
        assert lease is not None
        bench.clock.advance(50)
        assert leases.renew(lease) and lease.left == pytest.approx(60)
        assert Job.objects.get().lease_until == lease.until


def test_releasing_makes_old_messages_stale() -> None:
    with running(Scripted()) as bench:
        lease = claim(bench)
        assert lease is not None
        epoch = leases.release(lease)
        assert claim(bench, lease.epoch) is None
        assert claim(bench, epoch) is not None

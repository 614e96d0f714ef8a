"""Who may work on a job: the lease, and the fence that every write of a slice has to pass.

The epoch is the token. Claiming, handing over and taking away each raise it, so whoever holds an older one finds no
row to update and stops (``LostLease``) with nothing written. The lease only bounds how long a dead worker is waited
for; that a clock jumps can cause an early take-over, never a doubled row (docs/engine.md, rule 1).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q

from mediasync.core.clock import Clock, SystemClock
from mediasync.core.errors import LostLease

from .choices import ACTIVE
from .models import Job

_FENCE = """
    UPDATE jobs_job
    SET rev = rev + 1, lease_until = %s, total = total + %s, done = done + %s, failed = failed + %s,
        skipped = skipped + %s
    WHERE id = %s AND epoch = %s
    RETURNING state, rev
"""


T = TypeVar("T")


class DatabaseGone(Exception):
    """The database refused to write until the lease was nearly over."""


@dataclass(slots=True)
class Tally:
    """By how much counters move."""

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0

    def __bool__(self) -> bool:
        return bool(self.total or self.done or self.failed or self.skipped)


class Passed(NamedTuple):
    """What the fence read on the way: the job's state, and the revision that its rows are written with."""

    state: str
    rev: int


@dataclass(slots=True)
class Lease:
    """The right to write the rows of one job. ``until`` is when it ends, in the time of ``clock``."""

    job_id: int
    epoch: int
    owner: str
    clock: Clock
    skew: dt.timedelta = field(default_factory=dt.timedelta)  # database minus this host
    seconds: float = 0.0
    until: dt.datetime = field(default_factory=lambda: dt.datetime.min.replace(tzinfo=dt.UTC))

    def new_end(self) -> dt.datetime:
        """Return when the lease would end if it were renewed now (``clock``'s time)."""
        return self.clock.now() + dt.timedelta(seconds=self.seconds)

    @property
    def left(self) -> float:
        """Seconds until others may take the job."""
        return (self.until - self.clock.now()).total_seconds()


def claim(job_id: int, epoch: int, owner: str, *, clock: Clock) -> Lease | None:
    """Take a job that was handed over in ``epoch``; None when the message is stale, doubled or too early.

    A job that is being paused or cancelled may be claimed too: the slice then settles it.
    """
    skew = database_now(clock) - clock.now()
    lease = Lease(job_id, epoch + 1, owner, clock, skew, settings.LEASE_SECONDS)
    lease.until = lease.new_end()
    free = Q(lease_until=None) | Q(lease_until__lt=clock.now() + lease.skew)
    taken = Job.objects.filter(free, pk=job_id, epoch=epoch, state__in=ACTIVE).update(
        epoch=F("epoch") + 1,
        lease_owner=owner,
        lease_until=lease.until + lease.skew,
        handed_over_at=None,
        reason_code="",
    )
    return lease if taken else None


def renew(lease: Lease) -> bool:
    """Move the end of the lease; False when somebody else has the job."""
    end = lease.new_end()
    if not Job.objects.filter(pk=lease.job_id, epoch=lease.epoch).update(lease_until=end + lease.skew):
        return False
    lease.until = end
    return True


def fence(lease: Lease, moved: Tally | None = None) -> Passed:
    """Open a transaction with this: it locks the job row, moves its counters and renews the lease.

    ``lease.until`` stays, because the transaction may yet be rolled back.
    Raises LostLease, so that the transaction rolls back, when the epoch is another by now.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a fence protects a transaction; open one first")
    moved = moved or Tally()
    until = connection.ops.adapt_datetimefield_value(lease.new_end() + lease.skew)
    with connection.cursor() as cursor:
        cursor.execute(_FENCE, [until, moved.total, moved.done, moved.failed, moved.skipped, lease.job_id, lease.epoch])
        row = cursor.fetchone()
    if row is None:
        raise LostLease(f"Job {lease.job_id} has another owner by now.", job=lease.job_id, epoch=lease.epoch)
    return Passed(*row)


def patiently(lease: Lease, write: Callable[[], T], *, undo: Callable[[], None] = lambda: None) -> T:
    """Do ``write`` in a transaction, again and again while the database is locked or full.

    ``undo`` puts memory back before each new try. Raises DatabaseGone ten seconds before the lease ends: nothing is
    half-written then, and the next owner begins from the rows.
    """
    while True:
        try:
            with transaction.atomic():
                return write()
        except OperationalError as error:
            if connection.in_atomic_block or lease.left < min(10.0, lease.seconds / 3):
                raise DatabaseGone(str(error)) from error
            connection.close_if_unusable_or_obsolete()
            undo()
            lease.clock.sleep(random.uniform(0.05, 0.5))


def release(lease: Lease, *, reason_code: str = "") -> int:
    """Let go of the job inside a fenced transaction and return the epoch that the next message must carry."""
    Job.objects.filter(pk=lease.job_id, epoch=lease.epoch).update(
        epoch=F("epoch") + 1,
        lease_owner="",
        lease_until=None,
        handed_over_at=lease.clock.now() + lease.skew,
        reason_code=reason_code,
        current="",
    )
    return lease.epoch + 1


def database_now(clock: Clock) -> dt.datetime:
    """Return the time that all hosts share: the database's, unless it is a file on this host or a test's clock."""
    if connection.vendor != "postgresql" or not isinstance(clock, SystemClock):
        return clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: dt.datetime = cursor.fetchone()[0]
    return moment

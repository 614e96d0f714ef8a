"""Which waiting jobs may start now: a pure function of who waits, who is active and how many may.

Who occupies a lane is derived from the jobs that are active; there is no counter to leak. A job starts with all of
its lanes or not at all. An *exclusive* job waits until its lane is empty, and from then on nothing that comes later
in the order may enter it; a *shared* one reserves its lanes the same way once it has waited for ten minutes. So the
first in the order only ever waits for jobs that run already: nobody starves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .choices import LaneMode
from .registry import Lane

WHOLE_ENGINE = "*"
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
AGING = dt.timedelta(minutes=10)  # of waiting, for one step of priority
ACTIVE_PER_WORKER = 4  # jobs that share a worker process by turns of one slice

Reason = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A job that waits or is active, as far as lanes are concerned."""

    id: int
    lanes: tuple[Lane, ...]
    priority: int = 0
    since: dt.datetime = LONG_AGO
    heavy: bool = False


@dataclass(slots=True)
class Verdict:
    """What becomes of the jobs that wait: ``start`` in this order, and why the others cannot."""

    start: list[Entrant] = field(default_factory=list)
    reasons: dict[int, Reason] = field(default_factory=dict)


def capacity(key: str, capacities: Mapping[str, int]) -> int | None:
    """Return how many may share the lane ("root:7" → "root:*"); None when there is no limit."""
    if key in capacities:
        return capacities[key]
    return capacities.get(f"{key.partition(':')[0]}:*")


def in_order(waiting: Sequence[Entrant], now: dt.datetime) -> list[Entrant]:
    """Sort by priority, which grows with the time of waiting, then by age."""
    return sorted(waiting, key=lambda job: (-job.priority - (now - job.since) // AGING, job.id))


def choose(
    waiting: Sequence[Entrant],
    active: Sequence[Entrant],
    *,
    capacities: Mapping[str, int],
    workers: int,
    now: dt.datetime,
    ready: Callable[[Entrant], Reason | None] = lambda job: None,
) -> Verdict:
    """Decide for every waiting job. ``ready`` is asked only of jobs for which something depends on it."""
    verdict = Verdict()
    hall = _Hall(list(active), capacities, workers)
    for job in in_order(waiting, now):
        reason = hall.obstacle(job)
        reserves = reason is not None and (_exclusive(job) or now - job.since >= AGING)
        if reason is None or reserves:
            unready = ready(job)
            if unready is not None:  # it could not use the lane, so it must not close it to others
                verdict.reasons[job.id] = unready
                continue
        if reason is None:
            verdict.start.append(job)
            hall.inside.append(job)
        else:
            verdict.reasons[job.id] = reason
            if reserves:
                hall.reserved.append(job)
    return verdict


def _exclusive(job: Entrant) -> bool:
    return any(lane.mode == LaneMode.EXCLUSIVE for lane in job.lanes)


@dataclass(slots=True)
class _Hall:
    """Those inside, and those at the door whose place is kept."""

    inside: list[Entrant]
    capacities: Mapping[str, int]
    workers: int
    reserved: list[Entrant] = field(default_factory=list)

    def obstacle(self, job: Entrant) -> Reason | None:
        """Return why the job cannot enter now, or None."""
        taken = self.inside + self.reserved
        for lane in (Lane(WHOLE_ENGINE), *job.lanes):
            blocker = self._blocker(lane, taken)
            if blocker is not None:
                code = "lane_reserved" if blocker in self.reserved else "lane_busy"
                return code, {"lane": lane.key, "job": blocker.id}
        # A kept place is one in a lane: who waits for it keeps no worker from the others.
        if job.heavy and sum(other.heavy for other in self.inside) >= max(1, self.workers - 1):
            return "heavy_limit", {}
        if len(self.inside) >= ACTIVE_PER_WORKER * self.workers:
            return "workers_busy", {}
        return None

    def _blocker(self, lane: Lane, taken: Sequence[Entrant]) -> Entrant | None:
        holders = [(other, mode) for other in taken if (mode := _holds(other, lane.key)) is not None]
        if lane.mode == LaneMode.EXCLUSIVE:
            return holders[0][0] if holders else None
        for other, mode in holders:
            if mode == LaneMode.EXCLUSIVE:
                return other
        limit = capacity(lane.key, self.capacities)
        return holders[0][0] if limit is not None and len(holders) >= max(1, limit) else None


def _holds(job: Entrant, key: str) -> LaneMode | None:
    """Return how the job holds ``key``; everybody shares the whole engine."""
    for lane in job.lanes:
        if lane.key == key:
            return lane.mode
    return LaneMode.SHARED if key == WHOLE_ENGINE else None

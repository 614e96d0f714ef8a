"""Who may start: capacities, exclusive lanes, aging, and nobody starves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from mediasync.jobs.choices import LaneMode
from mediasync.jobs.lanes import AGING, Entrant, Verdict, capacity, choose
from mediasync.jobs.registry import Lane

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CAPACITIES = {"download": 1, "general": 4, "server:*": 2, "root:*": 1}
X, SHARED = LaneMode.EXCLUSIVE, LaneMode.SHARED


def _job(number: int, *lanes: Lane | str, priority: int = 0, minutes: float = 0, heavy: bool = False) -> Entrant:
    keys = tuple(lane if isinstance(lane, Lane) else Lane(lane) for lane in lanes)
    return Entrant(number, keys, priority, NOW - dt.timedelta(minutes=minutes), heavy)


def _choose(waiting: Iterable[Entrant], active: Iterable[Entrant] = (), workers: int = 2) -> Verdict:
    return choose(list(waiting), list(active), capacities=CAPACITIES, workers=workers, now=NOW)


def _started(verdict: Verdict) -> list[int]:
    return [job.id for job in verdict.start]


def test_it_finds_the_capacity_of_a_key_or_its_prefix() -> None:
    assert capacity("download", CAPACITIES) == 1
    assert capacity("server:3", CAPACITIES) == 2
    assert capacity("unheard:3", CAPACITIES) is None


def test_it_fills_a_lane_up_to_its_capacity_and_says_who_is_in_the_way() -> None:
    verdict = _choose([_job(2, "server:1"), _job(3, "server:1"), _job(4, "server:2")], [_job(1, "server:1")])
    assert _started(verdict) == [2, 4]
    assert verdict.reasons == {3: ("lane_busy", {"lane": "server:1", "job": 1})}


def test_it_starts_a_job_with_all_its_lanes_or_not_at_all() -> None:
    verdict = _choose([_job(2, "server:1", "root:7"), _job(3, "server:1")], [_job(1, "root:7")])
    assert _started(verdict) == [3]


def test_it_goes_by_priority_then_age_and_lets_waiting_count() -> None:
    jobs = [_job(1, priority=20, minutes=1), _job(2, priority=50), _job(3, priority=50), _job(4, priority=40)]
    assert _started(_choose(jobs)) == [2, 3, 4, 1]
    old = _job(9, priority=20, minutes=311)
    assert _started(_choose([*jobs, old]))[0] == 9


def test_it_lets_an_exclusive_job_wait_for_all_and_holds_newcomers_back() -> None:
    exclusive = _job(2, Lane("server:1", X))
    verdict = _choose([exclusive, _job(3, "server:1")], [_job(1, "server:1")])
    assert _started(verdict) == []
    assert verdict.reasons[2] == ("lane_busy", {"lane": "server:1", "job": 1})
    assert verdict.reasons[3] == ("lane_reserved", {"lane": "server:1", "job": 2})
    assert _started(_choose([exclusive, _job(3, "server:1")])) == [2]
    assert _started(_choose([_job(3, "server:1")], [exclusive])) == []


def test_it_gives_the_whole_engine_to_one_job() -> None:
    restore = _job(2, Lane("*", X))
    verdict = _choose([restore, _job(3, "download")], [_job(1, "root:1")])
    assert _started(verdict) == []
    assert _started(_choose([restore, _job(3)])) == [2]
    assert _started(_choose([_job(3)], [restore])) == []


def test_it_keeps_one_worker_free_of_heavy_jobs() -> None:
    heavy = [_job(number, heavy=True) for number in (1, 2, 3)]
    assert _started(_choose([*heavy, _job(4)], workers=2)) == [1, 4]
    assert _started(_choose(heavy, workers=3)) == [1, 2]
    assert _started(_choose(heavy, workers=1)) == [1]


def test_it_keeps_no_place_for_a_job_that_could_not_use_it() -> None:
    verdict = choose(
        [_job(2, Lane("server:1", X)), _job(3, "server:1")],
        [_job(1, "server:1")],
        capacities=CAPACITIES,
        workers=2,
        now=NOW,
        ready=lambda job: ("server_offline", {}) if job.id == 2 else None,
    )
    assert _started(verdict) == [3]
    assert verdict.reasons == {2: ("server_offline", {})}


def test_it_keeps_a_place_for_a_shared_job_that_waited_long() -> None:
    waits = _job(2, "server:1", "download", minutes=11)
    verdict = _choose([waits, _job(3, "server:1"), _job(4, "server:1")], [_job(1, "download")])
    assert _started(verdict) == [3]  # one of the two places in server:1 is kept for job 2
    assert verdict.reasons[4][0] == "lane_busy"


KEYS = ["download", "server:1", "server:2", "root:1", "root:2", "*"]
LANE = st.builds(Lane, st.sampled_from(KEYS), st.sampled_from([SHARED, SHARED, X]))
LANES = st.lists(LANE, max_size=3, unique_by=lambda lane: lane.key)
JOBS = st.lists(
    st.tuples(LANES, st.integers(10, 50), st.booleans(), st.integers(0, 40), st.integers(1, 15)), max_size=25
)


@settings(max_examples=100, deadline=None)
@given(JOBS, st.integers(1, 3))
def test_it_keeps_the_rules_and_starves_nobody_in_random_schedules(
    plan: list[tuple[list[Lane], int, bool, int, int]], workers: int
) -> None:
    """Play a schedule in steps of a minute, with a steady stream of newcomers for every lane until all are through."""
    clock, waiting, active, ends, number = NOW, list[Entrant](), list[Entrant](), dict[int, int](), 1000
    lengths = {index: length for index, (*_, length) in enumerate(plan)}
    left = set(lengths)
    for minute in range(4000):
        clock = NOW + dt.timedelta(minutes=minute)
        waiting += [
            Entrant(index, tuple(lanes), priority, clock, heavy)
            for index, (lanes, priority, heavy, arrives, _) in enumerate(plan)
            if arrives == minute
        ]
        for key in ("download", "server:1", "server:2", "root:1", "root:2"):  # never an empty lane
            number += 1
            waiting.append(Entrant(number, (Lane(key),), 50, clock))
        active = [job for job in active if ends[job.id] > minute]
        verdict = choose(waiting, active, capacities=CAPACITIES, workers=workers, now=clock)
        started = {job.id for job in verdict.start}
        assert started | set(verdict.reasons) == {job.id for job in waiting}
        active += verdict.start
        ends |= {job.id: minute + lengths.get(job.id, 2) for job in verdict.start}
        waiting = [job for job in waiting if job.id not in started and (job.id < 1000 or clock - job.since < AGING)]
        left -= started
        _assert_lanes_hold(active, workers)
        if not left:
            return
    raise AssertionError(f"starved: {sorted(left)}")


def _assert_lanes_hold(active: list[Entrant], workers: int) -> None:
    held: dict[str, list[LaneMode]] = {}
    for job in active:
        for lane in job.lanes:
            held.setdefault(lane.key, []).append(lane.mode)
    for key, modes in held.items():
        assert X not in modes or len(modes) == 1
        assert len(modes) <= (capacity(key, CAPACITIES) or 99)
    assert X not in held.get("*", []) or len(active) == 1
    assert sum(job.heavy for job in active) <= max(1, workers - 1)


def test_those_who_wait_long_for_a_lane_keep_no_worker_from_the_others() -> None:
    patient = [_job(number, "root:7", priority=30, minutes=11, heavy=True) for number in range(10, 18)]
    light, heavy = _job(20, "server:3"), _job(21, "root:8", heavy=True)
    verdict = _choose([*patient, light, heavy], [_job(1, "root:7", heavy=True)], workers=3)
    assert _started(verdict) == [20, 21]

"""What runs beside the feeds runs exactly while the watcher leads."""

from __future__ import annotations

import pytest

from mediasync.core.clock import Clock, FakeClock
from mediasync.servers.listeners.supervisor import Listeners
from monitors.feeds import beside
from monitors.feeds.lead import lead
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher

pytestmark = pytest.mark.django_db


class Told:
    """Counts, and fails at everything."""

    def __init__(self, clock: Clock) -> None:
        self.ticks = self.ends = 0

    def tick(self) -> None:
        self.ticks += 1
        raise RuntimeError("no")

    def close(self) -> None:
        self.ends += 1
        raise RuntimeError("no")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    made: list[Told] = []

    def make(clock: Clock) -> Told:
        made.append(Told(clock))
        return made[-1]

    monkeypatch.setattr(beside, "MAKERS", beside.MAKERS.copy())
    beside.MAKERS.clear()
    beside.run_beside("told", make)
    beside.run_beside("again", make)
    monkeypatch.setattr("monitors.feeds.watch.MAKERS", beside.MAKERS)
    return made


def watcher(clock: FakeClock, me: str) -> Watcher:
    return Watcher(clock, Supervisor(clock, {}), me)


def test_it_runs_while_the_watcher_leads(told: list[Told], clock: FakeClock) -> None:
    first, reserve = watcher(clock, "a/1/1"), watcher(clock, "b/1/1")
    for _ in range(3):
        first.tick()
        reserve.tick()
        clock.advance(0.5)
    assert [each.ticks for each in told] == [3, 3]  # one that fails does not stop the other
    first.close()
    assert [each.ends for each in told] == [1, 1]
    clock.advance(60)
    reserve.tick()
    assert len(told) == 4


def test_it_ends_when_another_watcher_takes_over(told: list[Told], clock: FakeClock) -> None:
    first = watcher(clock, "a/1/1")
    first.tick()
    clock.advance(3600)
    assert lead(clock, "b/1/1")
    first.tick()
    assert [each.ends for each in told] == [1, 1] and [each.ticks for each in told] == [1, 1]


def test_the_listeners_are_wired() -> None:
    made = beside.MAKERS["listeners"](FakeClock())
    assert isinstance(made, Listeners)
    made.tick()
    assert made.runners == {}  # no server
    made.close()

"""A library that is larger than what an account may be asked in a day."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from mediasync.core import clock as clocks
from mediasync.core.clock import FakeClock
from mediasync.core.errors import Snooze
from monitors.models import Account, Change
from tests.fakes.clouddrive import FakeCloudDrive
from tests.monitors.crawling import Ctx

from .clouds import Far, make_account

BUDGET, FOLDERS = 200, 500


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Set the clock by which the limits go; who sleeps moves it on."""
    clock, lock = FakeClock(dt.datetime(2026, 1, 1, 1, tzinfo=dt.UTC)), threading.Lock()

    def sleep(_self: object, seconds: float) -> None:
        with lock:
            clock.advance(seconds)

    monkeypatch.setattr(clocks.SystemClock, "now", lambda _self: clock.now())
    monkeypatch.setattr(clocks.SystemClock, "sleep", sleep)
    return clock


def days(far: Far, clock: FakeClock) -> Iterator[list[str]]:
    """Crawl until it ends, and yield what was listed on each day."""
    ctx = Ctx(clock)
    for _ in range(10):
        begun = clock.now()
        try:
            far.crawl(ctx=ctx, cursor=ctx.saved)
        except Snooze as error:
            assert error.code == "account_budget"
            assert error.until.date() == begun.date() + dt.timedelta(days=1)
            assert (error.until.hour, error.until.minute) == (0, 0)
            assert (clock.now() - begun).total_seconds() > (BUDGET - 5) / 0.9
            yield far.cloud.asked()
            clock.advance((error.until - clock.now()).total_seconds())
        else:
            yield far.cloud.asked()
            return
    pytest.fail("it does not end")


@pytest.mark.parametrize("inside", ["", "Season 1/"])
def test_it_goes_on_each_day_and_asks_little_twice(inside: str, clock: FakeClock, transactional_db: None) -> None:
    with FakeCloudDrive() as cloud:
        shows = FOLDERS // 2 if inside else FOLDERS
        for number in range(shows):
            cloud.put(f"/115/TV/Show {number:03}/{inside}x.mkv")
        far = Far(cloud, make_account(cloud, per_second=0.0, per_day=BUDGET))
        listed = list(days(far, clock))
        assert [len(each) for each in listed[:-1]] == [BUDGET, BUDGET]
        again = Counter(path for each in listed for path in each)
        del again["/115/TV"]  # asked for by the guard each time
        assert len(again) == FOLDERS
        # Nobody waits for the answer to what is under way when the crawl must sleep.
        assert sum(again.values()) - FOLDERS <= 2 * len(listed)
        assert len(far.known()) == shows
        assert Account.objects.get().used == len(listed[-1])
        clock.advance(86400)
        # What was put off to another day is not listed once more: the times of folders are known.
        assert sum(map(len, days(far, clock))) <= (2 + shows + 5 if inside else 2)
        cloud.put(f"/115/TV/Show 400/{inside}y.mkv")
        cloud.put(f"/115/TV/Show 003/{inside}y.mkv")
        clock.advance(86400)
        list(days(far, clock))
        assert Change.objects.filter(kind="added", state="new").count() == 2

from __future__ import annotations

from typing import Any

import pytest

from catalog import reach
from catalog.models import Playlist, Source
from catalog.reach import of_item
from mediasync.core.clock import FakeClock
from tests.catalog.jobs import run, states, switch_on
from tests.catalog.platforms import NETEASE_DETAIL, NETEASE_SONGS, netease_list, netease_songs
from tests.catalog.replay import Replay
from tests.fakes.server import Request

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the engine and of the pace."""
    clock = FakeClock()
    monkeypatch.setattr(reach, "of_item", lambda ctx: {**of_item(ctx), "clock": clock})
    return clock


def synced(replay: Replay, clock: FakeClock, every: int, lists: int) -> tuple[int, int, int]:
    """Sync from a host that asks us to wait at each ``every``-th question: succeeded, failed, questions."""
    switch_on("netease", replay)
    Source.objects.update(pace=1.0)
    asked = 0

    def answer(request: Request) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return netease_list([1, 2]) if asked % every else {"code": -460}

    replay.say(NETEASE_DETAIL, answer)
    replay.say(NETEASE_SONGS, netease_songs)
    for number in range(lists):
        Playlist.objects.create(platform="netease", remote_id=str(number + 1), name=str(number))
    found = list(states(run("sync_only", clock=clock), "sync").values())
    return found.count("succeeded"), found.count("failed"), asked


def test_it_comes_to_the_end_with_a_host_that_slows_us_down_now_and_then(replay: Replay, clock: FakeClock) -> None:
    """Waiting for what the host said to another list is no attempt: 18 of 60 failed for it."""
    assert synced(replay, clock, every=9, lists=60) == (60, 0, 67)


def test_it_gives_up_a_host_that_only_slows_us_down(replay: Replay, clock: FakeClock) -> None:
    succeeded, failed, asked = synced(replay, clock, every=1, lists=20)
    assert (succeeded, failed) == (0, 20) and asked < 40

from __future__ import annotations

import pytest

from mediasync.servers.listeners import inbox
from mediasync.servers.listeners.ears import Heard
from mediasync.servers.listeners.inbox import READY_SECONDS, WORKING_SECONDS, Inbox


def test_it_asks_once_for_what_is_said_again_and_again() -> None:
    box = Inbox()
    box.hear([Heard("7", ready=False, made=True)], 0)
    for now in (10.0, 10.5, 11.0):
        box.hear([Heard("7")], now)
    assert box.take(10 + READY_SECONDS - 0.1, 50) == {}
    assert box.take(10 + READY_SECONDS, 50) == {"7": True}
    box.done(["7"])
    box.hear([Heard("7")], 20)
    assert box.take(1000, 50) == {} and len(box) == 0


def test_it_takes_in_the_end_what_is_never_called_processed() -> None:
    box = Inbox()
    box.hear([Heard("7", ready=False)], 0)
    box.hear([Heard("7", ready=False)], 30)
    assert box.take(30 + WORKING_SECONDS - 1, 50) == {}
    assert box.take(30 + WORKING_SECONDS, 50) == {"7": False}


def test_it_keeps_what_was_taken_until_it_is_done() -> None:
    box = Inbox()
    box.hear([Heard(str(n)) for n in range(5)], 0)
    assert list(box.take(9, 2)) == list(box.take(9, 2)) == ["0", "1"]
    box.done(["0", "1"])
    assert list(box.take(9, 2)) == ["2", "3"]


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST", 3)
    monkeypatch.setattr(inbox, "REMEMBER", 2)
    box = Inbox()
    box.hear([Heard(str(n)) for n in range(5)], 0)
    assert len(box) == 3 and box.overflowed
    box.done(["0", "1", "2"])
    box.hear([Heard("0")], 0)  # forgotten: it is asked for once more, which does no harm
    assert len(box) == 1

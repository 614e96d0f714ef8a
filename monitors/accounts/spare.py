"""Turns of a fast account that this process has taken in advance, so that not each request is a write.

What it does not use in their time is lost.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from dataclasses import dataclass


@dataclass(slots=True)
class Spare:
    """``spent``: used, and not yet counted in ``Account.used``."""

    left: int
    begins: dt.datetime
    ends: dt.datetime
    spent: int = 0


_lock = threading.Lock()
_spare: dict[tuple[int, int], Spare] = {}


def keep(account_id: int, count: int, begins: dt.datetime, ends: dt.datetime) -> None:
    """Keep turns for later; those from before are lost."""
    with _lock:
        _spare[os.getpid(), account_id] = Spare(count, begins, ends)


def use(account_id: int, n: int, now: dt.datetime, patience: dt.timedelta) -> float | None:
    """Use turns and return the seconds until they come; None if there are none.

    Also those whose time has yet to come: many threads that each took the next ones would run far ahead of themselves.
    """
    with _lock:
        spare = _spare.get((os.getpid(), account_id))
        if spare is None or spare.left < n or not spare.begins - patience <= now < spare.ends:
            return None
        spare.left -= n
        spare.spent += n
        return max(0.0, (spare.begins - now).total_seconds())


def spent(account_id: int) -> int:
    """Return how many were used since this was last asked."""
    with _lock:
        spare = _spare.get((os.getpid(), account_id))
        if spare is None:
            return 0
        used, spare.spent = spare.spent, 0
        return used


def unspent(account_id: int, count: int) -> None:
    """Say that what ``spent`` returned could not be counted."""
    with _lock:
        if (spare := _spare.get((os.getpid(), account_id))) is not None:
            spare.spent += count


def forget(account_id: int) -> None:
    """Use none of them any more."""
    with _lock:
        if (spare := _spare.get((os.getpid(), account_id))) is not None:
            spare.left = 0


def forget_all() -> None:
    """Use none of anybody's."""
    with _lock:
        _spare.clear()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent may have held it


os.register_at_fork(after_in_child=_after_fork)

"""Small work that a feature wants done now and then by the conductor: a few cheap queries, never a network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Run = Callable[[dt.datetime], object]


@dataclass(frozen=True, slots=True)
class Chore:
    """``run(now)`` each ``every`` seconds (the conductor ticks once a second)."""

    name: str
    every: float
    run: Run


_chores: dict[str, Chore] = {}
_next: dict[str, dt.datetime] = {}


def register(name: str, run: Run, *, every: float) -> None:
    """Make a chore known; ValueError for a name that is taken by another one."""
    if name in _chores and _chores[name].run is not run:
        raise ValueError(f"chore {name!r} is registered twice")
    _chores[name] = Chore(name, every, run)


def due(now: dt.datetime) -> Iterator[Chore]:
    """Yield the chores whose time has come, and count their interval from now."""
    for chore in _chores.values():
        step = dt.timedelta(seconds=chore.every)
        wait = _next.get(chore.name, now) - now
        if wait <= dt.timedelta(0) or wait > step:  # the latter: the clock was set back
            _next[chore.name] = now + step
            yield chore

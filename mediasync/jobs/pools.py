"""Who runs the items: a pool of threads, or the calling thread itself. Neither writes a row.

A *unit* is what one call of ``run`` (one item) or ``run_batch`` (several) is given.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from django.db import connections

from mediasync.core.errors import Stop

from . import rings
from .choices import Effect, ItemState
from .context import ItemContext
from .outcomes import Claimed, Result, settle, untouched
from .registry import Failed, Outcome, Stage

Unit = list[Claimed]


@dataclass(slots=True)
class Finished:
    """One unit that has run: its results and how long it took (seconds)."""

    results: list[Result]
    seconds: float


class Pool(Protocol):
    """Hand units in with ``put``; get what finished from ``collect``; get back with ``take_back`` what never began."""

    def put(self, units: Sequence[Unit]) -> None: ...
    def collect(self, seconds: float, enough: int) -> list[Finished]: ...
    def take_back(self) -> list[Unit]: ...
    def waiting(self) -> int: ...
    def close(self, *, wait: bool) -> None: ...

    @property
    def busy(self) -> list[ItemContext | None]: ...  # a place for each thread


class Runner:
    """Runs one unit and turns whatever happens into results."""

    def __init__(self, stage: Stage, context: Callable[[Unit], ItemContext]) -> None:
        self.stage = stage
        self.context = context

    def __call__(self, unit: Unit, ctx: ItemContext) -> Finished:
        begun = time.monotonic()
        try:
            with rings.about(ctx.job.id):
                outcomes: Sequence[Outcome | BaseException] = self._run(unit, ctx)
        except Stop:
            results = [untouched(each, ctx.unsaved) for each in unit]
            return Finished(results, time.monotonic() - begun)
        except BaseException as error:
            if not isinstance(error, Exception) and threading.current_thread() is threading.main_thread():
                raise  # the process is told to end
            outcomes = [error] * len(unit)
        now = ctx.now()
        results = [settle(item, what, stage=self.stage, now=now) for item, what in zip(unit, outcomes, strict=True)]
        return Finished(results, time.monotonic() - begun)

    def _run(self, unit: Unit, ctx: ItemContext) -> Sequence[Outcome]:
        stage = self.stage
        if stage.effect is Effect.VERIFY and unit[0].info.crashes:
            seen = stage.verify(unit[0].info, ctx)  # it runs alone, so it is the only one
            if seen is not None:
                return [seen]
        if stage.batch == 1:
            return [stage.run(unit[0].info, ctx)]
        outcomes = stage.run_batch([each.info for each in unit], ctx)
        if len(outcomes) != len(unit):
            error = ValueError(f"{stage.name}.run_batch returned {len(outcomes)} outcomes for {len(unit)} items")
            return [Failed(error)] * len(unit)
        return outcomes


class Inline:
    """Runs units in the calling thread, inside ``collect``."""

    def __init__(self, runner: Runner) -> None:
        self.busy: list[ItemContext | None] = [None]
        self._runner = runner
        self._ready: deque[Unit] = deque()

    def put(self, units: Sequence[Unit]) -> None:
        self._ready.extend(units)

    def collect(self, seconds: float, enough: int) -> list[Finished]:
        finished: list[Finished] = []
        until = time.monotonic() + seconds
        while self._ready and len(finished) < enough and (not finished or time.monotonic() < until):
            unit = self._ready.popleft()
            self.busy[0] = ctx = self._runner.context(unit)
            finished.append(self._runner(unit, ctx))
            self.busy[0] = None
            if any(each.state in (ItemState.PENDING, ItemState.FAILED) for each in finished[-1].results):
                break  # perhaps the last one to run
        return finished

    def take_back(self) -> list[Unit]:
        units = list(self._ready)
        self._ready.clear()
        return units

    def waiting(self) -> int:
        return len(self._ready)

    def close(self, *, wait: bool) -> None:
        self._ready.clear()


class Threads:
    """Runs units in ``size`` threads; each closes its own database connection at the end."""

    def __init__(self, runner: Runner, size: int) -> None:
        self.busy: list[ItemContext | None] = [None] * size
        self._runner = runner
        self._ready: SimpleQueue[Unit | None] = SimpleQueue()
        self._finished: SimpleQueue[Finished] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(slot,), name=f"item-{slot}", daemon=True) for slot in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, units: Sequence[Unit]) -> None:
        for unit in units:
            self._ready.put(unit)

    def collect(self, seconds: float, enough: int) -> list[Finished]:
        """Wait up to ``seconds`` for ``enough`` units, then take all there are."""
        finished: list[Finished] = []
        until = time.monotonic() + seconds
        try:
            while len(finished) < enough:
                finished.append(self._finished.get(timeout=max(0.0, until - time.monotonic())))
            while True:
                finished.append(self._finished.get_nowait())
        except Empty:
            return finished

    def take_back(self) -> list[Unit]:
        units: list[Unit] = []
        try:
            while (unit := self._ready.get_nowait()) is not None:
                units.append(unit)
        except Empty:
            pass
        return units

    def waiting(self) -> int:
        return self._ready.qsize()

    def close(self, *, wait: bool) -> None:
        """End the threads; ``wait`` for what they do just now (nobody can stop a thread from outside)."""
        self.take_back()
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(None if wait else 0.5)

    def _work(self, slot: int) -> None:
        try:
            while (unit := self._ready.get()) is not None:
                self.busy[slot] = ctx = self._runner.context(unit)
                finished = self._runner(unit, ctx)
                self.busy[slot] = None
                self._finished.put(finished)
        finally:
            connections.close_all()

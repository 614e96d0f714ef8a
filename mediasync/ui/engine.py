"""What the header says of the engine, in two small queries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mediasync.core import clock
from mediasync.jobs.choices import WorkerState
from mediasync.jobs.models import EngineState, Worker

SILENT_AFTER = dt.timedelta(seconds=30)  # without a tick: jobs will wait


@dataclass(frozen=True, slots=True)
class EngineStatus:
    workers: int  # that are ready and beat
    last_tick: dt.datetime | None
    silent: bool  # nobody ticks: a red strip
    paused: bool
    paused_by: str
    may_control: bool
    tick_age: int | None  # seconds


def engine_status(*, may_control: bool, now: dt.datetime | None = None) -> EngineStatus:
    """Return who works now, and when the conductor was last seen."""
    now = now or clock.system.now()
    engine = EngineState.objects.filter(pk=1).first() or EngineState()
    ready = Worker.objects.filter(state=WorkerState.READY, beat_at__gt=now - SILENT_AFTER).count()
    tick = engine.last_tick
    return EngineStatus(
        workers=ready,
        last_tick=tick,
        silent=tick is None or now - tick > SILENT_AFTER,
        paused=engine.paused_all,
        paused_by=engine.paused_by,
        may_control=may_control,
        tick_age=None if tick is None else max(0, int((now - tick).total_seconds())),
    )

"""What a progress bar needs to know of a running job, gathered without a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mediasync.core.clock import Clock

from .models import Job, Stage
from .pools import Pool
from .registry import Text

EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The current stage: ``total`` counts items, and is only a lower bound until ``total_final``.

    ``numbers`` are the stage's sums so far plus what the running items said with ``ctx.progress``; ``text`` is what
    the last of them said.
    """

    job_id: int
    stage: str
    label: Text
    planning: bool
    total: int
    total_final: bool
    done: int
    failed: int
    skipped: int
    rate: float  # items a second
    text: str = ""
    bytes_per_second: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    state: str = "running"

    @property
    def finished(self) -> int:
        """Items that need nothing more."""
        return self.done + self.failed + self.skipped


OnProgress = Callable[[Snapshot], None]


class Reporter:
    """Calls ``on_progress`` at most five times a second."""

    def __init__(self, on_progress: OnProgress | None, clock: Clock) -> None:
        self._tell = on_progress
        self._clock = clock
        self._told = float("-inf")

    def due(self) -> bool:
        return self._tell is not None and self._clock.monotonic() - self._told >= EVERY_SECONDS

    def patience(self, seconds: float) -> float:
        """Return for how long the loop may wait without anybody missing progress."""
        return seconds if self._tell is None else min(seconds, EVERY_SECONDS)

    def tell(self, row: Stage, label: Text, pool: Pool | None, rate: float) -> None:
        """Make the snapshot of this moment and hand it out."""
        if self._tell is None:
            return
        self._told = self._clock.monotonic()
        busy = [ctx for ctx in pool.busy if ctx is not None] if pool else []
        numbers: dict[str, float] = dict(row.result)
        for ctx in busy:
            for key, value in list(ctx.numbers.items()):
                numbers[key] = numbers.get(key, 0) + value
        self._tell(
            replace(
                _of_row(row, label, rate),
                text=next((ctx.text for ctx in reversed(busy) if ctx.text), ""),
                bytes_per_second=sum(ctx.bytes_per_second for ctx in busy),
                numbers=numbers,
            )
        )

    def follow(self, job: Job, stage: Stage | None, label: Text) -> None:
        """Hand out what the rows say of a job that another process runs."""
        if self._tell is None or stage is None:
            return
        self._tell(replace(_of_row(stage, label, job.rate), text=job.current, state=job.state))


def _of_row(row: Stage, label: Text, rate: float) -> Snapshot:
    return Snapshot(
        job_id=row.job_id,
        stage=row.name,
        label=label,
        planning=not row.planned,
        total=row.total,
        total_final=row.planned,
        done=row.done,
        failed=row.failed,
        skipped=row.skipped,
        rate=rate,
        numbers=row.result,
    )

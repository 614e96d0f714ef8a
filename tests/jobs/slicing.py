"""Kinds made of functions, and one slice at a time, for the tests of the engine's inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mediasync.core.clock import FakeClock
from mediasync.jobs import registry, services
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Item, Job, Stage
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned
from mediasync.jobs.registry import Stage as StageCode
from mediasync.jobs.slices import run_slice
from mediasync.jobs.transitions import transition

Do = Callable[[ItemInfo, Context], Outcome]
OWNER = "host/boot/1"


class Scripted(StageCode):
    """A stage that plans ``keys`` and does ``do``; further attributes by name."""

    label = "Scripted"

    def __init__(self, keys: Sequence[str] = ("a", "b", "c"), do: Do | None = None, **attributes: Any) -> None:
        self.name = "work"
        self.keys = keys
        self.do = do or (lambda item, ctx: Done())
        self.ran: list[str] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem(key, group=key.partition("/")[0] if "/" in key else "") for key in self.keys])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        self.ran.append(item.key)
        return self.do(item, ctx)


@dataclass
class Bench:
    """One running job, and what its slices sent."""

    job: Job
    clock: FakeClock = field(default_factory=FakeClock)
    sent: list[tuple[int, int]] = field(default_factory=list)

    def slice(self, *, epoch: int | None = None, budget: float = 15.0, **options: Any) -> str:
        self.job.refresh_from_db()
        options.setdefault("threads", False)
        came_out = run_slice(
            self.job.pk,
            self.job.epoch if epoch is None else epoch,
            owner=OWNER,
            send=lambda *message: self.sent.append(message),
            budget=budget,
            clock=self.clock,
            **options,
        )
        self.job.refresh_from_db()
        return came_out

    def again(self) -> None:
        """Start a job that waits (row 3 and 4) at the time it is due."""
        self.job.refresh_from_db()
        if self.job.state == JobState.SCHEDULED:
            assert self.job.not_before is not None
            self.clock.advance(max(0.0, (self.job.not_before - self.clock.now()).total_seconds()))
            transition(self.job.pk, JobState.QUEUED, expect=JobState.SCHEDULED)
        transition(self.job.pk, JobState.RUNNING, expect=JobState.QUEUED, bump_epoch=True)
        self.job.refresh_from_db()

    def ask(self, state: JobState) -> None:
        """Ask for a pause or a cancel, as the conductor does."""
        assert transition(self.job.pk, state, expect=(JobState.RUNNING,))

    def states(self) -> dict[str, str]:
        return dict(Item.objects.filter(stage__job=self.job).order_by("id").values_list("key", "state"))

    def item(self, key: str) -> Item:
        return Item.objects.get(stage__job=self.job, key=key)

    def stage(self, seq: int = 1) -> Stage:
        return Stage.objects.get(job=self.job, seq=seq)


@contextmanager
def running(*stages: StageCode, **submit: Any) -> Iterator[Bench]:
    """Give a job of these stages that was started a moment ago."""
    with registry.registered(JobKind("scripted", "Scripted", stages)):
        job = services.submit("scripted", {}, **submit).job
        bench = Bench(job)
        bench.again()
        yield bench


def counted(job: Job) -> None:
    """Assert that every counter equals the rows it counts."""
    sums = {"total": 0, "done": 0, "failed": 0, "skipped": 0}
    for stage in Stage.objects.filter(job=job):
        _compare(stage, Item.objects.filter(stage=stage), sums)
        for group in stage.groups.all():
            _compare(group, Item.objects.filter(group=group), None)
            assert group.running == Item.objects.filter(group=group, state="running").count()
    job.refresh_from_db()
    assert {name: getattr(job, name) for name in sums} == sums


def _compare(row: Any, rows: Any, sums: dict[str, int] | None) -> None:
    counts = {
        "total": rows.count(),
        "done": rows.filter(state="succeeded").count(),
        "failed": rows.filter(state="failed").count(),
        "skipped": rows.filter(state="skipped").count(),
    }
    assert {name: getattr(row, name) for name in counts} == counts
    if sums is not None:
        for name, number in counts.items():
            sums[name] += number

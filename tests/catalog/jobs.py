"""Run a job of the catalog in this process, and read what came of it."""

from __future__ import annotations

from typing import Any

from catalog.models import Source
from mediasync.core.clock import Clock
from mediasync.jobs import services
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Item, Job
from tests.catalog.replay import Replay


def switch_on(name: str, replay: Replay, plugin: str = "", **settings: Any) -> Source:
    """Make a source of playlists that asks ``replay``."""
    return Source.objects.create(
        name=name, plugin=plugin or name, enabled=True, pace=0.0, settings={**replay.settings, **settings}
    )


def run(kind: str, clock: Clock | None = None, threads: bool = False, **scope: Any) -> Job:
    """Submit a job and work it off here."""
    job = services.submit(kind, scope, dedupe=False).job
    return drain(job.pk, threads=threads, **({"clock": clock} if clock else {}))


def items(job: Job, stage: str) -> dict[str, Item]:
    """Return the items of a stage by their keys."""
    return {item.key: item for item in Item.objects.filter(stage__job=job, stage__name=stage).order_by("pk")}


def states(job: Job, stage: str) -> dict[str, str]:
    return {key: item.state for key, item in items(job, stage).items()}

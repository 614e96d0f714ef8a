"""An app for tests with real processes: a kind that writes each effect into a ledger on disk.

Scope: ``items`` (how many), ``seconds`` (each), ``ledger`` (a file, one line an effect), ``workers`` (threads),
``stubborn`` (an item takes its whole time, whatever is asked).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig

from mediasync.jobs import registry
from mediasync.jobs.choices import Effect


class Write(registry.Stage):
    """Write ``key pid`` into the ledger; look there before writing again."""

    name = "write"
    label = "Write"
    effect = Effect.VERIFY

    def workers_for(self, job: registry.JobInfo) -> int:
        return int(job.scope.get("workers", 2))

    def plan(self, job: registry.JobInfo, cursor: Any) -> Iterator[registry.Planned]:
        yield registry.Planned([registry.NewItem(f"{number:06}") for number in range(job.scope["items"])])

    def run(self, item: registry.ItemInfo, ctx: registry.Context) -> registry.Outcome:
        scope = ctx.job.scope
        end = time.monotonic() + float(scope.get("seconds", 0))
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
            if not scope.get("stubborn"):
                ctx.checkpoint()
        with open(scope["ledger"], "a") as ledger:
            ledger.write(f"{item.key} {os.getpid()}\n")
        return registry.Done({"written": 1})

    def verify(self, item: registry.ItemInfo, ctx: registry.Context) -> registry.Outcome | None:
        with open(ctx.job.scope["ledger"]) as ledger:
            written = any(line.startswith(f"{item.key} ") for line in ledger)
        return registry.Done({"written": 1}) if written else None


LEDGER = registry.JobKind(name="ledger", label="Ledger", stages=(Write(),))


class KindsConfig(AppConfig):
    name = "tests.jobs.kinds"
    label = "test_kinds"

    def ready(self) -> None:
        registry.register(LEDGER)

"""What the tests of settling hints share: a root on the disk, a clock, and rounds of the watcher."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Job
from mediasync.jobs.services import Submitted
from monitors.hints import intake, visible
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root

HOOK = Source("sonarr", "sonarr", debounce=0.0)


class Place:
    """A root and its folder. Files are old unless they are said to be written just now."""

    def __init__(self, top: Path, **options: Any) -> None:
        self.top = top / "tv"
        self.top.mkdir()
        self.clock = FakeClock()
        self.root = Root.objects.create(name="TV", path=str(self.top), **options)

    def write(self, path: str, size: int = 10, age: float = 3600) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.truncate(size)
        at = self.clock.now().timestamp() - age
        os.utime(file, (at, at))

    def say(self, *notices: Notice, source: Source = HOOK, reference: str = "") -> None:
        """Take in notices whose paths are below the root."""
        found = [replace(each, path=f"{self.top}/{each.path}") for each in notices]
        intake.take_in(found, source, reference=reference, clock=self.clock)

    def settle(self, after: float = 0.0) -> list[Submitted]:
        self.clock.advance(after)
        return hints.settle(self.clock)

    def looked(self, after: float = 0.0) -> list[Submitted]:
        """Settle, wait for the looks that this begins, and settle again."""
        first = self.settle(after)
        until_rested()
        return first + self.settle()

    def why(self) -> dict[str, str]:
        return dict(Hint.objects.filter(state="waiting").values_list("name", "code"))


def until_rested() -> None:
    """Wait until no look is under way."""
    end = time.monotonic() + 60
    while visible.busy():
        assert time.monotonic() < end, "a look did not end"
        time.sleep(0.01)


def scopes() -> list[dict[str, object]]:
    """Return what jobs are asked to look at, without the root."""
    jobs = Job.objects.order_by("id").values_list("scope", flat=True)
    return [{key: value for key, value in scope.items() if key not in ("root", "shallow")} for scope in jobs]

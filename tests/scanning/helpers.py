"""A server that only listens, and the engine on a clock that the test moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Unreachable
from mediasync.jobs import registry
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers.clients.base import Again, Answer, Known, LibraryInfo, ScanTarget, Turn, holds
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.guards import Verdict
from scanning.server_stages import ServerStage

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass
class FakeClient:
    """Remembers what it was asked; ``errors`` are raised first, one a call, ``poison`` paths always."""

    unit: str = "directory"
    batch: int = 1
    calls: list[list[ScanTarget]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    poison: dict[str, Exception] = field(default_factory=dict)
    listed: list[LibraryInfo] = field(default_factory=list)
    during: Any = None  # called while a request is under way
    scanning: bool = False
    has: dict[str, str | None] = field(default_factory=dict)
    looks: list[list[str]] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)
    in_trash: int | None = 0

    def scan(self, targets: Sequence[ScanTarget]) -> Answer:
        if self.errors:
            raise self.errors.pop(0)
        for target in targets:
            if target.path in self.poison:
                raise self.poison[target.path]
        if self.during:
            self.during()
        self.calls.append(list(targets))
        return Answer(200, "")

    def libraries(self) -> list[LibraryInfo]:
        self._here()
        return self.listed

    def busy(self, key: str) -> bool:
        self._here()
        return self.scanning

    def _here(self) -> None:
        """Fail as ``scan`` would if nobody is there, or the token is wrong."""
        if self.errors and isinstance(self.errors[0], Unreachable | AccessDenied):
            raise self.errors.pop(0)

    def known(self, key: str, paths: Sequence[str], turn: Turn) -> dict[str, Known]:
        """Answer from ``has``: path → id of an item, or None where it cannot tell."""
        turn()
        if self.errors:
            raise self.errors.pop(0)
        self.looks.append(list(paths))
        return {path: self._known(path) for path in paths}

    def _known(self, path: str) -> Known:
        found = [item for file, item in self.has.items() if holds(path, file)]
        return Known(None) if None in found else Known(bool(found), str(found[0]) if found else "")

    def look_again(self, item: str, how: Again) -> Answer:
        self.done.append((how, item))
        return Answer(200)

    def trash(self, key: str, turn: Turn, most: int) -> int | None:
        turn()
        return self.in_trash

    def empty_trash(self, key: str) -> Answer:
        self.done.append(("empty", key))
        return Answer(200)

    def close(self) -> None:
        pass

    @property
    def asked(self) -> list[str]:
        return [target.path for call in self.calls for target in call]


@dataclass
class FakeSight:
    """Every folder is there but those in ``gone``."""

    gone: set[str] = field(default_factory=set)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def __call__(self) -> FakeSight:
        return self

    def is_folder(self, local: str) -> bool:
        return local not in self.gone

    def exists(self, local: str) -> bool:
        return local not in self.gone

    def verdict(self, local: str) -> Verdict:
        return self.verdicts.get(local, Verdict())

    def verdict_of_all(self, local: str) -> Verdict:
        return self.verdict(local)


def make_server(kind: str = "plex", name: str = "", paths: Iterable[str] = ("/srv/tv",), **values: Any) -> Server:
    """Make a server with one library; its libraries count as read just now."""
    server = Server.objects.create(name=name or kind, kind=kind, url="http://127.0.0.1:9", **values)
    library = Library.objects.create(server=server, key="1", title="TV")
    LibraryPath.objects.bulk_create(LibraryPath(library=library, path=path) for path in paths)
    return server


class Clock(FakeClock):
    """Stops the test where the machinery would wait for ever."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now() - START > dt.timedelta(days=2):
            raise AssertionError("waited for two days")


@contextmanager
def engine(clock: Clock, sight: FakeSight) -> Iterator[None]:
    """Let the stages use the clock and the eyes of the test."""
    found = [registry.kind(name).stage(name) for name in ("deliver", "verify")]
    saved = []
    for stage in found:
        assert isinstance(stage, ServerStage)
        saved.append((stage, stage.clock, stage.sight))
        stage.clock, stage.sight = clock, sight
    try:
        yield
    finally:
        for stage, old_clock, old_sight in saved:
            stage.clock, stage.sight = old_clock, old_sight


def run(job_id: int, clock: Clock) -> Job:
    """Run a job to its end, or until it has slept for two days."""
    return drain(job_id, clock=clock, threads=False)

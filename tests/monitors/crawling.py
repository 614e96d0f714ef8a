"""What the tests of the crawl share: a small tree, a root, and a context that writes straight to the database."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction

from mediasync.core.clock import FakeClock
from mediasync.core.errors import Stop
from mediasync.core.paths import to_text
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import JobInfo
from monitors.crawl import crawl
from monitors.listers import Lister
from monitors.models import Change, Directory, File, Root
from monitors.run import Asked, Summary

OLD = 1_600_000_000 * 10**9


class Ctx:
    """A ``registry.Context`` without an engine. ``stop_at``: which checkpoint raises Stop."""

    def __init__(self, clock: FakeClock, stop_at: int = 0) -> None:
        self.job = JobInfo(1, "crawl", {}, {}, "manual", "")
        self.clock = clock
        self.saved: Any = None
        self.stop_at = stop_at
        self.checkpoints = 0
        self.transactions = 0
        self.texts: list[str] = []
        self.stopping = False

    def now(self) -> dt.datetime:
        return self.clock.now()

    def checkpoint(self, cursor: Any = None) -> None:
        self.checkpoints += 1
        if self.checkpoints == self.stop_at:
            raise Stop

    @contextmanager
    def transaction(self, cursor: Any = None) -> Iterator[None]:
        self.transactions += 1
        with transaction.atomic():
            yield
        if cursor is not None:
            self.saved = cursor

    def progress(self, text: str = "", *, bytes_per_second: float = 0.0, **numbers: float) -> None:
        self.texts.append(text)

    def log(self, code: str, level: Level = Level.INFO, **params: Any) -> None:
        pass


class World:
    """A tree on the disk and its root in the database."""

    def __init__(self, top: Path, **options: Any) -> None:
        self.top = top / "tree"
        self.top.mkdir()
        self.clock = FakeClock()
        self.root = Root.objects.create(name="films", path=str(self.top), **options)

    def write(self, path: str | bytes, size: int = 10, mtime: int = OLD) -> None:
        """Make or overwrite a file in place, with all folders above it aged."""
        full = self.full(path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.truncate(size)
        os.utime(full, ns=(mtime, mtime))
        self.age()

    def remove(self, path: str) -> None:
        os.unlink(self.full(path))
        self.age()

    def hide(self, path: str) -> None:
        """Take a file away so that ``unhide`` brings back the very same one (inode and all)."""
        os.rename(self.full(path), self.top.parent / "hidden")
        self.age()

    def unhide(self, path: str) -> None:
        os.rename(self.top.parent / "hidden", self.full(path))
        self.age()

    def move(self, old: str, new: str) -> None:
        os.makedirs(os.path.dirname(self.full(new)), exist_ok=True)
        os.rename(self.full(old), self.full(new))
        self.age()

    def age(self) -> None:
        """Give all folders that changed just now an old mtime that nobody had before."""
        for folder, _, _ in os.walk(os.fsencode(self.top)):
            if os.stat(folder).st_mtime_ns > OLD + 10**15:
                World.ticks += 1
                os.utime(folder, ns=(OLD, OLD + World.ticks * 10**6))

    ticks = 0

    def full(self, path: str | bytes) -> bytes:
        return os.path.join(os.fsencode(self.top), os.fsencode(path))

    def crawl(
        self, *paths: str, lister: Lister | None = None, ctx: Ctx | None = None, cursor: Any = None, **asked: Any
    ) -> Summary:
        self.clock.advance(1)
        try:
            return crawl(self.root, Asked(paths=paths, **asked), ctx or Ctx(self.clock), cursor, lister)
        finally:
            self.root.refresh_from_db()

    def changes(self, *states: str) -> list[tuple[str, str]]:
        """Return (kind, path) of all changes, oldest first."""
        rows = Change.objects.filter(state__in=states or [Change.State.NEW]).order_by("kind", "path")
        return [(row.kind, f"{row.old_path} → {row.path}" if row.old_path else row.path) for row in rows]

    def forget_changes(self) -> None:
        Change.objects.all().delete()


def snapshot(root: Root) -> dict[str, Any]:
    """Return what is stored: path → facts (folders end in a slash)."""
    paths = dict(Directory.objects.filter(root=root).values_list("id", "path"))
    out: dict[str, Any] = {f"{path}/" if path else "/": None for path in paths.values()}
    for owner, name, size, mtime in File.objects.filter(directory_id__in=paths).values_list(
        "directory_id", "name", "size", "mtime_ns"
    ):
        out[f"{paths[owner]}/{name}".lstrip("/")] = (size, mtime)
    return out


def on_disk(top: Path) -> dict[str, Any]:
    """Return what ``snapshot`` should: read by other means than ours."""
    out: dict[str, Any] = {}
    for folder, _, files in os.walk(os.fsencode(top)):
        below = os.path.relpath(folder, os.fsencode(top))
        below = b"" if below == b"." else below
        out[to_text(below) + "/"] = None
        for name in files:
            found = os.lstat(os.path.join(folder, name))
            out[to_text(below + b"/" + name).lstrip("/")] = (found.st_size, found.st_mtime_ns)
    return out


def agrees(world: World) -> bool:
    """Tell whether snapshot, counters and disk say the same."""
    stored, real = snapshot(world.root), on_disk(world.top)
    world.root.refresh_from_db()
    files = [facts for facts in real.values() if facts is not None]
    counters = (world.root.files, world.root.directories, world.root.bytes)
    return stored == real and counters == (len(files), len(real) - len(files), sum(size for size, _ in files))

"""What the tests of links share: a small source tree, its snapshot and changes, and a context without an engine."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction

from mediasync.core.errors import Permanent
from mediasync.core.paths import to_text
from mediasync.jobs.registry import ItemInfo, JobInfo
from monitors.models import Change, Directory, File, Root
from scanning.link_stage import KIND
from scanning.models import LinkRule

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class LooseContext:
    """A ``registry.Context`` that nobody pauses."""

    stopping = False

    def __init__(self, scope: dict[str, Any], now: dt.datetime = NOW) -> None:
        self.job = JobInfo(1, "link", scope, {}, "manual", "")
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._now = now

    def now(self) -> dt.datetime:
        return self._now

    def checkpoint(self, cursor: Any = None) -> None:
        pass

    @contextmanager
    def transaction(self, cursor: Any = None) -> Iterator[None]:
        with transaction.atomic():
            yield

    def progress(self, text: str = "", *, bytes_per_second: float = 0.0, **numbers: float) -> None:
        pass

    def log(self, code: str, level: Any = None, **params: Any) -> None:
        self.events.append((code, params))


class Linking:
    """A root with files, a rule, and a way to run the stage."""

    def __init__(self, top: Path, **options: Any) -> None:
        self.source, self.target = top / "source", top / "target"
        self.source.mkdir()
        self.root = Root.objects.create(name=top.name, path=str(self.source))
        defaults: dict[str, Any] = {"target": str(self.target), "root": self.root}
        self.rule = LinkRule.objects.create(**(defaults | options))
        self.events: list[tuple[str, dict[str, Any]]] = []

    def write(self, *paths: str | bytes, size: int = 10) -> None:
        for path in paths:
            full = os.path.join(os.fsencode(self.source), os.fsencode(path))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            Path(os.fsdecode(full)).write_bytes(b"x" * size)

    def remove(self, path: str) -> None:
        full = self.source / path
        full.unlink()
        while not any(full.parent.iterdir()) and full.parent != self.source:
            full = full.parent
            full.rmdir()

    def look(self, change: bool = True) -> list[Change]:
        """Bring the snapshot up to date as a crawl does, and write the changes."""
        before = self._files()
        self._store()
        after = self._files()
        rows = [self._change("removed", path) for path in sorted(before.keys() - after.keys())]
        rows += [self._change("added", path) for path in sorted(after.keys() - before.keys())]
        rows += [self._change("modified", p) for p in sorted(after.keys() & before.keys()) if after[p] != before[p]]
        return Change.objects.bulk_create(rows) if change else []

    def _change(self, kind: str, path: str) -> Change:
        return Change(root=self.root, kind=kind, path=path)

    def _files(self) -> dict[str, tuple[int, int]]:
        rows = File.objects.filter(directory__root=self.root).values_list("directory__path", "name", "size", "mtime_ns")
        return {f"{d}/{n}" if d else n: (size, mtime) for d, n, size, mtime in rows}

    def _store(self) -> None:
        top = os.fsencode(self.source)
        known = {d.path: d for d in Directory.objects.filter(root=self.root)}
        File.objects.filter(directory__root=self.root)._raw_delete("default")  # type: ignore[attr-defined]
        seen: set[str] = set()
        for folder, _folders, files in os.walk(top):
            path = to_text(folder[len(top) + 1 :])
            seen.add(path)
            parent = known.get(path.rpartition("/")[0]) if path else None
            row = known.get(path) or Directory.objects.create(root=self.root, path=path, parent_id=parent and parent.pk)
            known[path] = row
            entries = [(to_text(name), os.lstat(os.path.join(folder, name))) for name in sorted(files)]
            File.objects.bulk_create(
                File(directory=row, name=name, size=info.st_size, mtime_ns=info.st_mtime_ns) for name, info in entries
            )
            row.signature = (
                hash(tuple((n, i.st_size, i.st_mtime_ns) for n, i in entries) + tuple(sorted(_folders))) or 1
            )
            row.save()
        Directory.objects.filter(root=self.root).exclude(path__in=seen).delete()

    def link(self, now: dt.datetime = NOW, **scope: Any) -> dict[str, int]:
        """Run the stage to its end and return its sums."""
        ctx = LooseContext({"root": self.root.pk, **scope}, now)
        sums: dict[str, int] = {}
        failed: Permanent | None = None
        for stage in KIND.stages:
            for new in [item for planned in stage.plan(ctx.job, None) for item in planned.items]:
                try:
                    outcome = stage.run(ItemInfo(0, new.key, new.payload, None, 1, 0, False, new.key), ctx)
                except Permanent as error:
                    failed = error
                    continue
                for key, count in getattr(outcome, "result", {}).items():
                    sums[key] = sums.get(key, 0) + count
        self.events = ctx.events
        if failed:
            raise failed
        return sums

    def tree(self) -> dict[str, str]:
        """Return what stands in the target: path → where it leads, or what it says; folders end in a slash."""
        found: dict[str, str] = {}
        for folder, folders, files in os.walk(self.target):
            base = Path(folder)
            found |= {f"{(base / n).relative_to(self.target)}/": "" for n in folders if not (base / n).is_symlink()}
            for name in [*files, *(n for n in folders if (base / n).is_symlink())]:
                path = base / name
                key = str(path.relative_to(self.target))
                found[key] = os.readlink(path) if path.is_symlink() else path.read_text()
        return found

    def files(self) -> set[str]:
        return {path for path in self.tree() if not path.endswith("/")}

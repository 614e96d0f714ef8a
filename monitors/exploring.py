"""The second half of a crawl: walk what is not known yet, and store it.

After every transaction the tables are closed: a folder whose folders do not all have their rows yet is dirty, so that a
crawl that goes on after a crash lists it again and finds the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediasync.core.errors import Snooze, Stop
from mediasync.core.paths import to_text

from . import guards
from .bulk.base import ChangeRow
from .listers import Crew
from .models import Change
from .moves import Thing
from .run import Batch, Run
from .walk import Block, Unknown

FOLDERS, FILES = 5000, 30_000  # of one transaction


def explore(run: Run, crew: Crew) -> None:
    """List all of ``run.todo`` and what lies below."""
    batch, blocks = Batch(), []
    try:
        for work in crew.walk(run.todo):
            if work is None:
                run.beat()
                continue
            taken, block = work
            _account(run, batch, taken, block)
            blocks.append(block)
            run.beat(block[0][-1][2] if block[0] else "")
            if run.overdue or sum(len(b[1]) for b in blocks) >= FILES * 5 or sum(len(b[0]) for b in blocks) >= FOLDERS:
                full, ready = batch, blocks
                batch, blocks = Batch(), []
                _store(run, full, ready)
    except (Stop, Snooze):
        _store(run, batch, blocks, rest=False)
        raise
    _store(run, batch, blocks)


def put_off(run: Run, left: Sequence[Unknown]) -> None:
    """Write down how far the crawl has come, and the folders that nobody has listed yet, so that one that goes on need
    not look for them again.

    With their times, where the listing above told them: what lists them alone later would not know them.
    """
    left = [each for each in left if each[0] is not None]
    if run.asked.dry_run:
        return
    batch = Batch()
    first = run.reserve(len(left)) if left else 0
    told = getattr(run.lister, "told", lambda below: 0)
    for identity, (parent, path) in enumerate(left, start=first):
        batch.folders.append((identity, run.root.pk, parent, to_text(path), told(path), 0, 0, True, ""))
        _stored(run, batch, parent)
    run.write(batch, rest=False)


def _account(run: Run, batch: Batch, taken: Sequence[Unknown], block: Block) -> None:
    """Keep the books: which folders still have folders without a row."""
    folders, flat, left, size, skipped, lost = block
    if None in lost:
        raise guards.unusable(guards.down("guard_unreadable", error="vanished"))
    run.lost.update(parent for parent in lost if parent is not None)
    run.open.update(parent for parent, _ in left if parent is not None)
    for parent, _ in taken:
        _stored(run, batch, parent)
    batch.bytes += size
    summary, files = run.summary, len(flat) // 5
    summary.directories += len(folders)
    summary.listed += len(folders)
    summary.added += files
    summary.skipped += skipped
    run.seen_files += files


def _stored(run: Run, batch: Batch, parent: int | None) -> None:
    """Count that one more folder of ``parent`` is about to get its row; with the last one the parent is closed."""
    if parent is None:
        return
    run.open[parent] -= 1
    if not run.open[parent]:
        del run.open[parent]
        if parent in run.closable and parent not in run.lost:
            run.closable.discard(parent)
            batch.closed.append(parent)


def _store(run: Run, batch: Batch, blocks: Sequence[Block], *, rest: bool = True) -> None:
    """Write some blocks."""
    root, at = run.root.pk, run.seconds
    failed = {row[5] for block in blocks for row in block[0]}
    vanished = {"vanished" for block in blocks if block[5]}
    run.doubt(failed | vanished)
    for folders, flat, *_ in blocks:
        for identity, parent, path, mtime, signature, error in folders:
            waits = identity in run.open
            if error:
                if not path:
                    raise guards.unusable(guards.down("guard_unreadable", error=error))
                run.summary.errors += 1
                batch.folders.append((identity, root, parent, path, 0, 0, 0, True, error))
            else:
                again = identity in run.lost
                batch.folders.append((identity, root, parent, path, mtime, signature, at, waits or again, ""))
                if waits and not again:
                    run.closable.add(identity)
        batch.files += flat
        if not run.silent:
            batch.changes += _added(run, block_paths(folders), flat)
        if run.asked.dry_run and run.root.baseline_at:
            paths = block_paths(folders)
            rows = zip(*[iter(flat)] * 5, strict=True)
            run.new += [Thing(0, f"{paths[row[0]]}{row[1]}", *row[2:]) for row in rows]
    if blocks or batch.closed:
        run.write(batch, rest=rest)


def block_paths(folders: Sequence[tuple[int, int | None, str, int, int, str]]) -> dict[int, str]:
    """Return folder id → path with its slash."""
    return {row[0]: row[2] + "/" if row[2] else "" for row in folders}


def _added(run: Run, paths: dict[int, str], flat: list[object]) -> list[ChangeRow]:
    columns = zip(flat[0::5], flat[1::5], flat[2::5], strict=True)
    return [run.change(Change.Kind.ADDED, f"{paths[owner]}{name}", size) for owner, name, size in columns]  # type: ignore[index, arg-type]

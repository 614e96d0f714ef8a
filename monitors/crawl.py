"""Crawl one root: find out what changed, and write it down together with the new snapshot.

::

    guard ─▶ look at what is known ─▶ explore what is new ─▶ settle what is missing ─▶ the root's counters
             (looking.py)             (exploring.py)         (settling.py)

Everything is written in transactions of some ten thousand rows, each with the cursor of the job's item, and after each
of them the tables say all that is needed to go on. So a crawl can be killed at any point and started again.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mediasync.core.errors import Snooze, Stop
from mediasync.jobs.registry import Context

from . import freshening, guards, snapshot
from .exploring import explore, put_off
from .listers import Lister, lister_of
from .looking import look
from .models import Root
from .run import Asked, Run, Summary
from .settling import finish, settle


def crawl(root: Root, asked: Asked, ctx: Context, cursor: Any = None, lister: Lister | None = None) -> Summary:
    """Crawl and return what was done; ``cursor`` is that of an earlier attempt.

    Raises Permanent with the guard's code if the root cannot be used: then nothing has changed. Raises Snooze when its
    account may not be asked any more just now: what was found is written, and the same cursor goes on.
    """
    begun = time.monotonic()
    verdict = guards.check(root)
    if not asked.dry_run:
        with ctx.transaction():
            guards.record(root, verdict)
    if verdict.down:
        raise guards.unusable(verdict)
    known = bool(snapshot.folders_at(root.pk, [""]))
    # Until a first crawl has ended, each looks at everything: what one that was killed left out lies anywhere.
    fresh = True if asked.full or asked.paths else None
    lister = lister or lister_of(root, fresh=fresh)
    run = Run(root, asked if root.baseline_at else replace(asked, paths=()), lister, ctx, cursor)
    freshening.before(run)
    with _quiet_gc(), run.lister.crew(run.reserve) as crew:
        try:
            if known:
                look(run, crew)
            else:
                run.looked, run.todo = True, [(None, b"")]
            if run.todo:
                explore(run, crew)
        except (Stop, Snooze):
            put_off(run, [*run.todo, *crew.unfinished()])
            raise
    settle(run)
    finish(run)
    freshening.after(run)
    return _closed(run, begun)


def _closed(run: Run, begun: float) -> Summary:
    """Fill in what is known at the end."""
    found = Root.objects.values_list("files", "bytes").get(pk=run.root.pk)
    if run.asked.dry_run and not run.root.baseline_at:
        found = (run.summary.added, found[1])
    run.summary.files, run.summary.bytes = found
    run.summary.seconds = round(time.monotonic() - begun, 3)
    return run.summary


@contextmanager
def _quiet_gc() -> Iterator[None]:
    """Keep the collector from looking through millions of values again and again; nothing here is cyclic."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()

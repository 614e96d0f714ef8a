"""Have folders read anew by the program that serves a mount which remembers them (``AccountKind.remembers``).

Before a crawl through the mount, those that it was asked for: what was removed or replaced in the cloud would else be
there still. After a crawl past the mount, those in which something changed: links and servers see through the mount.
"""

from __future__ import annotations

from collections.abc import Iterable

from mediasync.core.errors import UsageError, WorkError
from mediasync.jobs.choices import Level

from .accounts import KINDS
from .models import Change, Root
from .run import Run

ITSELF = (Root.Lister.LOCAL, Root.Lister.CLOUDDRIVE)  # the listing is the mount's, or has refreshed what that shows
MOST = 2000  # folders with changes; the mount forgets the rest by itself in time


def before(run: Run) -> None:
    """Do it for the folders that a crawl was asked for."""
    if run.root.lister == Root.Lister.LOCAL and not run.looked:
        _freshen(run, run.asked.paths)


def after(run: Run) -> None:
    """Do it for the folders in which a crawl by the other side's own listings has found something."""
    if run.root.lister in ITSELF or run.asked.dry_run:
        return
    found = Change.objects.filter(root=run.root, job_id=run.ctx.job.id, state=Change.State.NEW)
    pairs = found.values_list("path", "old_path")[:MOST]
    _freshen(run, sorted({path.rpartition("/")[0] for pair in pairs for path in pair if path}))


def _freshen(run: Run, paths: Iterable[str]) -> None:
    """What cannot be refreshed is left as it is, and that is said."""
    root = run.root
    kind = KINDS.get(root.account.kind) if root.account and root.mounted else None
    if kind is None or kind.nudge is None or not kind.remembers:
        return
    for path in paths:
        try:
            kind.nudge(root, path)
        except (UsageError, WorkError) as error:
            run.ctx.log("not_freshened", Level.WARNING, path=path, error=str(error))
            return
        run.beat(path)

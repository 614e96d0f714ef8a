"""Have folders read anew by the program that serves a mount, before they are listed through it.

A mount that remembers folders (``AccountKind.remembers``) would show those that a hint or a person names as they were:
what was removed or replaced in the cloud would still be there.
"""

from __future__ import annotations

from mediasync.core.errors import WorkError
from mediasync.jobs.choices import Level

from .accounts import KINDS
from .models import Root
from .run import Run


def freshen(run: Run) -> None:
    """Do so for the folders that a crawl was asked for; what cannot be refreshed is listed as it is, and said."""
    root = run.root
    kind = KINDS.get(root.account.kind) if root.account and root.mounted else None
    if kind is None or kind.nudge is None or not kind.remembers or root.lister != Root.Lister.LOCAL:
        return
    for path in run.asked.paths:
        try:
            kind.nudge(root, path)
        except WorkError as error:
            run.ctx.log("not_freshened", Level.WARNING, path=path, error=str(error))
            return
        run.beat(path)

"""The job that believes held removals; a job, because only the holder of a root's lane may change its snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import held
from .models import Root
from .selectors import BLOCK


class Release(Stage):
    """Take held removals out of the snapshot, and let them be followed."""

    name = "release"
    label = _("Release held removals")
    effect = Effect.IDEMPOTENT

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        changes = job.scope["changes"]
        blocks = [changes[start : start + BLOCK] for start in range(0, len(changes), BLOCK)]
        yield Planned([NewItem(str(number), block) for number, block in enumerate(blocks)])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        root = Root.objects.filter(pk=ctx.job.scope["root"]).first()
        if root is None:
            return Skipped("root_gone")
        with ctx.transaction():
            released = held.release_rows(root, item.payload)
            if released:
                held.after_release(root, released, ctx.job.actor)
        return Done({"released": released})


def check_release(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of a release: a root and ids of changes."""
    try:
        return {"root": int(scope["root"]), "changes": sorted(int(pk) for pk in scope["changes"])}
    except (KeyError, TypeError, ValueError):
        raise UsageError("A release needs a root and a list of changes (ids).", code="bad_scope") from None

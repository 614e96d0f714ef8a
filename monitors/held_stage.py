"""The job that releases or drops held removals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import guards, held
from .models import Root
from .selectors import BLOCK


class Held(Stage):
    """Take held removals out of the snapshot; what is released is followed by links and servers."""

    name = "held"
    label = _("Settle held removals")
    effect = Effect.IDEMPOTENT

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        changes = job.scope["changes"]
        blocks = [changes[start : start + BLOCK] for start in range(0, len(changes), BLOCK)]
        yield Planned([NewItem(str(number), block) for number, block in enumerate(blocks)])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        root = Root.objects.filter(pk=ctx.job.scope["root"]).first()
        if root is None:
            return Skipped("root_gone")
        drop = bool(ctx.job.scope.get("drop"))
        if not drop and (verdict := guards.check(root)).down:  # nobody can say whether they are back
            raise guards.unusable(verdict)
        looked = held.Looked() if drop else held.look(root, item.payload)
        with ctx.transaction():
            return Done(held.settle(root, item.payload, looked, drop=drop, actor=ctx.job.actor))


def check_held(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope: a root, ids of changes, and whether they are dropped (else released)."""
    try:
        wanted = {"root": int(scope["root"]), "changes": sorted(int(pk) for pk in scope["changes"])}
    except (KeyError, TypeError, ValueError):
        raise UsageError("Give a root and a list of changes (ids).", code="bad_scope") from None
    return wanted | ({"drop": True} if scope.get("drop") else {})

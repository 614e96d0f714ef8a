"""The stage ``crawl``: one item looks at everything that was asked.

One item, not one a path: a file that moved from one of the paths to another is only seen as moved if both are looked at
by the same crawl, and the guard judges all that is missing together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.choices import Effect, OnError
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from .crawl import crawl
from .models import Root
from .run import Asked


class Crawl(Stage):
    """Find out what changed in a root."""

    name = "crawl"
    label = _("Crawl")
    effect = Effect.IDEMPOTENT
    on_error = OnError.FAIL_FAST  # a root that cannot be used fails the job: nothing that comes after makes sense

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("crawl")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        scope = ctx.job.scope
        root = Root.objects.filter(pk=scope["root"]).first()
        if root is None:
            return Skipped("root_gone")
        asked = Asked(
            paths=tuple(scope.get("paths") or ()),
            full=bool(scope.get("full")),
            shallow=bool(scope.get("shallow")),
            deep=tuple(scope.get("deep") or ()),
            announce=scope.get("announce"),
            dry_run=bool(scope.get("dry_run")),
            hold=bool(scope.get("hold")),
        )
        return Done(asdict(crawl(root, asked, ctx, item.cursor)))

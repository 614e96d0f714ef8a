"""The step that writes down what servers are to be told; ``server_stages.py`` sends and proves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage
from monitors.models import Change, Root

from . import facts, selectors, services
from .newcomers import Newcomers
from .requests import chunks

BLOCK = 2000  # changes, or paths, in one item: one transaction


class Scan(Stage):
    """Turn changes (or the paths of ``scope``) into requests, and the changes into "told"."""

    name = "scan"
    label = _("Note what servers are to be told")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        if "root" not in job.scope:
            paths = list(job.scope.get("paths", ()))
            yield Planned([NewItem(f"paths {n}", {"paths": part}) for n, part in enumerate(chunks(paths, BLOCK))])
            return
        if job.scope.get("dry_run"):
            return
        ids = Change.objects.filter(root_id=job.scope["root"], state=Change.State.LINKED, pk__gt=cursor or 0)
        for part in _parts(ids.order_by("id").values_list("id", flat=True).iterator(chunk_size=BLOCK)):
            item = NewItem(f"changes {part[0]}-{part[-1]}", {"first": part[0], "last": part[-1]})
            yield Planned([item], cursor=part[-1])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        if "paths" in item.payload:
            return self._paths(item.payload["paths"], ctx)
        return self._changes(item.payload["first"], item.payload["last"], ctx)

    def _changes(self, first: int, last: int, ctx: Context) -> Outcome:
        root = Root.objects.get(pk=ctx.job.scope["root"])
        rows = Change.objects.filter(root=root, state=Change.State.LINKED, pk__range=(first, last))
        changes = list(rows.order_by("id"))
        if not changes:
            return Skipped("already_told")
        ahead = Change.objects.filter(root=root, state=Change.State.LINKED, pk__gt=last).order_by("id")[:BLOCK]
        is_new = Newcomers(root.pk, facts.tops_of(root), [*changes, *ahead]).is_new  # a folder may lie across blocks
        found = facts.of_changes(root, changes)
        rules: list[Any] = []
        wanted = services.wishes(found, selectors.enabled_servers(), "crawl", is_new, rules.append)
        with ctx.transaction():
            counts = services.note(wanted, ctx.now())
            rows.filter(pk__in=[change.pk for change in changes]).update(state=Change.State.TOLD, told_at=ctx.now())
            for each in rules:
                services.count_uses(each)
        return Done({"told": len(changes), **counts})

    def _paths(self, paths: Sequence[str], ctx: Context) -> Outcome:
        chosen = selectors.enabled_servers()
        if "server" in ctx.job.scope:
            chosen = chosen.filter(pk=ctx.job.scope["server"])
        wanted = services.wishes(facts.of_paths(paths), chosen, "manual")
        with ctx.transaction():
            counts = services.note(wanted, ctx.now(), at_once=True)
        return Done({"told": len(paths), **counts})


def _parts(ids: Iterator[int]) -> Iterator[list[int]]:
    part: list[int] = []
    for pk in ids:
        part.append(pk)
        if len(part) == BLOCK:
            yield part
            part = []
    if part:
        yield part

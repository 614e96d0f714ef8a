"""The step "link": changes become links; the first time, and when asked to, every folder is looked at.

Scope: ``root``; ``full`` looks at all folders, not only at changes; ``keep`` makes and repairs but removes nothing
that no change asks for; ``dry_run`` does nothing (a crawl that only looks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import (
    JSON,
    Context,
    Done,
    ItemInfo,
    JobInfo,
    JobKind,
    NewItem,
    Outcome,
    Planned,
    Skipped,
    Stage,
)
from monitors.models import Change, Directory
from monitors.scopes import name_of, root_lane
from monitors.selectors import root_named

from .link_texts import TEXTS
from .links import selectors
from .links.rules import RuleSpec
from .links.run import Run

CHANGES = 1000  # in one item
FOLDERS = 4000
WORKERS = 4  # threads of a build, each with a child that makes links


class Link(Stage):
    """Make, move and remove links."""

    name = "link"
    label = _("Make links")
    effect = Effect.IDEMPOTENT

    def workers_for(self, job: JobInfo) -> int:
        """Several in a build, which mostly waits for its children; one where removing or looking twice could clash."""
        rule = selectors.rule_of(job.scope["root"])
        if rule is not None and rule.built_at is None:
            return WORKERS
        repairs = rule is not None and job.scope.get("keep") and not _new(job.scope["root"]).exists()
        return 2 if repairs else 1

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        if job.scope.get("dry_run"):
            return
        root_id = job.scope["root"]
        rule = selectors.rule_of(root_id)
        done = cursor or {"changes": 0, "folders": 0}
        if rule is None:
            last = _new(root_id).order_by("-id").values_list("id", flat=True).first()
            if last:
                yield Planned([NewItem("pass on", {"pass": last})])
            return
        if rule.built_at is not None:
            yield from _changes(root_id, done)
        if rule.built_at is None or job.scope.get("full"):
            yield from _folders(root_id, done)
            yield Planned([NewItem("strays", {"strays": True})], done)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        if "pass" in item.payload:
            return Done({"linked": _pass_on(ctx, item.payload["pass"])})
        rule = selectors.rule_of(ctx.job.scope["root"])
        if rule is None:
            return _no_rule(ctx)
        run = Run(rule, RuleSpec.of(rule), ctx)
        remove = not ctx.job.scope.get("keep")
        match item.payload:
            case {"changes": [first, last]}:
                return Done(run.changes(first, last))
            case {"folders": [first, last]}:
                return Done(run.folders(first, last, remove=remove))
            case _:
                return Done(run.strays(remove=remove))


class EndLinks(Stage):
    """After a complete pass: from now on only changes are followed. After every one: old trash is thrown away."""

    name = "link_end"
    label = _("Finish links")
    effect = Effect.IDEMPOTENT

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rule = selectors.rule_of(job.scope["root"])
        if rule is None or job.scope.get("dry_run"):
            return
        if rule.built_at is None or job.scope.get("full") or rule.trash_days:
            yield Planned([NewItem("end", {"built": rule.built_at is None})])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        rule = selectors.rule_of(ctx.job.scope["root"])
        if rule is None:
            return _no_rule(ctx)
        run = Run(rule, RuleSpec.of(rule), ctx)
        if item.payload["built"]:
            run.built()
        run.purge()
        return Done()


def _no_rule(ctx: Context) -> Skipped:
    return Skipped("no_link_rule", {"name": name_of(ctx.job.scope)})


def _new(root_id: int) -> Any:
    return Change.objects.filter(root_id=root_id, state=Change.State.NEW)


def _pass_on(ctx: Context, last: int) -> int:
    """Without a rule, changes have no links: hand them on, but no removal while the guard is not OK."""
    rows = _new(ctx.job.scope["root"]).filter(id__lte=last)
    rows = rows.exclude(kind=Change.Kind.REMOVED, root__in=selectors.roots_in_doubt())
    with ctx.transaction():
        return int(rows.update(state=Change.State.LINKED))


def _changes(root_id: int, done: dict[str, int]) -> Iterator[Planned]:
    """Yield the new changes in blocks."""
    while True:
        rows = _new(root_id).filter(id__gt=done["changes"]).order_by("id")
        ids = list(rows.values_list("id", flat=True)[:CHANGES])
        if not ids:
            return
        done = done | {"changes": ids[-1]}
        yield Planned([NewItem(f"changes {ids[0]}-{ids[-1]}", {"changes": [ids[0], ids[-1]]})], done)


def _folders(root_id: int, done: dict[str, int]) -> Iterator[Planned]:
    """Yield all folders of the snapshot in blocks; by id, which is nearly their order on the disk."""
    rows = Directory.objects.filter(root_id=root_id, id__gt=done["folders"]).order_by("id")
    ids = list(rows.values_list("id", flat=True).iterator(chunk_size=20_000))
    size = FOLDERS
    if len(ids) > FOLDERS:  # as many for each thread
        size = -(-len(ids) // (WORKERS * -(-len(ids) // (WORKERS * FOLDERS))))
    for start in range(0, len(ids), size):
        block = ids[start : start + size]
        item = NewItem(f"folders {block[0]}-{block[-1]}", {"folders": [block[0], block[-1]]})
        yield Planned([item], done | {"folders": block[-1]})


def check_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of a link job in its normal form."""
    if unknown := sorted(set(scope) - {"root", "full", "keep"}):
        raise UsageError(f"A link job knows no {', '.join(unknown)}.", code="bad_scope")
    if not scope.get("root"):
        raise UsageError("A link job needs a root.", code="bad_scope")
    wanted: dict[str, Any] = {"root": root_named(str(scope["root"])).pk}
    return wanted | {flag: True for flag in ("full", "keep") if scope.get(flag)}


def title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return ("link_repair" if scope.get("full") else "link"), {"name": name_of(scope)}


def precondition(scope: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """A job of its own makes no sense without a rule."""
    return None if selectors.rule_of(scope["root"]) else ("no_link_rule", {"name": name_of(scope)})


KIND = JobKind(
    name="link",
    label=_("Links"),
    stages=(Link(), EndLinks()),
    lanes=root_lane,
    precondition=precondition,
    title=title,
    check_scope=check_scope,
    permission="scanning.change_linkrule",
    texts=TEXTS,
)

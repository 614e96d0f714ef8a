"""Write proven addresses again where Plex has put ``metadata://`` of the same picture in their place since.

A refresh of metadata does that. The rows of earlier runs are the journal; the proof is the same one: the digest of the
address is in the name of the file. What a person chose meanwhile is another picture, and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.choices import OnError, Trigger
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import plan_ending, plan_opening, preflight, selectors, services, store
from . import policy as policies
from .apply_open import open_root
from .choices import PHASES, Action, Klass, Risk, RunState
from .choices import Outcome as Became
from .coverage import short
from .locks import Locks
from .models import PlanRow, PlexFolder, Run
from .plexdata import database, layout, places
from .plexdata.index import Item, build
from .plexdata.live import Live
from .plexdata.safe import Root
from .plexdata.sources import proves
from .rules.base import Draft, of_entry

UNIT = "journal"
DONE = (RunState.APPLIED, RunState.PURGED)
ITEMS = 500  # looked up at once
ROWS = 500  # of one statement
FACTS = (
    *("klass", "action", "path", "bundle", "dev", "ino", "size", "blocks", "mtime_ns", "nlink"),
    *("item", "section", "title", "column", "old", "new", "proof", "risk"),
)


class Find(Stage):
    """Find the values that were replaced, and make a run of them that is accepted: its rows were, once."""

    name = "find"
    label = _("Find values that were replaced")
    on_error = OnError.FAIL_FAST

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("journal")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        folder = PlexFolder.objects.select_related("server").get(pk=ctx.job.scope["folder"])
        run = Run.objects.filter(job_id=ctx.job.id, folder=folder).first()
        if run is not None and run.state != RunState.PLANNING:
            return Skipped("cleanup_nothing_left")
        steps = _steps(folder)
        if not steps:
            return Skipped("cleanup_no_journal")
        data = places.resolve(folder.path, folder.cache_path)
        with closing(database.open_ro(data.database)) as con:
            counts = dict(build(con, database.probe(con)).counts)
        if run is None:
            with ctx.transaction():
                keeps_hours = {"apply": True} if ctx.job.trigger == Trigger.SCHEDULE else {}
                run = services.begin(folder, steps, keeps_hours, ctx.job.actor, job=ctx.job.id)
        with open_root(data.root) as root, Live(data.database) as live:
            drafts = list(_drafts(run, root, live, ctx))
        facts = {
            "root": data.root,
            "index": counts,
            "journal": True,
            "begun": ctx.now().isoformat(),
            **preflight.disk(data),
        }
        with ctx.transaction():
            store.erase(run.pk, UNIT)
            PlanRow.objects.bulk_create((_row(run, draft) for draft in drafts), batch_size=ROWS)
            self._close(run, facts, ctx)
        return Done({"rows": len(drafts)})

    @staticmethod
    def _close(run: Run, facts: dict[str, Any], ctx: Context) -> None:
        """Sum up and hand over to the job that applies; an empty run is dropped."""
        sums = selectors.count(run)
        plan_ending.within(policies.of(run.policy), sums, {})
        values = {"facts": facts | {"sums": sums._asdict()}, "totals": selectors.totals(run)}
        services.move(run, RunState.PLANNED, [RunState.PLANNING], **values)
        if not sums.rows:
            services.drop(run, actor=ctx.job.actor)
            return
        services.accept(run, files_typed=sums.files, actor=ctx.job.actor)
        services.apply(run, trigger=ctx.job.trigger, actor=ctx.job.actor)  # type: ignore[arg-type]


def _steps(folder: PlexFolder) -> list[str]:
    """Return the steps of the runs whose rows are the journal."""
    found: set[str] = set()
    for names in Run.objects.filter(folder=folder, state__in=DONE).values_list("steps", flat=True):
        found.update(names)
    return sorted(found)


def _drafts(run: Run, root: Root, live: Live, ctx: Context) -> Iterator[Draft]:
    """Yield an update, and the file that came back with it, for each value that was replaced."""
    policy = policies.of(run.policy)
    locks = Locks(policy, plan_opening.asker(run.folder))
    rows = PlanRow.objects.filter(
        run__folder=run.folder, run__state__in=DONE, phase=PHASES[Action.UPDATE], outcome=Became.UPDATED
    )
    seen: set[tuple[int, str]] = set()
    files: set[str] = set()
    for block in _blocks(rows.order_by("-id").values_list("item", "column", "new", "bundle", "old").iterator()):
        ctx.checkpoint()
        items = live.items(row[0] for row in block)
        for number, column, new, bundle, old in block:
            item = items.get(number)
            if item is None or (number, column) in seen or column not in item.values:
                continue
            seen.add((number, column))
            value = item.values[column] or ""
            if not _same_picture(value, old, new) or (not policy.locked and locks.locked(item, column)):
                continue
            if short(column) not in policy.columns:
                continue
            yield _update(item, column, value, new, bundle)
            for draft in _files(root, bundle, value):
                if draft.path not in files:
                    files.add(draft.path)
                    yield draft


def _row(run: Run, draft: Draft) -> PlanRow:
    facts = {name: getattr(draft, name) for name in FACTS}
    facts["title"] = facts["title"].replace("\0", " ")[:200]
    return PlanRow(run=run, unit=UNIT, phase=PHASES[draft.action], **facts)


def _blocks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    block: list[Any] = []
    for row in rows:
        block.append(row)
        if len(block) == ITEMS:
            yield block
            block = []
    if block:
        yield block


def _same_picture(value: str, old: str, new: str) -> bool:
    """Tell whether a value names the picture that lies at ``new``: by the digest in its name, or as it did before."""
    if layout.parse(value).scheme == "media":
        return value == old
    if layout.parse(value).scheme != "metadata":
        return False
    _agent, digest = layout.agent_and_digest(value.rpartition("/")[2])
    return proves(new, digest)


def _update(item: Item, column: str, value: str, new: str, bundle: str) -> Draft:
    klass = Klass.REHOST if value.startswith("media://") else Klass.SELECTED
    risk = Risk.HIGH if column == "user_art_url" else Risk.MEDIUM
    return Draft(
        klass,
        Action.UPDATE,
        bundle=bundle,
        item=item.id,
        section=item.section,
        title=item.title,
        column=column,
        old=value,
        new=new,
        proof="journal",
        risk=risk,
    )


def _files(root: Root, bundle: str, value: str) -> Iterator[Draft]:
    """Yield the file that a value names, and what it leads to if it is a link."""
    ref = layout.parse(value)
    if ref.scheme == "media":
        yield from _one(root, f"{layout.MEDIA}/{ref.rel}", bundle, Klass.REHOST)
        return
    for folder in layout.TYPES:
        top = layout.bundle_path(layout.METADATA, folder, bundle)
        path = f"{top}/{layout.COMBINED}/{ref.rel}"
        for draft in _one(root, path, bundle, Klass.SELECTED):
            yield draft
            entry = root.lstat(path)
            target = layout.link_target(path[len(top) + 1 :], entry.target) if entry and entry.target else ""
            if target and layout.key_of(target) in layout.keys(value):
                yield from _one(root, f"{top}/{target}", bundle, Klass.SELECTED)


def _one(root: Root, path: str, bundle: str, klass: Klass) -> Sequence[Draft]:
    try:
        entry = root.lstat(path)
    except OSError:
        return ()
    if entry is None or entry.kind not in ("file", "link"):
        return ()
    return (of_entry(klass, Action.FILE, entry, bundle),)

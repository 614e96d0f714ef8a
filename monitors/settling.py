"""The end of a crawl: what is missing has moved, is removed, is held, or waits on.

The order decides what is safe: second look, then moves, then the guard's verdict over what is left, and only then the
rows go, some hundred removals a transaction, each with its Change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet, Sum

from . import guards, snapshot
from .models import Change, File, Root
from .moves import Thing, folder_target, pair
from .removals import Looks, Missing, covered, gather
from .run import DISTRUSTED, Run, in_blocks_do

AT_ONCE = 300  # removals in one transaction


@dataclass(slots=True)
class Plan:
    """What is to be done with one missing thing."""

    missing: Missing
    target: str = ""  # it moved there as a whole
    parts: list[tuple[Thing, Thing]] = field(default_factory=list)  # single files of it that moved

    def believed(self, verdict: guards.Verdict) -> bool:
        """Tell whether it is carried out: what moved is there, and proves itself."""
        return bool(self.target) or (verdict.ok and not self.missing.held)


def settle(run: Run) -> None:
    """Decide on everything that is missing."""
    if run.asked.dry_run:
        _only_say(run)
        return
    looks = gather(run, things=not run.silent and _arrived(run).exists())
    if looks.back or looks.nested:
        with run.ctx.transaction(run.cursor()):
            Change.objects.filter(pk__in=looks.back).update(state=Change.State.DROPPED, settled_at=run.now)
            Change.objects.filter(pk__in=looks.nested).delete()
        run.summary.dropped += len(looks.back)
    plans = _plans(run, looks)
    run.summary.seen = sum(each.files for each in looks.missing) - sum(plan.missing.files for plan in plans)
    if plans:
        _carry_out(run, plans)


def _plans(run: Run, looks: Looks) -> list[Plan]:
    """Pair what is missing with what is new; what is neither sure nor moved waits on."""
    pairs: dict[int, list[tuple[Thing, Thing]]] = {}
    if things := [thing for each in looks.missing for thing in each.things]:
        for old, new in pair(things, _new(run, {thing.size for thing in things})):
            pairs.setdefault(old.key, []).append((old, new))
    plans = []
    for each in looks.missing:
        parts = pairs.get(each.id, [])
        target = _target(run, each, parts)
        if target or each.sure:
            plans.append(Plan(each, target, parts))
    return plans


def _target(run: Run, each: Missing, parts: Sequence[tuple[Thing, Thing]]) -> str:
    """Return where a thing moved as a whole, "" if it did not."""
    if not each.is_dir:
        return parts[0][1].path if parts else ""
    moved = {old.path: new.path for old, new in parts}
    target = folder_target(each.path, [thing.path for thing in each.things], moved)
    if target is None:
        return ""
    row = snapshot.folders_at(run.root.pk, [target]).get(target)
    return target if row is not None and row.id > run.floor else ""


def _arrived(run: Run) -> QuerySet[Change]:
    """Return the additions since the last crawl that ended: also those of one that was killed before it settled."""
    rows = Change.objects.filter(root=run.root, state=Change.State.NEW, kind=Change.Kind.ADDED)
    return rows.filter(seen_at__gt=run.root.crawled_at) if run.root.crawled_at else rows


def _new(run: Run, sizes: set[int]) -> list[Thing]:
    """Return the files that arrived, as far as their size is one that is missing."""
    rows = _arrived(run)
    found = {
        path: identity
        for identity, path, size in rows.values_list("id", "path", "size").iterator(chunk_size=5000)
        if size in sizes
    }
    folders = snapshot.folders_at(run.root.pk, {path.rpartition("/")[0] for path in found})
    files = snapshot.files(folder.id for folder in folders.values())
    out = []
    for path, identity in found.items():
        parent, _, name = path.rpartition("/")
        if parent in folders and (facts := files.get(folders[parent].id, {}).get(name)):
            out.append(Thing(identity, path, *facts))
    return out


def _carry_out(run: Run, plans: Sequence[Plan]) -> None:
    """Judge, and write."""
    removals = [plan for plan in plans if not plan.target and not plan.missing.held]
    held = Change.objects.filter(root=run.root, state=Change.State.HELD).aggregate(files=Sum("files"))["files"] or 0
    removed = held + sum(plan.missing.files - len(plan.parts) for plan in removals)
    verdict = guards.check(run.root)
    if verdict.ok and removals:
        known = Root.objects.values_list("files", flat=True).get(pk=run.root.pk)
        judged = guards.judge_removals(run.root, removed=removed, known=known, errors=run.summary.errors)
        verdict = verdict if judged.ok else judged
    if verdict.down:
        raise run.down(verdict)
    with run.ctx.transaction(run.cursor()):
        guards.record(run.root, verdict)
    for start in range(0, len(plans), AT_ONCE):
        part = plans[start : start + AT_ONCE]
        done = [plan for plan in part if plan.believed(verdict)]
        kept = [plan for plan in part if not plan.believed(verdict)]
        _add_up(run, done, kept)
        with run.ctx.transaction(run.cursor()):
            for plan in done:
                _apply(run, plan)
            for plan in kept:
                _hold(plan, DISTRUSTED if plan.missing.held else verdict.code)
            _forget(run, done)
        run.beat(part[-1].missing.path)


def _add_up(run: Run, done: Sequence[Plan], kept: Sequence[Plan]) -> None:
    """Count what the next transaction does."""
    moved = sum(len(plan.parts) for plan in done)
    run.summary.moved += moved
    run.summary.added = max(run.summary.added - moved, 0)  # another job may have counted them
    run.summary.removed += sum(plan.missing.files for plan in done) - moved
    run.summary.held += sum(plan.missing.files for plan in kept)


def _apply(run: Run, plan: Plan) -> None:
    """Make the Change of a move or a removal final."""
    missing, row = plan.missing, Change.objects.filter(pk=plan.missing.id)
    final: dict[str, Any] = {"state": Change.State.NEW, "reason": "", "settled_at": run.now}
    if plan.target:
        Change.objects.filter(pk__in=[new.key for _, new in plan.parts]).delete()
        facts: dict[str, Any] = {
            "path": plan.target,
            "old_path": missing.path,
            "size": missing.size,
            "files": missing.files,
        }
        row.update(kind=Change.Kind.MOVED, **facts, **final)
        return
    for old, new in plan.parts:
        Change.objects.filter(pk=new.key).update(kind=Change.Kind.MOVED, old_path=old.path, settled_at=run.now)
    left = missing.files - len(plan.parts)
    if run.silent or not left:
        row.delete()
    else:
        size = missing.size - sum(old.size for old, _ in plan.parts)
        row.update(files=left, size=size, **final)


def _hold(plan: Plan, code: str) -> None:
    """Keep the rows, and let a person decide."""
    missing = plan.missing
    row = Change.objects.filter(pk=missing.id)
    row.update(state=Change.State.HELD, reason=code, files=missing.files, size=missing.size)


def _forget(run: Run, plans: Sequence[Plan]) -> None:
    """Delete the rows of what is gone."""
    folders = [identity for plan in plans for identity in plan.missing.folders]
    files = [plan.missing for plan in plans if not plan.missing.is_dir]
    for missing in files:
        File.objects.filter(directory_id=missing.owner, name=missing.path.rpartition("/")[2])._raw_delete("default")
    in_blocks_do("DELETE FROM monitors_file WHERE directory_id IN ({})", folders)
    in_blocks_do("DELETE FROM monitors_directory WHERE id IN ({})", folders)
    _drop_held_below(run, {plan.missing.path for plan in plans if plan.missing.is_dir})
    run.count(-len(folders), -sum(p.missing.files for p in plans), -sum(p.missing.size for p in plans))


def _drop_held_below(run: Run, gone: set[str]) -> None:
    """Forget removals that are held inside a folder that is gone itself: its row covers them."""
    if gone:
        held = Change.objects.filter(root=run.root, state=Change.State.HELD).values_list("pk", "path")
        Change.objects.filter(pk__in=[pk for pk, path in held.iterator() if covered(path, gone)]).delete()


def _only_say(run: Run) -> None:
    """Count for a dry run."""
    moved = len(pair(run.missing, run.new))
    run.summary.moved = moved
    run.summary.added -= moved
    run.summary.removed = len(run.missing) - moved


def finish(run: Run) -> None:
    """Write what the root shows of its last crawl."""
    if run.asked.dry_run:
        return
    fields: dict[str, Any] = {"crawled_at": run.now}
    if run.whole:
        if run.asked.full or run.root.baseline_at is None:
            fields["reconciled_at"] = run.now
        if run.root.baseline_at is None:
            fields["baseline_at"] = run.now
    with run.ctx.transaction(run.cursor()):
        Root.objects.filter(pk=run.root.pk).update(**fields)
        if run.summary.held or run.root.guard_code in guards.ABOUT_REMOVALS:  # it may all be there again
            guards.record(run.root, guards.Verdict())

"""Removals that a guard holds: a person releases them (they are believed) or drops them (they are forgotten)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction

from mediasync.core.clock import Clock, system
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Event

from . import guards
from .models import Change, Directory, File, Root
from .selectors import BLOCK, held, look_kind, subtree_ids


def release_held(changes: Iterable[int], actor: str) -> list[jobs.Submitted]:
    """Ask for held removals (ids) to be believed; one job a root, because only its lane may change the snapshot."""
    by_root: dict[int, list[int]] = defaultdict(list)
    for pk, root_id in held().filter(pk__in=list(changes)).order_by("pk").values_list("pk", "root_id"):
        by_root[root_id].append(pk)
    return [jobs.submit("release", {"root": root_id, "changes": pks}, actor=actor) for root_id, pks in by_root.items()]


def drop_held(changes: Iterable[int], actor: str, clock: Clock = system) -> int:
    """Forget held removals (ids): nothing is unlinked or told. A later crawl that misses them asks again."""
    roots = Root.objects.filter(changes__in=held().filter(pk__in=list(changes))).distinct()
    total = 0
    for root in roots:
        with transaction.atomic():
            rows = held(root).filter(pk__in=list(changes))
            count = rows.update(state=Change.State.DROPPED, settled_at=clock.now())
            _tell("held_dropped", root, count, actor)
        _reconsider(root, clock)
        total += count
    return total


def release_rows(root: Root, changes: Sequence[int], clock: Clock = system) -> int:
    """Make held removals new ones and take what they name out of the snapshot (inside the caller's transaction)."""
    rows = list(held(root).filter(pk__in=changes))
    folders = [change.path for change in rows if change.is_dir]
    for start in range(0, len(folders), BLOCK):
        found = Directory.objects.filter(root=root, path__in=folders[start : start + BLOCK])
        _forget_folders(list(found.values_list("pk", flat=True)))
    for change in rows:
        parent, _slash, name = change.path.rpartition("/")
        directory = Directory.objects.filter(root=root, path=parent)
        if not change.is_dir:
            File.objects.filter(directory_id__in=directory.values("pk"), name=name)._raw_delete("default")
        directory.update(dirty=True)  # its signature no longer fits: list it in the next crawl
    done = held(root).filter(pk__in=[change.pk for change in rows])
    return done.update(state=Change.State.NEW, reason="", settled_at=clock.now())


def after_release(root: Root, count: int, actor: str, clock: Clock = system) -> None:
    """Tell of a release, look at the guard again, and let links and servers follow."""
    _tell("held_released", root, count, actor)
    _reconsider(root, clock)
    jobs.submit(look_kind(), {"root": root.pk}, actor=actor)


def _forget_folders(pks: Sequence[int]) -> None:
    ids = subtree_ids(pks)
    for start in range(0, len(ids), BLOCK):
        block = ids[start : start + BLOCK]
        File.objects.filter(directory_id__in=block)._raw_delete("default")
        Directory.objects.filter(pk__in=block)._raw_delete("default")


def _reconsider(root: Root, clock: Clock) -> None:
    """End the suspicion about missing files once none are held."""
    root.refresh_from_db()
    if root.guard_code in guards.ABOUT_REMOVALS:
        guards.record(root, guards.Verdict(), clock)


def _tell(code: str, root: Root, count: int, actor: str) -> None:
    Event.objects.create(code=code, params={"root": root.pk, "name": root.name, "count": count}, actor=actor)

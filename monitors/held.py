"""Removals that a guard holds: a person releases them (they are believed) or drops them (nothing follows from them).

Either way what they name leaves the snapshot, else the next crawl would miss and hold it again; if it comes back, it is
new. That is done by a job, because only the holder of a root's lane may change its snapshot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from django.db.models import Count, F, Sum
from django.db.models.functions import Greatest

from mediasync.core.clock import Clock, system
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Event

from . import guards
from .listers import lister_of
from .models import Change, Directory, File, Root
from .relisting import list_again
from .selectors import BLOCK, held, look_kind, subtree_ids


def release_held(changes: Iterable[int], actor: str) -> list[jobs.Submitted]:
    """Ask for held removals (ids) to be believed: links and servers follow. One job a root."""
    return _ask(changes, actor, {})


def drop_held(changes: Iterable[int], actor: str) -> list[jobs.Submitted]:
    """Ask for held removals (ids) to be forgotten: links and servers stay as they are. One job a root."""
    return _ask(changes, actor, {"drop": True})


def _ask(changes: Iterable[int], actor: str, scope: dict[str, bool]) -> list[jobs.Submitted]:
    by_root: dict[int, list[int]] = defaultdict(list)
    for pk, root_id in held().filter(pk__in=list(changes)).order_by("pk").values_list("pk", "root_id"):
        by_root[root_id].append(pk)
    return [
        jobs.submit("held", {"root": root_id, "changes": pks, **scope}, actor=actor) for root_id, pks in by_root.items()
    ]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at held removals showed (ids): which are there again, and of which nothing can be said."""

    back: frozenset[int] = frozenset()
    unsure: frozenset[int] = frozenset()


def look(root: Root, changes: Sequence[int]) -> Looked:
    """Look on the disk, which may take long, so outside of any transaction.

    What the root's filters leave out by now is not there: else nobody could ever release it.
    """
    inside: dict[str, list[Change]] = defaultdict(list)
    for change in held(root).filter(pk__in=changes):
        inside[change.path.rpartition("/")[0]].append(change)
    back: set[int] = set()
    unsure = {change.pk for each in inside.values() for change in each}
    for parent, names, error in chain.from_iterable(list_again(lister_of(root), list(inside))):
        for change in inside[parent]:
            if (change.path.rpartition("/")[2], change.is_dir) in names:
                back.add(change.pk)
            elif error and error != "vanished":
                continue
            unsure.discard(change.pk)
    return Looked(frozenset(back), frozenset(unsure))


def settle(
    root: Root, changes: Sequence[int], looked: Looked, *, drop: bool, actor: str, clock: Clock = system
) -> dict[str, int]:
    """Release or drop held removals of a root, inside the caller's transaction; returns how many rows went which way.

    What is there again is not removed, whatever was asked, and what could not be looked at is held on.
    """
    rows = [change for change in held(root).filter(pk__in=changes) if change.pk not in looked.unsure]
    back = [change for change in rows if change.pk in looked.back]
    gone = [change for change in rows if change.pk not in looked.back]
    _forget(root, gone)
    now = clock.now()
    _update(root, gone, state=Change.State.DROPPED if drop else Change.State.NEW, reason="", settled_at=now)
    _update(root, back, state=Change.State.DROPPED, reason="", settled_at=now)
    _dirty(root, rows)
    if rows:
        code = "held_dropped" if drop else "held_released"
        Event.objects.create(at=now, code=code, actor=actor, params={**_params(root), "count": len(gone)})
        _reconsider(root, clock)
    if gone and not drop:
        jobs.submit(look_kind(), {"root": root.pk}, actor=actor)
    return {"dropped" if drop else "released": len(gone), "back": len(back)}


def _update(root: Root, changes: Sequence[Change], **fields: object) -> None:
    for start in range(0, len(changes), BLOCK):
        block = [change.pk for change in changes[start : start + BLOCK]]
        held(root).filter(pk__in=block).update(**fields)


def _forget(root: Root, changes: Sequence[Change]) -> None:
    """Take what is gone out of the snapshot and out of the root's counters."""
    files, size = 0, 0
    folders = [change.path for change in changes if change.is_dir]
    ids: list[int] = []
    for start in range(0, len(folders), BLOCK):
        found = Directory.objects.filter(root=root, path__in=folders[start : start + BLOCK])
        ids += found.values_list("pk", flat=True)
    ids = sorted(set(subtree_ids(ids)))
    sets = [File.objects.filter(directory_id__in=ids[start : start + BLOCK]) for start in range(0, len(ids), BLOCK)]
    for change in changes:
        parent, _slash, name = change.path.rpartition("/")
        if not change.is_dir:
            owner = Directory.objects.filter(root=root, path=parent).values("pk")
            sets.append(File.objects.filter(directory_id__in=owner, name=name))
    for rows in sets:
        sums = rows.aggregate(files=Count("*"), size=Sum("size"))
        files, size = files + sums["files"], size + (sums["size"] or 0)
        rows._raw_delete("default")
    for start in range(0, len(ids), BLOCK):
        Directory.objects.filter(pk__in=ids[start : start + BLOCK])._raw_delete("default")
    less = {"directories": len(ids), "files": files, "bytes": size}
    Root.objects.filter(pk=root.pk).update(**{name: Greatest(F(name) - count, 0) for name, count in less.items()})


def _dirty(root: Root, changes: Sequence[Change]) -> None:
    """Have the folders above listed in the next crawl: their signatures no longer fit."""
    parents = sorted({change.path.rpartition("/")[0] for change in changes})
    for start in range(0, len(parents), BLOCK):
        Directory.objects.filter(root=root, path__in=parents[start : start + BLOCK]).update(dirty=True)


def _reconsider(root: Root, clock: Clock) -> None:
    """End the suspicion about missing files once none are held."""
    root.refresh_from_db()
    if root.guard_code in guards.ABOUT_REMOVALS:
        guards.record(root, guards.Verdict(), clock)


def _params(root: Root) -> dict[str, object]:
    return {"root": root.pk, "name": root.name}

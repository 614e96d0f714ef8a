"""What is missing: give it the second look, and gather what the snapshot still holds of it.

On a local disk the second look is a second listing of the folder above, at once. Where listings come from elsewhere
(FUSE, network, clouds) it is the next complete listing that is far enough from the first.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import snapshot
from .models import Change, Root
from .moves import Thing
from .relisting import list_again
from .run import DISTRUSTED, Run
from .walk import texts


@dataclass(slots=True)
class Missing:
    """A removal that waits, with what the snapshot holds of it."""

    id: int  # of its Change row
    path: str
    is_dir: bool
    sure: bool  # both looks are done
    held: bool = False  # whoever told of it may be wrong
    owner: int = 0  # the folder's own id, or that of the folder the file lies in
    folders: list[int] = field(default_factory=list)  # a folder and all below it
    files: int = 0
    size: int = 0
    things: list[Thing] = field(default_factory=list)  # its files, where moves are looked for


@dataclass(slots=True)
class Looks:
    """What became of the waiting removals."""

    missing: list[Missing] = field(default_factory=list)
    back: list[int] = field(default_factory=list)  # changes whose file is there again
    nested: list[int] = field(default_factory=list)  # changes that a missing folder above covers, or without rows


def gather(run: Run, *, things: bool) -> Looks:
    """Return the removals of which something can be said now.

    With ``things`` single files come with what is known of them, and folders with all their files.
    """
    seen = Change.objects.filter(root=run.root, kind=Change.Kind.REMOVED, state=Change.State.SEEN).order_by("pk")
    rows = list(seen.values_list("id", "path", "is_dir", "seen_at", "reason"))
    looks = Looks()
    tops = {path for _, path, is_dir, *_ in rows if is_dir}
    candidates: list[Missing] = []
    for identity, path, is_dir, seen_at, reason in rows:
        if covered(path, tops):
            looks.nested.append(identity)
        else:
            held = reason == DISTRUSTED or (run.asked.hold and identity in run.relooked)
            candidates.append(Missing(identity, path, is_dir, _waited(run, identity, seen_at), held))
    if not looks_later(run):
        candidates = _look_again(run, candidates, looks)
    _find_rows(run, candidates, looks, things)
    for each in looks.missing:
        _measure(each, things)
    return looks


def looks_later(run: Run) -> bool:
    """Tell whether the second look of this root comes after a wait."""
    return run.lister.remote if run.root.two_looks == Root.Settles.AUTO else run.root.two_looks == Root.Settles.LATER


def _waited(run: Run, identity: int, seen_at: dt.datetime) -> bool:
    wait = dt.timedelta(seconds=run.root.second_look_after)
    return identity in run.relooked and run.now - seen_at >= wait


def covered(path: str, tops: set[str]) -> bool:
    """Tell whether a folder above is missing too."""
    while path:
        path = path.rpartition("/")[0]
        if path in tops:
            return True
    return False


def _look_again(run: Run, candidates: Sequence[Missing], looks: Looks) -> list[Missing]:
    """List the folders above once more; return what is still missing."""
    by_parent: dict[str, list[Missing]] = defaultdict(list)
    for each in candidates:
        by_parent[each.path.rpartition("/")[0]].append(each)
    still: list[Missing] = []
    for answers in list_again(run.lister, list(by_parent)):
        for parent, names, error in answers:
            for each in by_parent[parent]:
                if (each.path.rpartition("/")[2], each.is_dir) in names:
                    looks.back.append(each.id)
                elif not error:  # else it says nothing; the next crawl asks again
                    each.sure = True
                    still.append(each)
        run.beat(answers[-1].path if answers else "")
    return sorted(still, key=lambda each: each.id)


def _find_rows(run: Run, candidates: Sequence[Missing], looks: Looks, things: bool) -> None:
    """Find what the snapshot holds; a removal of nothing is none."""
    at = snapshot.folders_at(run.root.pk, {_owner(each) for each in candidates})
    holders = {at[_owner(each)].id for each in candidates if not each.is_dir and _owner(each) in at}
    inside = snapshot.files(holders)
    for each in candidates:
        folder = at.get(_owner(each))
        name = each.path.rpartition("/")[2]
        if folder is None or (not each.is_dir and name not in inside.get(folder.id, {})):
            looks.nested.append(each.id)
            continue
        each.owner = folder.id
        if not each.is_dir:
            facts = inside[folder.id][name]
            each.files, each.size = 1, facts[0]
            each.things = [Thing(each.id, each.path, *facts)] if things else []
        looks.missing.append(each)


def _owner(each: Missing) -> str:
    """Return the path of the folder itself, or of the one that the file lies in."""
    return each.path if each.is_dir else each.path.rpartition("/")[0]


def _measure(each: Missing, things: bool) -> None:
    """Count what lies below a missing folder, and gather its files if wanted."""
    if not each.is_dir:
        return
    paths: dict[int, str] = {}
    for chunk in snapshot.below([each.owner]):
        paths.update(zip([row[0] for row in chunk], texts([row[1] for row in chunk]), strict=True))
    each.folders = list(paths)
    if things:
        for owner, inside in snapshot.files(paths).items():
            each.things += [Thing(each.id, f"{paths[owner]}/{name}", *facts) for name, facts in inside.items()]
        each.files, each.size = len(each.things), sum(thing.size for thing in each.things)
        return
    sql = "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM monitors_file WHERE directory_id IN ({})"
    for count, size in snapshot.in_blocks(sql, each.folders):
        each.files += count
        each.size += int(size)

"""Which folders a set of changes concerns: those that hold the files, and those whose companions depend on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from monitors.models import Change

from . import names, store
from .rules import RuleSpec
from .tree import parent_of


class Changed(NamedTuple):
    """What of a Change matters here (paths below the root)."""

    id: int
    kind: str
    is_dir: bool
    path: str
    old_path: str


def changes_between(spec: RuleSpec, first: int, last: int, without: Sequence[str] = ()) -> list[Changed]:
    """Return the settled changes of a range; those that a crash left half done are among them, done ones do no harm."""
    settled = (Change.State.NEW, Change.State.LINKED, Change.State.TOLD)
    rows = Change.objects.filter(root_id=spec.root_id, id__gte=first, id__lte=last, state__in=settled)
    rows = rows.exclude(kind__in=without).order_by("id")
    return [Changed(*row) for row in rows.values_list("id", "kind", "is_dir", "path", "old_path").iterator()]


def concerned(spec: RuleSpec, changes: Iterable[Changed]) -> list[str]:
    """Return the paths of all folders to reconcile."""
    found: set[str] = set()
    whole: set[str] = set()
    for change in changes:
        for path in filter(None, (change.path, change.old_path)):
            if change.is_dir:
                whole.add(path)
            found.add(parent_of(path))
    found |= whole
    for path in _tops(whole):
        found |= _subtree(spec, path)
    found |= {disc[0] for path in found if (disc := names.split_disc(path))}
    return sorted(found | _companions(spec, found))


def _tops(paths: set[str]) -> list[str]:
    """Return the paths that do not lie below another of them."""
    tops: list[str] = []
    for path in sorted(paths, key=lambda p: p.split("/")):
        if not tops or not path.startswith(tops[-1] + "/"):
            tops.append(path)
    return tops


def _subtree(spec: RuleSpec, path: str) -> set[str]:
    """Return all folders below, of the snapshot and of ours."""
    below, params = store.below("path", path)
    found = {
        p
        for (p,) in store.select(
            f"SELECT path FROM monitors_directory WHERE root_id = %s AND {below}", [spec.root_id, *params]
        )
    }
    ours = f"SELECT path FROM scanning_linkfolder WHERE rule_id = %s AND {below}"
    return found | {p for (p,) in store.select(ours, [spec.id, *params])}


def _companions(spec: RuleSpec, folders: set[str]) -> set[str]:
    """Return the folders whose companions may come or go with a film in ``folders``: those above, Subs beside."""
    if not spec.companion_kinds:
        return set()
    found: set[str] = set()
    for path in folders:
        while path:
            path = parent_of(path)
            found.add(path)
    level = sorted(folders)
    for _ in range(2):
        sql = """SELECT c.path FROM monitors_directory c JOIN monitors_directory p ON p.id = c.parent_id
                 WHERE p.root_id = %s AND p.path IN {}"""
        level = [path for (path,) in store.select_in(sql, [spec.root_id], level) if names.unit_of(path) != path]
        found.update(level)
    return found

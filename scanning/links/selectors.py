"""Reading: the rule of a root, and which links stand for which change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from django.db.models import QuerySet

from mediasync.core.paths import join
from monitors.models import Change, Root
from scanning.models import Link, LinkRule, ScanRequest

from . import names, store
from .rules import RuleSpec
from .tree import parent_of

CREATED, MODIFIED, DELETED = (str(each) for each in ScanRequest.Update)
LIVE = (Link.State.OK,)
DEAD = (Link.State.REMOVED, Link.State.TRASHED)


class ChangeRow(Protocol):
    """What of a change is read here; a Change will do."""

    id: int
    root_id: int
    kind: str
    is_dir: bool
    path: str
    old_path: str


def rule_of(root_id: int) -> LinkRule | None:
    """Return the rule of a root if it has one that is enabled."""
    return LinkRule.objects.select_related("root").filter(root_id=root_id, enabled=True).first()


def affected(changes: Iterable[ChangeRow]) -> list[tuple[int, str, str]]:
    """Return (change id, absolute path of a link or of a folder of links, update).

    ``update`` is a ScanRequest.Update. A change that has no link has no line. To be asked after the link stage: links
    that it removed are still known by their rows.
    """
    by_root: dict[int, list[ChangeRow]] = {}
    for change in changes:
        by_root.setdefault(change.root_id, []).append(change)
    answer: list[tuple[int, str, str]] = []
    for root_id, rows in by_root.items():
        rule = rule_of(root_id)
        if rule is not None:
            answer += _affected(RuleSpec.of(rule), rows)
    return answer


def _affected(spec: RuleSpec, changes: Sequence[ChangeRow]) -> Iterator[tuple[int, str, str]]:
    looks = [(change, path, update) for change in changes for path, update in _looks(change)]
    links = _links(spec, {parent_of(path) for change, path, _update in looks if not change.is_dir})
    for change, path, update in looks:
        if change.is_dir:
            found = [path] if update == DELETED or _any_below(spec, path) else []
        else:
            states = DEAD if update == DELETED else LIVE
            found = [link for link, state in links.get(_stands_for(path), ()) if state in states]
        for link in found:
            yield change.id, join(spec.target, link), update


def _looks(change: ChangeRow) -> Iterator[tuple[str, str]]:
    """Yield the paths of a change with what became of each."""
    if change.kind == Change.Kind.REMOVED:
        yield change.path, DELETED
    elif change.kind == Change.Kind.MOVED:
        yield change.old_path, DELETED
        yield change.path, CREATED
    else:
        yield change.path, CREATED if change.kind == Change.Kind.ADDED else MODIFIED


def _links(spec: RuleSpec, folders: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Return (path of the link, state) of all links in these folders, by what they stand for."""
    folders = folders | {disc[0] for path in folders if (disc := names.split_disc(path))}
    sql = """SELECT f.path, l.name, l.source, l.state FROM scanning_link l JOIN scanning_linkfolder f
             ON f.id = l.folder_id WHERE f.rule_id = %s AND f.path IN {}"""
    found: dict[str, list[tuple[str, str]]] = {}
    for folder, name, source, state in store.select_in(sql, [spec.id], sorted(folders)):
        key = _stands_for(f"{folder}/{source}" if folder else source)
        found.setdefault(key, []).append((f"{folder}/{name}" if folder else name, state))
    return found


def _stands_for(path: str) -> str:
    """Return the disc folder for anything in a disc that is linked as one, else the path itself."""
    disc = names.split_disc(path)
    if disc is None:
        return path
    return f"{disc[0]}/{disc[1]}" if disc[0] else disc[1]


def _any_below(spec: RuleSpec, path: str) -> bool:
    """Tell whether we have a link in the folder or below it."""
    below, params = store.below("f.path", path)
    sql = f"""SELECT 1 FROM scanning_linkfolder f JOIN scanning_link l ON l.folder_id = f.id
              WHERE f.rule_id = %s AND l.state = 'ok' AND (f.path = %s OR ({below})) LIMIT 1"""
    return bool(store.select(sql, [spec.id, path, *params]))


def roots_in_doubt() -> QuerySet[Root]:
    """Return the roots that are not to be believed about what is missing."""
    return Root.objects.exclude(guard=Root.Guard.OK)

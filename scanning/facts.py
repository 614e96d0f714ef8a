"""What happened, as local paths: of a change, of its links, or of paths that a person names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mediasync.core.paths import join
from monitors import presence
from monitors.glance import Glance
from monitors.models import Change, Root
from monitors.selectors import root_of

from .links.names import kind_of, split_disc
from .links.selectors import affected, rule_of
from .models import ScanRequest

Update = ScanRequest.Update
UPDATES = {
    Change.Kind.ADDED: Update.CREATED,
    Change.Kind.MODIFIED: Update.MODIFIED,
    Change.Kind.REMOVED: Update.DELETED,
    Change.Kind.MOVED: Update.CREATED,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something happened to a local path (absolute, stored text). ``here`` False: it is nowhere on this machine."""

    local: str
    update: str
    is_dir: bool
    change: int | None = None
    here: bool = True


def exists(local: str) -> bool:
    """Tell whether something is at a local path (a link that leads nowhere is nothing)."""
    try:
        return presence.is_folder(local) is not None
    except OSError:
        return False


def tops_of(root: Root) -> list[str]:
    """Return the folder of a root and the one of its links; both are laid out alike."""
    rule = rule_of(root.pk)
    return [root.path, rule.target] if rule else [root.path]


def of_changes(root: Root, changes: Sequence[Change]) -> list[list[Fact]]:
    """Return what each change means; servers may look at the root, at the links, or at both."""
    links: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for change_id, path, update in affected(changes):
        links[change_id].append((path, update))
    return [[*_of_change(change, root.path), *_of_links(change, links[change.pk])] for change in changes]


def _of_change(change: Change, top: str) -> list[Fact]:
    """A move is a removal and an arrival."""
    facts = [Fact(join(top, change.path), UPDATES[Change.Kind(change.kind)], change.is_dir, change.pk)]
    if change.kind == Change.Kind.MOVED and change.old_path:
        facts.insert(0, Fact(join(top, change.old_path), Update.DELETED, change.is_dir, change.pk))
    return facts


def _of_links(change: Change, links: Iterable[tuple[str, str]]) -> list[Fact]:
    is_dir = change.is_dir or split_disc(change.path) is not None  # a disc is linked as one folder
    return [Fact(path, update, is_dir, change.pk) for path, update in links]


def of_paths(paths: Iterable[str], glance: Glance | None = None) -> list[list[Fact]]:
    """Return what it means that a person names these paths: look there, whatever is or is not there.

    No mount can make it hang. What cannot be looked at may be there, and so it was not removed.
    """
    roots = list(Root.objects.all())
    tops = {root.pk: tops_of(root) for root in roots}
    with glance or Glance() as looks:
        return [_of_path(path, roots, tops, looks) for path in paths]


def _of_path(path: str, roots: Sequence[Root], tops: dict[int, list[str]], looks: Glance) -> list[Fact]:
    inside = root_of(path, roots)
    if inside is None:
        return [_named(path, looks, here=looks.exists(path) or looks.exists(path.rpartition("/")[0]))]
    root, below = inside
    twins = [join(top, below) for top in tops[root.pk] if top != root.path]
    return [_named(path, looks), *(_named(twin, looks) for twin in twins if looks.exists(twin))]


def again(local: str, update: str, is_dir: bool, change: int | None) -> Fact:
    """Return the fact behind a request that is told once more: what was removed may be back."""
    if update == Update.DELETED and exists(local):
        update = Update.MODIFIED
    return Fact(local, update, is_dir, change)


def _named(path: str, looks: Glance, *, here: bool = True) -> Fact:
    try:
        folder = looks.is_folder(path)
    except OSError:
        return Fact(path, Update.MODIFIED, not kind_of(path.rpartition("/")[2]), here=here)
    if folder is not None:
        return Fact(path, Update.MODIFIED, folder)
    is_dir = not kind_of(path.rpartition("/")[2])
    return Fact(path, Update.DELETED if here else Update.MODIFIED, is_dir, here=here)

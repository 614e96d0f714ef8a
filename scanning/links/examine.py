"""``link --check``: what is missing, wrong, broken or orphaned. Changes nothing.

::

    missing   should be there and is not
    wrong     is ours, but leads elsewhere or says something else
    taken     something that is not ours stands in its place
    broken    is right, but its source cannot be found on the disk now
    orphaned  is ours, but the snapshot has no source for it; or leads into the root and is unknown to us
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mediasync.core.paths import is_within, join, to_bytes, to_text
from monitors.models import Directory

from . import disk, names, store, trash
from .batch import Work, load
from .rules import RuleSpec
from .settle import OK
from .store import Row
from .tree import There, Tree
from .wanted import Wanted

KINDS = ("missing", "wrong", "taken", "broken", "orphaned")
FOLDERS = 500
SHOWN = 20


@dataclass(slots=True)
class Report:
    """What was found: numbers, and the first paths of each kind (absolute stored text)."""

    right: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, path: str) -> None:
        self.counts[kind] += 1
        if len(self.examples[kind]) < SHOWN:
            self.examples[kind].append(path)

    @property
    def fine(self) -> bool:
        return not any(self.counts.values())


def examine(spec: RuleSpec, on_progress: Callable[[int], None] = lambda folders: None) -> Report:
    """Look at every link of a rule and at everything in its target; OSError if the target cannot be read."""
    report = Report()
    ids = list(Directory.objects.filter(root_id=spec.root_id).order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), FOLDERS):
        block = ids[start : start + FOLDERS]
        _look(spec, load(spec, store.places_between(spec, block[0], block[-1])), report)
        on_progress(start + len(block))
    _look(spec, load(spec, store.strays(spec)), report)
    for folders in _walk(spec):
        _unknown(spec, folders, report)
        on_progress(len(ids))
    return report


def _look(spec: RuleSpec, works: Sequence[Work], report: Report) -> None:
    tree = Tree(spec.target)
    for work in works:
        there = tree.look(work.place.path)
        rows = {row.name: row for row in work.rows if row.state == OK}
        used = {_wanted(spec, work, wanted, rows, there, report) for wanted in work.wanted}
        for name, row in rows.items():
            path = join(work.place.path, name) if work.place.path else name
            if name not in used and there is There.REAL and disk.matches(tree.top + b"/" + to_bytes(path), *row[2:4]):
                report.add("orphaned", join(spec.target, path))


def _wanted(spec: RuleSpec, work: Work, wanted: Wanted, rows: dict[str, Row], there: There, report: Report) -> str:
    """Judge one link that should be there; return the name under which it is."""
    folder, name = work.place.path, wanted.name
    for other in (wanted.name, *names.numbered(wanted.name)) if wanted.name not in rows else ():
        if other in rows and rows[other].source == wanted.source:
            name = other  # the numbered one that we made
            break
    path = join(join(spec.target, folder), name)
    if there is not There.REAL:
        report.add("missing" if there is There.ABSENT else "taken", path)
        return name
    right = disk.matches(to_bytes(path), wanted.how, wanted.content)
    if right is None:
        report.add("missing", path)
    elif right is False:
        row = rows.get(name)
        ours = row is not None and disk.matches(to_bytes(path), row.how, row.content)
        report.add("wrong" if ours else "taken", path)
    elif spec.mounted and _is_gone(to_bytes(spec.source(folder, wanted.source))):
        report.add("broken", path)
    else:
        report.right += 1
    return name


def _is_gone(source: bytes) -> bool:
    try:
        os.lstat(source)
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.EIO)
    return False


def _walk(spec: RuleSpec) -> Iterator[dict[str, list[tuple[str, str]]]]:
    """Yield (name, where it leads) of the symbolic links in the target by folder, many folders at once."""
    top = to_bytes(spec.target)
    found: dict[str, list[tuple[str, str]]] = {}
    stack = [b""]
    while stack:
        folder = stack.pop()
        place = top + b"/" + folder if folder else top
        try:
            entries = list(os.scandir(place))
        except FileNotFoundError:
            continue
        links = []
        for entry in entries:
            if entry.is_symlink():
                links.append((to_text(entry.name), to_text(os.readlink(entry.path))))
            elif entry.is_dir(follow_symlinks=False) and (folder or entry.name != trash.FOLDER):
                stack.append(folder + b"/" + entry.name if folder else entry.name)
        if links:
            found[to_text(folder)] = links
        if len(found) >= FOLDERS:
            yield found
            found = {}
    yield found


def _unknown(spec: RuleSpec, folders: dict[str, list[tuple[str, str]]], report: Report) -> None:
    """Add the links that lead into the root, but that no row and no wish of ours knows."""
    places = store.places_named(spec, folders)
    for work in load(spec, places):
        known = {row.name for row in work.rows if row.state == OK} | {wanted.name for wanted in work.wanted}
        folder = work.place.path
        for name, leads_to in folders.pop(folder):
            if name not in known and _into_root(spec, folder, leads_to):
                report.add("orphaned", join(join(spec.target, folder), name))
    for folder, links in folders.items():  # neither in the snapshot nor among our folders
        for name, leads_to in links:
            if _into_root(spec, folder, leads_to):
                report.add("orphaned", join(join(spec.target, folder), name))


def _into_root(spec: RuleSpec, folder: str, leads_to: str) -> bool:
    tops = {spec.root, spec.real_root or spec.root}
    bases = {spec.target, spec.real_target or spec.target}
    paths = [leads_to] if leads_to.startswith("/") else [join(join(base, folder), leads_to) for base in bases]
    return any(is_within(posixpath.normpath(path), top) for path in paths for top in tops)

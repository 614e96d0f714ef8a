"""From the snapshot of a folder to the links that it should have. Plain: no disk, no database."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from mediasync.core.paths import join
from scanning.models import Link, LinkRule

from . import names
from .rules import RuleSpec

SYMLINK, STRM, COPY = str(Link.How.SYMLINK), str(Link.How.STRM), str(Link.How.COPY)


IMPOSSIBLE = ""  # content of a .strm that cannot be written: its path has a line break


class Entry(NamedTuple):
    """A file of the snapshot, or (``disc``) a disc folder that stands for one."""

    name: str
    size: int = 0
    mtime_ns: int = 0
    disc: str = ""  # its largest stream below the folder, for a .strm


class Wanted(NamedTuple):
    """One link that a folder should have."""

    name: str
    source: str  # below the folder of the root
    how: str
    content: str
    body: bytes = b""  # of a .strm


def is_main(spec: RuleSpec, entry: Entry) -> bool:
    """Tell whether a file is linked for its own sake, not as a companion."""
    kind = names.kind_of(entry.name)
    return kind in spec.kinds and (kind != "video" or entry.size >= spec.minimum_size)


def links_for(
    spec: RuleSpec,
    folder: str,
    files: Iterable[Entry],
    discs: Sequence[Entry] = (),
    has_main: Callable[[], bool] = lambda: True,
) -> list[Wanted]:
    """Return the links of one folder. ``has_main`` is asked once, if there are companions and no main file here.

    A pure function of its arguments, so that any history of changes ends at the same links as a fresh build.
    """
    kinds, beside, minimum = spec.kinds, spec.companion_kinds, spec.minimum_size
    kind_of = names.kind_of
    mains: list[Entry] = []
    companions: list[Entry] = []
    for entry in files:
        kind = kind_of(entry.name)
        if kind in kinds:
            if kind != "video" or entry.size >= minimum:
                mains.append(entry)
        elif kind in beside:
            companions.append(entry)
    if companions and not mains and not discs and not has_main():
        companions = []
    if spec.mode == LinkRule.Mode.STRM:
        found = [*_strms(spec, folder, mains, discs), *_companions(spec, folder, companions)]
    else:
        head = _head(spec, folder)
        found = [Wanted(e.name, e.name, SYMLINK, head + e.name) for e in (*mains, *discs)]
        found += _companions(spec, folder, companions) if companions else ()
    return found


def _head(spec: RuleSpec, folder: str) -> str:
    """Return what all symbolic links of a folder begin with."""
    if spec.mode == LinkRule.Mode.RELATIVE:
        head = posixpath.relpath(join(spec.real_root, folder), start=join(spec.real_target, folder))
    else:
        head = join(spec.root, folder)
    return head.rstrip("/") + "/"


def _companions(spec: RuleSpec, folder: str, entries: Iterable[Entry]) -> Iterator[Wanted]:
    if spec.companions == LinkRule.Companions.COPY:
        yield from (copy_of(entry) for entry in entries)
    else:
        head = _head(spec, folder)
        yield from (Wanted(e.name, e.name, SYMLINK, head + e.name) for e in entries)


def copy_of(entry: Entry) -> Wanted:
    """Return the copy of a file under its own name."""
    return Wanted(entry.name, entry.name, COPY, f"{entry.size}:{entry.mtime_ns}")


def _strms(spec: RuleSpec, folder: str, mains: Iterable[Entry], discs: Sequence[Entry]) -> Iterator[Wanted]:
    """Name .strm files in the order of their sources, so that the same files always get the same names."""
    own = [entry for entry in mains if entry.name.lower().endswith(".strm")]  # these say themselves where their film is
    yield from map(copy_of, own)
    taken = {entry.name for entry in own}
    title = folder.rpartition("/")[2] or posixpath.basename(spec.root) or "disc"
    films = sorted(entry.name for entry in mains if entry.name not in taken)
    for name, source in [*((film, film) for film in films), *((f"{title}.disc", disc.disc) for disc in discs)]:
        body = names.strm_body(spec.strm_body, spec.root, join(folder, source) if folder else source)
        if not source:
            continue
        if body is None:
            yield Wanted(next(names.strm_names(name)), source, STRM, IMPOSSIBLE)
            continue
        free = next(each for each in names.strm_names(name) if each not in taken)
        taken.add(free)
        yield Wanted(free, source, STRM, names.digest(body), body)

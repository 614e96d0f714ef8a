"""The folders of this machine in which the titles of a library lie: the mapping rules, read backwards.

A rule translates one way only. So each of our roots (and the folder of its links) is translated forwards, and where
it meets a folder of a library, both are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mediasync.core import foreign, paths
from mediasync.servers.models import Library, LibraryPath
from monitors.models import Root
from scanning import facts
from scanning.telling import Listener

from .naming import FILM, SHOW

KINDS = {  # the servers' words
    "show": SHOW, "tvshows": SHOW,
    "movie": FILM, "movies": FILM, "homevideos": FILM,
}  # fmt: skip
MIXED = ("", "mixed")


@dataclass(frozen=True, slots=True)
class Top:
    """A folder of ours that all mapping rules may be asked about; ``root`` None: it belongs to no root."""

    path: str
    root: Root | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of this machine (stored text) that lies in a library, or holds it."""

    library: Library
    local: str
    root: Root | None = None


def suits(library: Library, kind: str) -> bool:
    """Tell whether titles of this kind belong into a library."""
    return library.kind in MIXED or KINDS.get(library.kind) == kind


def tops() -> list[Top]:
    """Return the folders of all roots that are switched on, and of their links."""
    roots = Root.objects.filter(enabled=True).order_by("name")
    return [Top(path, root) for root in roots for path in facts.tops_of(root)]


def places_of(listener: Listener, known: Iterable[Top], kind: str) -> list[Place]:
    """Return where the titles of this kind lie that a server has in its libraries."""
    rows = LibraryPath.objects.filter(library__server=listener.server, library__enabled=True)
    locations = list(rows.select_related("library").order_by("library__title", "id"))
    known = list(known)
    found: dict[tuple[int, str], Place] = {}
    for row in locations:
        if suits(row.library, kind):
            for place in _meeting(listener, row, known):
                found.setdefault((row.library_id, place.local), place)
    return list(found.values())


def _meeting(listener: Listener, row: LibraryPath, known: Iterable[Top]) -> Iterator[Place]:
    try:
        location = foreign.split(row.path)
    except ValueError:  # "smb://…"
        return
    met = False
    for top in known:
        local = _local(listener, top.path, location)
        if local is not None:
            met = True
            yield Place(row.library, local, top.root)
    whole = str(location)
    same = location.root == "/" and listener.rules.translate(whole).path == whole
    if not met and same and listener.exists(whole):
        yield Place(row.library, whole)  # the server runs here, and nobody told us of a root


def _local(listener: Listener, top: str, location: foreign.Split) -> str | None:
    """Return the folder of ours at ``location``, or the ``top`` that lies in it."""
    seen = listener.rules.translate(top).path
    if seen is None:
        return None
    there = foreign.split(seen)
    if there.below(location) is not None:
        return top
    names = location.below(there)
    if names is None:
        return None
    local = paths.join(top, "/".join(names))
    back = listener.rules.translate(local).path  # another rule may hold for what lies deeper
    return local if back is not None and foreign.split(back).key == location.key else None

"""What must stay, asked of the live database and of the links on the disk, just before and just after an act."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from mediasync.core import paths
from mediasync.core.errors import NeedsOperator

from .apply_trees import bundle_at
from .choices import Klass
from .plexdata import layout
from .plexdata.live import Live
from .plexdata.safe import Root

DIRECT = ("Contents/_combined/", f"{layout.UPLOADS}/")  # nothing links into these but what Plex names itself


class LiveReferences:
    """``apply_files.References`` over the live database.

    ``identity`` is what the database file was at the beginning; ``away`` returns the old paths of all files in a bundle
    that lies in the quarantine; ``children`` are paths of bundles that have an owner, who is not to use any file there.
    """

    def __init__(
        self, live: Live, root: Root, identity: str, away: Callable[[str], list[str]], children: frozenset[str]
    ) -> None:
        self._live = live
        self._root = root
        self._identity = identity
        self._away = away
        self._children = children
        self._version, self._asked, self._used = -1, set[str](), set[str]()  # the last question and its answer
        self._links: dict[str, dict[str, str]] = {}  # of a bundle: path → target

    def in_use(self, given: Sequence[str]) -> set[str]:
        """Return the paths in use: named by a column, led to by a link that is named, or a bundle with either."""
        check_identity(self._live.database, self._identity)
        version = self._live.version()
        if version == self._version and self._asked.issuperset(given):
            return self._used.intersection(given)
        self._version, self._asked, self._used = version, set(given), self._look(given)
        return self._used

    def _look(self, given: Sequence[str]) -> set[str]:
        trees = {path: self._inside(path) for path in given if _is_bundle(path)}
        files = [path for path in given if path not in trees]
        asked = [path for path in trees if path not in self._children]
        inside = [path for below in trees.values() for path in below]
        used = self._live.in_use([*files, *asked, *inside])
        used |= self._led_to(files)
        used |= {path for path, below in trees.items() if not used.isdisjoint(below)}
        return used & set(given)

    def _inside(self, path: str) -> list[str]:
        """Return all files of a bundle, wherever it lies now."""
        bundle = bundle_at(self._root, path)
        here = [each.path for each in bundle.entries if each.kind != "folder"] if bundle else []
        return here + self._away(path)

    def _led_to(self, files: Iterable[str]) -> set[str]:
        """Return those files that a link in use leads to, however it is called; the older agents' bundles have such."""
        wanted: dict[str, list[str]] = {}
        for path in files:
            place = layout.place_of(path)
            if place and place.part == layout.METADATA and not place.rel.startswith(DIRECT):
                wanted.setdefault(path[: -len(place.rel) - 1], []).append(path)
        targets = self._targets(wanted)
        folders = {bundle: tuple(f"{target}/" for target in targets[bundle]) for bundle in wanted}
        return {
            path
            for bundle, below in wanted.items()
            for path in below
            if path in targets[bundle] or path.startswith(folders[bundle])
        }

    def _targets(self, bundles: Iterable[str]) -> dict[str, set[str]]:
        """Return for each bundle what its links in use lead to, directly or through others."""
        links = {bundle: self._links_of(bundle) for bundle in bundles}
        used = self._live.in_use([path for each in links.values() for path in each])
        found: dict[str, set[str]] = {}
        for bundle, each in links.items():
            targets = found[bundle] = set()
            waiting = [path for path in each if path in used]
            while waiting:
                link = waiting.pop()
                rel = layout.link_target(link[len(bundle) + 1 :], each[link])
                target = f"{bundle}/{rel}"
                if rel and target not in targets:
                    targets.add(target)
                    if target in each:
                        waiting.append(target)
        return found

    def _links_of(self, path: str) -> dict[str, str]:
        """Return all links of a bundle; read once a block."""
        if path not in self._links:
            bundle = bundle_at(self._root, path)
            entries = bundle.entries if bundle is not None else []
            self._links[path] = {each.path: each.target for each in entries if each.kind == "link"}
        return self._links[path]


def _is_bundle(path: str) -> bool:
    place = layout.place_of(path)
    return place is not None and not place.rel


def children(rows: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the paths of (class, path) that are bundles of seasons and episodes."""
    return frozenset(path for klass, path in rows if klass == Klass.CHILD)


def identity_of(database: str) -> str:
    """Return what tells this database file from one that was put in its place; "" if it is not there."""
    with suppress(OSError):
        found = os.stat(paths.to_bytes(database))
        return f"{found.st_dev}:{found.st_ino}"
    return ""


def check_identity(database: str, identity: str) -> None:
    """Raise NeedsOperator if the database is another file than at the beginning: nothing is known of that one."""
    if identity_of(database) != identity:
        raise NeedsOperator("Plex's database was replaced meanwhile: plan anew.", code="cleanup_database_replaced")

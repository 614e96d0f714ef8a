"""Find the folders that hold a title: in the snapshot of our roots at any depth, and on the disk as it is now."""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence

from mediasync.core.paths import is_within, join, relative, to_bytes, to_text
from monitors.glance import Glance
from monitors.keep import kind_of
from monitors.models import Directory, Root

from .naming import Named, fits, fold, titles
from .patience import SECONDS, together
from .places import Place

MOST_NAMES = 50_000  # entries of a folder that are looked at
MOST_FOUND = 50  # folders that go by the same title
NEAR = 5
ALIKE = 0.6  # of difflib: 1.0 is the same
_WORD = re.compile(r"(?<![\w'’`])[A-Za-z0-9]+(?![\w'’`])")


class Finder:
    """Looks for one title; each folder is listed at most once."""

    def __init__(self, named: Named, glance: Glance) -> None:
        self.named = named
        self.hidden: dict[str, Place] = {}  # what could not be looked at: its root is down, its mount hangs
        self._glance = glance
        self._until = time.monotonic() + SECONDS
        self._names: dict[str, list[str]] = {}

    def find(self, places: Sequence[Place]) -> list[str]:
        """Return the local paths of folders (or of films that lie in none) which go by the title.

        The disk is asked even if the snapshot knows a folder: one that came just now is what people ask for.
        """
        found = dict[str, None]()
        for place in places:
            names = self._listed(place)
            if place.local not in self.hidden:
                found.update((path, None) for path in in_snapshot(self.named, place))
            found.update((join(place.local, name), None) for name in names if fits(self.named, name))
        return outermost(found)[:MOST_FOUND]

    def nearest(self, places: Iterable[Place], more: Iterable[str] = ()) -> list[str]:
        """Return the names that are most like the title, the likest first; ``more``: others that are known."""
        names = [*more, *(name for place in places for name in self._listed(place))]
        by_title = {title: name for name in names for title, _year in titles(name)}
        close = difflib.get_close_matches(fold(self.named.title), by_title, 2 * NEAR, ALIKE)
        return list(dict.fromkeys(by_title[title] for title in close))[:NEAR]

    def _listed(self, place: Place) -> list[str]:
        if place.local not in self._names:
            names = self._look(place)
            if names is None:
                self.hidden[place.local] = place
            self._names[place.local] = names or []
        return self._names[place.local]

    def _look(self, place: Place) -> list[str] | None:
        """Return the folders and videos in a folder of ours; None if it cannot be looked at."""
        root = place.root
        if root is not None and root.guard == Root.Guard.DOWN:
            return None
        if root is not None and not root.mounted:
            return in_last_listing(root, place.local)
        try:
            if not self._glance.is_folder(place.local):
                return []
        except OSError:
            return None
        return together([lambda: list(_entries(to_bytes(place.local)))], self._until)[0]


def in_snapshot(named: Named, place: Place) -> Iterator[str]:
    """Yield the folders of a place, at any depth, that go by the title as far as the last crawl saw them."""
    root = place.root
    if root is None or not is_within(place.local, root.path):
        return
    below = relative(place.local, root.path)
    rows = Directory.objects.filter(root=root).exclude(path="")
    if below:
        rows = rows.filter(path__startswith=f"{below}/")
    # A word that is written the same in every spelling of the title lets the database narrow them down.
    if word := max(_WORD.findall(named.title), key=len, default=""):
        rows = rows.filter(path__icontains=word)
    for path in rows.values_list("path", flat=True).iterator():
        if is_within(path, below or path) and fits(named, path.rpartition("/")[2]):
            yield join(root.path, path)


def in_last_listing(root: Root, local: str) -> list[str]:
    """Return the folders in a folder that is not mounted here, as the last crawl saw them."""
    owner = Directory.objects.filter(root=root, path=relative(local, root.path)).values("pk")
    rows = Directory.objects.filter(parent_id__in=owner).values_list("path", flat=True)[:MOST_NAMES]
    return [path.rpartition("/")[2] for path in rows]


def _entries(local: bytes) -> Iterator[str]:
    with os.scandir(local) as entries:
        for entry, _count in zip(entries, range(MOST_NAMES), strict=False):
            if not entry.name.startswith(b".") and (kind_of(entry.name) == "video" or _is_folder(entry)):
                yield to_text(entry.name)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def outermost(found: Iterable[str]) -> list[str]:
    """Return the paths that lie in no other of them: ``Show/Show S01`` goes by the title of the show too."""
    kept: list[str] = []
    for path in sorted(found, key=lambda path: path.split("/")):
        if not kept or not is_within(path, kept[-1]):
            kept.append(path)
    return kept

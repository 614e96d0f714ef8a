"""Which root holds an item, and where in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mediasync.core.paths import join
from monitors.hints.notices import Notice, What
from monitors.models import Root

from .names import Item, as_mounted

Names = tuple[str, ...]  # from the top down

DEEPEST = 200  # folders; Drive allows 100


class Spot(NamedTuple):
    """Something in a root; ``below`` is "" for the root itself, and for a folder above it."""

    root: Root
    below: str


def names_of(ident: str, items: Mapping[str, Item], top: str) -> Names | None:
    """Return the names from below the top folder down to an item; None if it does not lie there."""
    names: list[str] = []
    while ident != top:
        item = items.get(ident)
        if item is None or len(names) >= DEEPEST:  # unknown, or a loop
            return None
        names.append(item.name)
        ident = item.parent
    return tuple(reversed(names))


def unknown_above(ident: str, items: Mapping[str, Item], top: str) -> str:
    """Return the first id on the way from an item up to the top that is not known; "" if there is none."""
    for _ in range(DEEPEST):
        if ident in ("", top):
            return ""
        item = items.get(ident)
        if item is None:
            return ident
        ident = item.parent
    return ""


class Places:
    """The roots of a feed, by the names that lead to them."""

    def __init__(self, roots: Sequence[Root], items: Mapping[str, Item], top: str) -> None:
        found = [(root, _prefix(root, items, top)) for root in roots]
        self._roots = [(root, prefix) for root, prefix in found if prefix is not None]

    def spots(self, names: Names | None) -> Iterator[Spot]:
        """Yield where an item lies in each root that holds it (or that it holds)."""
        if names is None:
            return
        for root, prefix in self._roots:
            if names[: len(prefix)] == prefix:
                yield Spot(root, "/".join(names[len(prefix) :]))
            elif prefix[: len(names)] == names:
                yield Spot(root, "")


def _prefix(root: Root, items: Mapping[str, Item], top: str) -> Names | None:
    ident = folder_id(root)
    if ident is None:
        return tuple(as_mounted(name) for name in root.remote_path.split("/") if name)
    return names_of(ident, items, top)


def folder_id(root: Root) -> str | None:
    """Return the folder id that a root is given by; None if it is given by a path."""
    return None if not root.remote_path or root.remote_path.startswith("/") else root.remote_path


class Told:
    """What is to be said of changes: notices of items in roots, and roots whose own folder changed."""

    def __init__(self) -> None:
        self.notices: dict[Notice, None] = {}
        self.roots: set[int] = set()

    def add(self, spots: Iterable[Spot], change: What, is_dir: bool, group: str = "") -> None:
        for spot in spots:
            if spot.below:
                path = join(spot.root.path, spot.below)
                self.notices[Notice(path, change, is_dir, group=group, local=True)] = None
            else:
                self.roots.add(spot.root.pk)

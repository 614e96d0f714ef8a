"""C9: links that lead nowhere, and folders in which nothing is left; only inside a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..choices import Action, Klass, Risk
from ..plexdata import layout
from ..plexdata.walk import Bundle
from .base import Asking, Draft, of_entry
from .shelves import ROOTS, Names, all_links


def dangling(names: Names, bundle: Bundle, asking: Asking, spared: Iterable[str]) -> Iterator[Draft]:
    """Yield the links whose target is not there; ``spared`` are paths of those that stay or are planned already."""
    links = list(all_links(names))
    if not links:
        return
    left = set(spared)
    there = {rel for _entry, rel in names.others} | {each.rel for each in names.pictures} | set(names.folders)
    ways = {rel for _entry, rel in links}
    for entry, rel in links:
        target = layout.link_target(rel, entry.target)
        if rel in left or not target or target in there or target in ways or asking.is_young(entry):
            continue  # what leads out of the bundle is not ours to judge
        if any(target.startswith(f"{way}/") for way in ways):
            continue  # through another link: nobody followed it
        yield of_entry(Klass.TIDY, Action.FILE, entry, bundle.hash, Risk.LOW, "dangling")


def empty(names: Names, bundle: Bundle, asking: Asking, gone: Iterable[str]) -> Iterator[Draft]:
    """Yield the folders that hold nothing, or nothing but what is ``gone``; the deepest first."""
    if not names.folders:
        return
    left = dict(names.held)
    for rel in gone:
        left[rel.rpartition("/")[0]] -= 1
    if all(left.get(rel) for rel in names.folders):
        return
    for rel in sorted(names.folders, key=lambda each: (-each.count("/"), each)):
        if not left.get(rel) and rel not in ROOTS and not asking.is_young(names.folders[rel]):
            yield of_entry(Klass.TIDY, Action.FOLDER, names.folders[rel], bundle.hash, Risk.LOW)
            left[rel.rpartition("/")[0]] -= 1

"""All that may go of one bundle of Metadata, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ..choices import Action, Klass, Risk
from ..plexdata import layout
from ..plexdata.index import Item
from ..plexdata.walk import Bundle
from . import orphans, tidy, uploads
from .base import Asking, Draft, of_entry
from .holding import Holding
from .selected import Selecting, Updates, in_use
from .shelves import Names, sort

OF_FILES = frozenset({Klass.UNUSED, Klass.SELECTED, Klass.UPLOAD, Klass.BROKEN, Klass.TIDY})
BROKEN = 10  # bytes; "None" is what an agent that lost its data wrote


@dataclass(frozen=True, slots=True)
class Told:
    """What the database says of one bundle."""

    known: bool  # an item has its hash
    items: Sequence[Item]  # whose files may lie in it
    keys: Collection[str]  # in use in it
    anywhere: Collection[str]  # in use in any bundle


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """The rules for the bundles of one folder of Metadata."""

    asking: Asking
    selecting: Callable[[Bundle], Selecting]
    overlay: uploads.Overlay

    def drafts(self, bundle: Bundle, told: Told) -> Iterator[Draft]:
        """Yield the rows for one bundle."""
        asking = self.asking
        if not told.known and not told.items:
            if asking.wants(Klass.ORPHAN) and not asking.sections and not _uses_any(bundle, told):
                found = orphans.orphan(bundle, asking)
                if found:
                    yield found
            return
        if asking.sections and not any(item.section in asking.sections for item in told.items):
            return
        if asking.wants(Klass.CHILD) and _is_child(bundle, told) and not _uses_any(bundle, told):
            found = orphans.child(bundle, asking)
            if found:
                yield found
            return
        if not OF_FILES.intersection(asking.classes):
            return
        if not bundle.complete:
            asking.kept["unreadable"] += 1
            return
        yield from self._files(bundle, told)

    def _files(self, bundle: Bundle, told: Told) -> Iterator[Draft]:
        asking, names = self.asking, sort(bundle)
        updates = Updates()
        if asking.wants(Klass.SELECTED) and names.keys and told.keys:
            updates = self.selecting(bundle).updates(names, told.items, bundle.hash, told.anywhere)
            yield from updates.drafts
        holding = Holding(names, in_use(told.keys, told.anywhere, updates.released))
        gone: list[str] = []
        stayed: list[str] = []
        cut = len(bundle.path) + 1
        for each in self._pictures(names, bundle, holding, updates, stayed):
            if each.action == Action.FILE:
                gone.append(each.path[cut:])
            yield each
        if asking.wants(Klass.TIDY):
            stayed += [rel for _entry, rel in names.links if holding.in_use(layout.key_of(rel))]
            for each in tidy.dangling(names, bundle, asking, (*gone, *stayed)):
                gone.append(each.path[cut:])
                yield each
            yield from tidy.empty(names, bundle, asking, gone)

    def _pictures(
        self, names: Names, bundle: Bundle, holding: Holding, updates: Updates, stayed: list[str]
    ) -> Iterator[Draft]:
        """Yield the files; a file of several names counts the space that it frees once, and only if all names go."""
        found: list[Draft] = []
        asking = self.asking
        selected, unused = asking.wants(Klass.SELECTED), asking.wants(Klass.UNUSED)
        for picture in names.pictures:
            entry = picture.entry
            stays = holding.stays(picture)
            if stays:
                stayed.append(picture.rel)
            if not stays and not picture.shelf.upload:
                if asking.is_young(entry):
                    asking.kept["young"] += 1
                    continue
                if picture.key in updates.released and selected:
                    found.append(of_entry(Klass.SELECTED, Action.FILE, entry, bundle.hash))
                    continue
                if unused:
                    found.append(of_entry(Klass.UNUSED, Action.FILE, entry, bundle.hash))
                    continue
            if entry.kind == "file" and entry.size <= BROKEN and asking.wants(Klass.BROKEN):
                why = "broken_selected" if stays else "broken"
                yield of_entry(Klass.BROKEN, Action.REPORT, entry, bundle.hash, Risk.LOW, why)
        if asking.wants(Klass.UPLOAD):
            found.extend(uploads.draft(names, bundle.hash, asking, holding.stays, self.overlay))
        yield from once(found)


def once(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Count the blocks of each file once, and not at all while some other name of it stays."""
    shared: dict[tuple[int, int], list[Draft]] = {}
    for each in drafts:
        if each.nlink > 1:
            shared.setdefault((each.dev, each.ino), []).append(each)
    if not shared:
        return drafts
    counted = {id(same[0]) for same in shared.values() if len(same) >= same[0].nlink}
    return [each if each.nlink < 2 or id(each) in counted else each._replace(blocks=0) for each in drafts]


def _is_child(bundle: Bundle, told: Told) -> bool:
    own = [item for item in told.items if item.hash == bundle.hash]
    return bool(own) and all(item.type in orphans.CHILDREN for item in own)


def _uses_any(bundle: Bundle, told: Told) -> bool:
    """Tell whether any name in a bundle is one that a column may mean."""
    if not told.keys and not told.anywhere:
        return False
    names = sort(bundle)
    used = in_use(told.keys, told.anywhere, ())
    return any(used(key) for key in names.keys) or any(
        used(layout.key_of(rel)) for _entry, rel in names.others + names.links
    )

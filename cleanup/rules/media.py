"""C3 to C5 and C9 for Media: pictures made by analysis, bundles of files that are gone, empty folders.

Chapters, indexes, subtitles and GoP files are never looked at by these rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..choices import Action, Klass, Risk
from ..plexdata import layout
from ..plexdata.entries import Entry
from ..plexdata.index import Item
from ..plexdata.walk import Bundle
from . import orphans, tidy
from .base import Asking, Draft, of_entry
from .metadata import once
from .selected import ART, THUMB, Locks
from .shelves import count

PICTURE = re.compile(r"Contents/(?P<kind>Thumbnails|Art)/(?:thumb|art)\d+\.jpg")
COLUMNS = {"Thumbnails": THUMB, "Art": ART}
CHOSEN = ("http", "metadata", "upload")
REHOSTED = (ART, THUMB)  # what an image host is used for: art of films, pictures of episodes


@dataclass(frozen=True, slots=True)
class MediaRules:
    """The rules for the bundles of Media. ``uses``: whether a column names a path below Media/localhost."""

    asking: Asking
    uses: Callable[[str], bool]
    users: Mapping[str, int]  # path below Media/localhost → how many values name it; only needed for REHOST
    locks: Locks

    def drafts(self, bundle: Bundle, known: bool, items: Sequence[Item]) -> Iterator[Draft]:
        """Yield the rows for one bundle; ``items`` are those of all parts with its hash."""
        asking = self.asking
        if not known:
            if asking.wants(Klass.ORPHAN) and not asking.sections and not self._uses_any(bundle):
                found = orphans.orphan(bundle, asking)
                if found:
                    yield found
            return
        if asking.sections and not (items and all(item.section in asking.sections for item in items)):
            return
        if not bundle.complete:
            asking.kept["unreadable"] += 1
            return
        gone: list[str] = []
        for each in once(list(self._pictures(bundle, items))):
            if each.action == Action.FILE:
                gone.append(each.path[len(bundle.path) + 1 :])
            yield each
        if asking.wants(Klass.TIDY):
            yield from tidy.empty(count(bundle), bundle, asking, gone)

    def _uses_any(self, bundle: Bundle) -> bool:
        return any(self.uses(layout.media_path(each.path)) for each in bundle.entries)

    def _pictures(self, bundle: Bundle, items: Sequence[Item]) -> Iterator[Draft]:
        asking = self.asking
        if not items or not (asking.wants(Klass.ANALYSIS) or asking.wants(Klass.REHOST)):
            return
        targets = {bundle.path + "/" + layout.link_target(bundle.rel(e), e.target) for e in bundle.entries if e.target}
        cut, fits = len(bundle.path) + 1, PICTURE.fullmatch
        for entry in bundle.entries:
            found = fits(entry.path, cut) if entry.kind == "file" else None
            if found is None or entry.path in targets or asking.is_young(entry):
                continue
            path = layout.media_path(entry.path)
            if not self.uses(path):
                if self._fits(Klass.ANALYSIS, items) and self._others_chosen(items, COLUMNS[found["kind"]]):
                    yield of_entry(Klass.ANALYSIS, Action.FILE, entry, bundle.hash)
            elif self._fits(Klass.REHOST, items) and asking.host:
                yield from self._moved(entry, path, bundle, items)

    def _fits(self, klass: Klass, items: Sequence[Item]) -> bool:
        """Tell whether a class is asked for, and for all of the items: a part may be shared."""
        if not self.asking.wants(klass):
            return False
        types = self.asking.classes[klass]
        return not types or all(item.type in types for item in items)

    def _others_chosen(self, items: Sequence[Item], column: str) -> bool:
        """Tell whether each item has a picture of its own that was not made by analysis."""
        fine = all(layout.parse(item.values.get(column)).scheme in CHOSEN for item in items)
        if not fine:
            self.asking.kept["no_other"] += 1
        return fine

    def _moved(self, entry: Entry, path: str, bundle: Bundle, items: Sequence[Item]) -> Iterator[Draft]:
        """Yield an update for each value that names the file, and the file itself if those are all that do."""
        written = 0
        for item in items:
            for column in REHOSTED:
                value = item.values.get(column)
                if value != f"media://{path}" or column not in self.asking.columns:
                    continue
                if not self.asking.policy.locked and self.locks.locked(item, column):
                    self.asking.kept["locked"] += 1
                    continue
                written += 1
                yield Draft(
                    Klass.REHOST,
                    Action.UPDATE,
                    bundle=bundle.hash,
                    item=item.id,
                    section=item.section,
                    title=item.title,
                    column=column,
                    old=value,
                    proof="host",
                    risk=Risk.HIGH,
                )
        if written and written == self.users.get(path):
            yield of_entry(Klass.REHOST, Action.FILE, entry, bundle.hash, Risk.HIGH)

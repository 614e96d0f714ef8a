"""One unit of a plan (a prefix folder of one type, of Media, or the cache): from its files to its drafts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

from mediasync.core import paths

from . import picture
from .cache_walk import pictures
from .choices import Klass
from .composites import members
from .locks import Ask, Locks
from .plexdata import layout, queries, walk
from .plexdata.places import Data
from .plexdata.safe import Root
from .plexdata.sources import Sources
from .plexdata.walk import Bundle
from .policy import Policy
from .reading import Reading
from .rules.base import Asking, Draft
from .rules.cache import Cache
from .rules.media import MediaRules
from .rules.metadata import MetadataRules, Told
from .rules.selected import Selecting
from .steps import CACHE, Work
from .weight import Weight

BLOCK = 5000  # drafts; the rows of one transaction
MOST_OUTWARD = 10_000  # links that lead out of their bundles, remembered of one unit


class Unit(NamedTuple):
    """What one item of the plan looks at. ``str(unit)`` is its name in the rows."""

    part: str
    folder: str
    prefix: str

    def __str__(self) -> str:
        return "/".join(each for each in self if each)


@dataclass(slots=True)
class Found:
    """What was met in a unit besides drafts."""

    weight: Weight = field(default_factory=Weight)
    foreign: Counter[str] = field(default_factory=Counter)  # why → names that are not looked at
    outward: list[str] = field(default_factory=list)  # paths below the data folder to which links of bundles lead
    orphans: int = 0
    unwatched: int = 0  # such links that were too many to remember

    def note(self, _path: str, why: str) -> None:
        self.foreign[why] += 1

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values, which ``take`` takes in another process."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"weight": self.weight.facts()}

    def take(self, facts: Mapping[str, Any]) -> None:
        """Become what another one was."""
        for each in fields(self):
            setattr(self, each.name, facts[each.name])
        self.weight, self.foreign = Weight(**facts["weight"]), Counter(facts["foreign"])

    def watch(self, bundle: Bundle, root: str) -> None:
        """Remember where links that leave their bundle lead to, if that is in the data folder: it must stay."""
        for entry in bundle.entries:
            if not entry.target or layout.link_target(bundle.rel(entry), entry.target):
                continue
            # The system is asked: there may be links on the way, or an older name of the data folder.
            target = paths.to_text(os.path.realpath(paths.to_bytes(f"{root}/{entry.path}")))
            if not target.startswith(f"{root}/"):
                continue
            if len(self.outward) < MOST_OUTWARD:
                self.outward.append(target[len(root) + 1 :])
            else:
                self.unwatched += 1


@dataclass(slots=True)
class Planner:
    """Makes the drafts of one run's units. ``source`` opens the copy of the database (not for the cache)."""

    data: Data
    policy: Policy
    now_ns: int
    sections: frozenset[int] = frozenset()
    host: bool = False
    ask: Ask | None = None
    source: Callable[[], Reading] | None = None

    def blocks(self, unit: Unit, work: Work, found: Found, kept: Counter[str], limit: int = 0) -> Iterator[list[Draft]]:
        """Yield the drafts of a unit in blocks, the first ``limit`` of them (0: all)."""
        drafts = self.drafts(unit, work, found, kept)
        left = islice(drafts, limit) if limit else drafts
        while block := list(islice(left, BLOCK)):
            yield block

    def drafts(self, unit: Unit, work: Work, found: Found, kept: Counter[str]) -> Iterator[Draft]:
        """Yield the drafts of a unit, bundle by bundle.

        Bundles that certainly stay are looked into as well: a link in them may lead into one that would go.
        """
        if unit.part == CACHE:
            yield from self._cache(found)
            return
        assert self.source is not None
        source = self.source()
        asking = self._asking(work, source, kept)
        known = source.index.knows_media if unit.part == layout.MEDIA else None
        found_bundles = walk.bundles(self.data, unit.part, unit.folder, unit.prefix, found.note, known)
        with Root(self.data.root) as root:
            make = (
                self._media(asking, source) if unit.part == layout.MEDIA else self._metadata(asking, source, root, unit)
            )
            for bundle in found_bundles:
                found.weight.add(bundle)
                found.watch(bundle, self.data.root)
                for each in make(bundle):
                    found.orphans += each.klass is Klass.ORPHAN
                    yield each

    def _asking(self, work: Work, source: Reading, kept: Counter[str]) -> Asking:
        wanted = {f"user_{name}_url" for name in self.policy.columns}
        columns = tuple(name for name in source.schema.columns if name in wanted)
        return Asking(work.classes, self.policy, self.now_ns, self.sections, columns, self.host, kept)

    def _metadata(self, asking: Asking, source: Reading, root: Root, unit: Unit) -> Callable[[Bundle], Iterator[Draft]]:
        index, locks = source.index, Locks(self.policy, self.ask)
        sources = Sources(source.con, source.schema, root)
        if asking.wants(Klass.SELECTED):
            kinds = layout.TYPES[unit.folder]
            there = walk.hashes(self.data, unit.part, unit.folder, unit.prefix)
            sources.prepare(item for bundle in there for item in index.items(bundle) if item.type in kinds)
        composite = frozenset[int]()
        if asking.wants(Klass.SELECTED) and not self.policy.collections:
            composite = source.once("members", members)

        def selecting(bundle: Bundle) -> Selecting:
            return Selecting(asking, partial(sources.of, bundle.path), locks, composite)

        rules = MetadataRules(asking, selecting, partial(picture.is_overlay, root))

        def make(bundle: Bundle) -> Iterator[Draft]:
            digest = bundle.hash
            told = Told(index.knows(digest), index.items(digest), index.keys(digest), index.anywhere)
            return rules.drafts(bundle, told)

        return make

    def _media(self, asking: Asking, source: Reading) -> Callable[[Bundle], Iterator[Draft]]:
        index = source.index
        users = source.once("media users", media_users) if asking.wants(Klass.REHOST) and self.host else {}
        rules = MediaRules(asking, index.media_uses, users, Locks(self.policy, self.ask))

        def make(bundle: Bundle) -> Iterator[Draft]:
            return rules.drafts(bundle, index.knows_media(bundle.hash), index.media_items(bundle.hash))

        return make

    def _cache(self, found: Found) -> Iterator[Draft]:
        rule = Cache(self.policy, self.now_ns)
        if not self.data.cache:
            return
        for entry, used in pictures(self.data.cache):
            rule.weigh(entry, used)
        found.weight.files, found.weight.bytes = rule.files, rule.bytes
        yield from rule.drafts(pictures(self.data.cache))


@cache
def _users_query(columns: tuple[str, ...]) -> str:
    return " UNION ALL ".join(
        f'SELECT "{column}" FROM metadata_items WHERE "{column}" LIKE \'media://%\'' for column in columns
    )


def media_users(source: Reading) -> Mapping[str, int]:
    """Return how many values name each path below Media/localhost, in any table."""
    found: Counter[str] = Counter()
    for query in (_users_query(source.schema.columns), *queries.other_queries(source.schema)):
        for row in source.con.execute(query):
            value: Any = row[0]
            ref = layout.parse(value)
            if ref.scheme == "media":
                found[ref.rel] += 1
    return found


def units(work: Work, data: Data, prefixes: frozenset[str], note: walk.Foreign = walk.ignore) -> Iterator[Unit]:
    """Yield the units of one piece of work, as far as they are there and among ``prefixes`` (empty: all)."""
    if work.part == CACHE:
        if data.cache and os.path.isdir(paths.to_bytes(data.cache)):
            yield Unit(CACHE, "", "")
        return
    for prefix in walk.prefixes(data, work.part, work.folder, note):
        if not prefixes or prefix in prefixes:
            yield Unit(work.part, work.folder, prefix)

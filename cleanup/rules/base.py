"""What a rule sees and says. Rules are pure: the same facts give the same drafts, and nothing is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..choices import Action, Klass, Risk
from ..plexdata.entries import Entry
from ..policy import Policy

__all__ = ["Asking", "Draft", "Entry", "of_entry"]

DAY_NS = 86_400 * 10**9
_new = tuple.__new__  # half the time of the class's own, a hundred thousand times


class Draft(NamedTuple):
    """A row of a plan before it is stored: the columns of ``models.PlanRow``, less what all of a unit have."""

    klass: Klass
    action: Action
    path: str = ""
    bundle: str = ""
    base: str = "data"
    dev: int = 0
    ino: int = 0
    size: int = 0
    blocks: int = 0
    mtime_ns: int = 0
    nlink: int = 0
    files: int = 0
    mark: str = ""
    item: int | None = None
    section: int | None = None
    title: str = ""
    column: str = ""
    old: str = ""
    new: str = ""
    proof: str = ""
    risk: Risk = Risk.MEDIUM
    reason: str = ""


def of_entry(
    klass: Klass,
    action: Action,
    entry: Entry,
    bundle: str,
    risk: Risk = Risk.MEDIUM,
    reason: str = "",
    base: str = "data",
) -> Draft:
    """Return the draft about one name, with the facts of its ``lstat``."""
    path, _kind, dev, ino, size, blocks, mtime_ns, nlink, _target = entry
    facts = (klass, action, path, bundle, base, dev, ino, size, blocks, mtime_ns, nlink)
    return _new(Draft, (*facts, 0, "", None, None, "", "", "", "", "", risk, reason))


@dataclass(slots=True)
class Asking:
    """What is asked of the rules in one folder of a part, and what they left alone, and why (code → number)."""

    classes: Mapping[Klass, frozenset[int]]  # with the types of items they are limited to; empty: all
    policy: Policy
    now_ns: int  # when the snapshot of the database was begun: it knows nothing of what is newer
    sections: frozenset[int] = frozenset()  # empty: all
    columns: tuple[str, ...] = ()  # that may get an address: user_thumb_url …
    host: bool = False  # there is an image host
    kept: Counter[str] = field(default_factory=Counter)

    def wants(self, klass: Klass) -> bool:
        return klass in self.classes

    def is_young(self, entry: Entry, days: float = 0) -> bool:
        """Tell whether an entry is younger than so many days, or than the snapshot."""
        return entry.mtime_ns > self.now_ns - int(days * DAY_NS)

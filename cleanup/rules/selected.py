"""C2: pictures that are selected and have a proven address on the web: the address into the database, the file away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..choices import Action, Klass, Risk
from ..plexdata import layout, meaning
from ..plexdata.index import Item
from ..plexdata.sources import Source
from .base import Asking, Draft
from .shelves import Names

THUMB, ART = "user_thumb_url", "user_art_url"


Find = Callable[[Item, str], Source | None]
"""Where the picture that a value of an item selects came from, None if nothing tells it."""


class Locks(Protocol):
    """Which fields a person locked."""

    def locked(self, item: Item, column: str) -> bool: ...


@dataclass(slots=True)
class Updates:
    """What one bundle gets: rows for the database, and the keys that no column names any more once they are written."""

    drafts: list[Draft] = field(default_factory=list)
    released: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Selecting:
    """All that decides about a value, beside the bundle itself."""

    asking: Asking
    find: Find
    locks: Locks
    members: Collection[int]  # items of which Plex makes composites

    def updates(self, names: Names, items: Sequence[Item], bundle: str, anywhere: Collection[str]) -> Updates:
        """Return what becomes of the values that name files of this bundle. ``anywhere``: keys that stay in use."""
        found = Updates()
        users: dict[str, int] = {}
        moved: dict[str, int] = {}
        for item in items:
            for column, value in item.values.items():
                if not value or not meaning.is_local(value):
                    continue
                named = _keys(value)
                for key in named:
                    users[key] = users.get(key, 0) + 1
                if not named or named[0] not in names.keys or value[:11] != "metadata://":
                    continue
                if (draft := self._draft(item, column, value, bundle)) is not None:
                    found.drafts.append(draft)
                    for key in named:
                        moved[key] = moved.get(key, 0) + 1
        found.released = {key for key, number in moved.items() if number == users[key] and key not in anywhere}
        return found

    def _draft(self, item: Item, column: str, value: str, bundle: str) -> Draft | None:
        asking = self.asking
        if column not in asking.columns or (asking.sections and item.section not in asking.sections):
            return None
        why = ""
        address = self.find(item, value)
        if address is None:
            agent, _digest = layout.agent_and_digest(value.rpartition("/")[2])
            why = "no_address" if agent else "embedded"
        elif not address.proven and not asking.policy.unproven:
            why = "unproven"
        elif not address.url.startswith("https://") and not (
            asking.policy.plain_http and address.url.startswith("http://")
        ):
            why = "plain_http"
        elif not asking.policy.locked and self.locks.locked(item, column):
            why = "locked"
        elif column == THUMB and item.id in self.members and not asking.policy.collections:
            why = "collection"
        if why or address is None:
            asking.kept[why] += 1
            return None
        return Draft(
            Klass.SELECTED,
            Action.UPDATE,
            bundle=bundle,
            item=item.id,
            section=item.section,
            title=item.title or "",
            column=column,
            old=value,
            new=address.url,
            proof=address.source if address.proven else "",
            risk=Risk.HIGH if column == ART else Risk.MEDIUM,
        )


def _keys(value: str) -> Sequence[str]:
    """Return ``layout.keys`` of a value; one, for nearly all."""
    return tuple(layout.keys(value))


def in_use(keys: Collection[str], anywhere: Collection[str], released: Collection[str]) -> Callable[[str], bool]:
    """Return the test whether a key is in use once the updates are written."""
    if released:
        return lambda key: (key in keys and key not in released) or key in anywhere
    return lambda key: key in keys or key in anywhere

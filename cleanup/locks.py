"""Which pictures a person chose on purpose: ``user_fields`` says it by numbers, of which not all are known.

The numbers of thumb and art were never established, so the server is asked by name where one is linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs

from mediasync.core.errors import WorkError

from .plexdata.index import Item
from .policy import Policy

OTHERS = frozenset({"1", "2", "7", "15", "16", "17", "19"})  # title, its sort form, summary, genre … : no pictures
FIELDS = {  # column → how the server calls the field
    "user_thumb_url": "thumb",
    "user_art_url": "art",
    "user_banner_url": "banner",
    "user_music_url": "theme",
    "user_clear_logo_url": "clearLogo",
    "user_square_art_url": "squareArt",
}
Ask = Callable[[int], Iterable[str]]
"""The names of the locked fields of an item, by its id; raises WorkError."""
MOST_ERRORS = 3  # then the server is not asked any more


class Locks:
    """Made once a unit: what the server said is kept, as an item has several columns."""

    def __init__(self, policy: Policy, ask: Ask | None = None) -> None:
        self._policy = policy
        self._ask = ask
        self._errors = 0
        self._said: dict[int, frozenset[str]] = {}

    def locked(self, item: Item, column: str) -> bool:
        """Tell whether a person locked this picture, or may have."""
        unknown = codes(item.fields) - OTHERS
        if not unknown:
            return False
        said = self._fields(item.id)
        if said is None:
            return self._policy.unknown_locked
        return FIELDS.get(column, column) in said

    def _fields(self, item: int) -> frozenset[str] | None:
        if item not in self._said:
            if self._ask is None or self._errors >= MOST_ERRORS:
                return None
            try:
                self._said[item] = frozenset(self._ask(item))
            except WorkError:
                self._errors += 1
                return None
        return self._said[item]


def codes(fields: str) -> frozenset[str]:
    """Return the numbers in ``lockedFields=1|2`` (one of several ``name=value`` pairs, joined by ``&``)."""
    if "lockedFields" not in fields:
        return frozenset()
    found: Mapping[str, list[str]] = parse_qs(fields)
    return frozenset(number for value in found.get("lockedFields", ()) for number in value.split("|") if number)

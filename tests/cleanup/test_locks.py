"""Which pictures a person locked: by number, or by asking the server."""

from __future__ import annotations

import pytest

from cleanup.locks import MOST_ERRORS, Locks, codes
from cleanup.plexdata.index import Item
from cleanup.policy import Policy
from mediasync.core.errors import Unreachable


def item(fields: str, number: int = 1) -> Item:
    return Item(number, 1, 1, None, None, "", "", "", fields, {})


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        *(("", set()), ("lockedFields=", set()), ("locked", set())),
        *(("lockedFields=1|2", {"1", "2"}), ("a=b&lockedFields=9&c=d", {"9"}), ("lockedFields=1%7C7", {"1", "7"})),
    ],
)
def test_it_reads_the_numbers(fields: str, found: set[str]) -> None:
    assert codes(fields) == found


def test_the_server_is_asked_once_an_item_and_not_for_ever() -> None:
    asked: list[int] = []

    def ask(number: int) -> list[str]:
        asked.append(number)
        if number > 1:
            raise Unreachable("no")
        return ["thumb"]

    locks = Locks(Policy(), ask)
    assert locks.locked(item("lockedFields=9"), "user_thumb_url")
    assert not locks.locked(item("lockedFields=9"), "user_art_url") and asked == [1]
    for number in range(2, 10):
        assert locks.locked(item("lockedFields=9", number), "user_thumb_url")
    assert len(asked) == 1 + MOST_ERRORS

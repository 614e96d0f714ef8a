"""The tree of a Drive in our database: what paths are made of, and what a removed id was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.models import QuerySet

from monitors.models import DriveItem

from .names import Item, as_mounted
from .places import DEEPEST

BLOCK = 500  # rows in one statement


class Tree:
    """The items of one account. Nothing here opens a transaction: the caller does."""

    def __init__(self, account_id: int, drive: str) -> None:
        self.account_id, self.drive = account_id, drive

    def with_all_above(self, idents: Iterable[str]) -> dict[str, Item]:
        """Return these items, as far as known, and every folder above them: one query a level and block."""
        found: dict[str, Item] = {}
        asked: set[str] = set()
        wanted = set(idents)
        for _ in range(DEEPEST):
            asked |= wanted
            found |= self.known(wanted)
            wanted = {item.parent for item in found.values()} - asked - {""}
            if not wanted:
                break
        return found

    def known(self, idents: Iterable[str]) -> dict[str, Item]:
        """Return those of these items that we know."""
        found: dict[str, Item] = {}
        for block in _blocks(sorted(idents)):
            rows = self._all().filter(ident__in=block).values_list("ident", "parent", "name", "is_dir")
            found |= {ident: Item(parent, name, is_dir) for ident, parent, name, is_dir in rows}
        return found

    def has(self, top: str, path: str) -> bool:
        """Tell whether there is a folder at ``path`` below the folder ``top``."""
        level = {top}
        for name in filter(None, path.split("/")):
            rows = self._all().filter(parent__in=level, name=as_mounted(name), is_dir=True)
            level = set(rows.values_list("ident", flat=True)[:BLOCK])
        return bool(level)

    def put(self, items: Mapping[str, Item]) -> None:
        """Insert or overwrite items."""
        for block in _blocks(list(items)):
            DriveItem.objects.bulk_create(
                (
                    DriveItem(account_id=self.account_id, drive=self.drive, ident=ident, **items[ident]._asdict())
                    for ident in block
                ),
                update_conflicts=True,
                unique_fields=["account", "ident"],
                update_fields=["drive", "parent", "name", "is_dir"],
            )

    def drop(self, idents: Iterable[str]) -> None:
        """Delete items with all that lies below them."""
        level, seen = sorted(set(idents)), set[str]()
        while level:
            seen |= set(level)
            below: set[str] = set()
            for block in _blocks(level):
                below |= set(self._all().filter(parent__in=block).values_list("ident", flat=True))
                self._all().filter(ident__in=block).delete()
            level = sorted(below - seen)

    def clear(self) -> None:
        """Forget all."""
        self._all().delete()

    def _all(self) -> QuerySet[DriveItem]:
        return DriveItem.objects.filter(account_id=self.account_id)


def _blocks(idents: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(idents), BLOCK):
        yield idents[start : start + BLOCK]

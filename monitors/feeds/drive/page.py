"""One page of changes: what the tree becomes, and what is to be said of it.

Old paths are made of the tree as it was, new ones of the tree after the whole page: so it does not matter in which
order a folder was renamed and something moved into it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mediasync.core.errors import MediasyncError
from monitors.accounts.gdrive_client import Drive
from monitors.models import Root

from .names import LONGEST_ID, Item, dicts_in, item_of, parents_of
from .places import Places, Told, folder_id, names_of, unknown_above
from .tree import Tree

MOST_PARENTS = 100  # that are asked for one by one, in a page
MOST_LISTINGS = 200  # of folders that appeared, in a page
AT_ONCE = 30  # folders in one listing
ID = re.compile("[A-Za-z0-9_-]+")  # what may stand in a query


class TooMuch(MediasyncError):
    """More appeared than can be asked for: the tree is read anew."""

    default_code = "drive_many"


class Page:
    """Read it, then ``told()`` says what there is to say, and ``write()`` brings the tree up to date."""

    def __init__(self, changes: Iterable[Mapping[str, Any]], tree: Tree, client: Drive, roots: Sequence[Root]) -> None:
        self._tree, self._client, self._roots, self._top = tree, client, roots, client.top()
        words = last_words(changes)
        files = [file for file in words.values() if file]
        parents = {parent for file in files for parent in parents_of(file)}
        folders = {folder_id(root) or "" for root in roots}
        self._old = tree.with_all_above({*words, *parents, *folders} - {""})
        self._gone: dict[str, Item | None] = {}
        self._here: dict[str, Item] = {}
        for ident, file in words.items():
            if ident != self._top:
                self._read(ident, file)
        self._new = {ident: item for ident, item in self._old.items() if ident not in self._gone} | self._here
        self._extra: dict[str, Item] = {}  # folders that are new to us and that no change names

    def _read(self, ident: str, file: Mapping[str, Any] | None) -> None:
        item = item_of(file, self._old) if file else None
        if not file or file.get("trashed") or str(file.get("driveId") or "") != self._client.drive:
            self._gone[ident] = self._old.get(ident) or item
        elif item is not None:
            self._here[ident] = item

    def complete(self, lost: set[str]) -> None:
        """Ask for parents that we do not know, and for what lies in folders that appeared; ``lost``: not to be had.

        Raises TooMuch.
        """
        asked = 0
        for ident in self._here:
            while (missing := unknown_above(ident, self._new, self._top)) and missing not in {*lost, *self._gone}:
                if self._load(missing):
                    continue
                asked += 1
                if asked > MOST_PARENTS:
                    raise TooMuch("Too many folders are unknown.")
                file = self._client.file(missing) if len(missing) <= LONGEST_ID else None
                item = item_of(file) if file and not file.get("trashed") else None
                if item is None or not item.is_dir:
                    lost.add(missing)
                else:
                    self._new[missing] = self._extra[missing] = item
        appeared = [ident for ident in {**self._here, **self._extra} if self._appeared(ident)]
        self._adopt(appeared)

    def _load(self, ident: str) -> bool:
        """Take a folder, and all above it, from our own tree; False: it is not there."""
        rows = self._tree.with_all_above([ident])
        self._old = {**rows, **self._old}
        self._new = {**{key: item for key, item in rows.items() if key not in self._gone}, **self._new}
        return ident in rows

    def _appeared(self, ident: str) -> bool:
        new = self._new[ident].is_dir and ident not in self._old
        return new and names_of(ident, self._new, self._top) is not None

    def _adopt(self, level: Sequence[str]) -> None:
        """Take in what lies in folders that we did not know: Drive tells of one that comes back, not of its content."""
        listings = 0
        while level:
            below: list[str] = []
            for start in range(0, len(level), AT_ONCE):
                children = dict(self._children(level[start : start + AT_ONCE]))
                ours = self._tree.known(children)  # moved here since: their own change will say so, with the old path
                for ident, item in children.items():
                    if ident not in self._new and ident not in self._gone and ident not in ours:
                        self._new[ident] = item
                        if item.is_dir:
                            self._extra[ident] = item
                            below.append(ident)
                listings += 1
                if listings > MOST_LISTINGS:
                    raise TooMuch("Too many folders appeared.")
            level = below

    def _children(self, folders: Collection[str]) -> Iterator[tuple[str, Item]]:
        either = " or ".join(f"'{ident}' in parents" for ident in folders if ID.fullmatch(ident))
        if either:
            yield from listed(self._client, f"({either}) and trashed = false")

    def told(self) -> Told:
        """Return what is to be said."""
        told = Told()
        before = Places(self._roots, self._old, self._top)
        after = Places(self._roots, self._new, self._top)
        for ident, was in self._gone.items():
            if was is not None and not self._went_with_parent(was):
                names = names_of(ident, {**self._old, ident: was}, self._top)
                told.add(before.spots(names), "delete", was.is_dir)
        for ident, item in self._here.items():
            old = self._old.get(ident)
            if old == item and item.is_dir:
                continue  # its rights or its colour
            group = ident if old is not None and old != item else ""
            if old is not None and group:
                told.add(before.spots(names_of(ident, self._old, self._top)), "delete", old.is_dir, group)
            told.add(after.spots(names_of(ident, self._new, self._top)), "upsert", item.is_dir, group)
        for ident in self._extra:
            told.add(after.spots(names_of(ident, self._new, self._top)), "upsert", True)
        return told

    def _went_with_parent(self, item: Item) -> bool:
        """Tell whether a folder above it is gone too: one notice is enough."""
        above: set[str] = set()
        while item.parent not in above:
            if item.parent in self._gone:
                return True
            above.add(item.parent)
            item = self._old.get(item.parent, Item("", "", True))
        return False

    def write(self) -> None:
        """Bring the tree up to date; what lies in folders that are gone goes with them."""
        self._tree.put({ident: item for ident, item in self._new.items() if self._old.get(ident) != item})
        self._tree.drop(self._gone)


def last_words(changes: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any] | None]:
    """Return the last that was said of each file; None: it is gone, or not ours to see any more."""
    words: dict[str, Mapping[str, Any] | None] = {}
    for change in changes:
        ident, file = str(change.get("fileId") or ""), change.get("file")
        if not 0 < len(ident) <= LONGEST_ID or change.get("changeType", "file") != "file":
            continue  # the shared drive itself, or rubbish
        if change.get("removed"):
            words[ident] = None
        elif isinstance(file, dict) and file.get("name"):
            words[ident] = file
    return words


def listed(client: Drive, query: str) -> Iterator[tuple[str, Item]]:
    """Yield the items that fit a query, all pages."""
    page = ""
    while True:
        answer = client.listing(page, query)
        yield from items_in(answer, client.drive)
        page = str(answer.get("nextPageToken") or "")
        if not page:
            return


def items_in(answer: Mapping[str, Any], drive: str) -> Iterator[tuple[str, Item]]:
    """Yield the items of one page of a listing."""
    for file in dicts_in(answer, "files"):
        ident = str(file.get("id") or "")
        item = item_of(file) if 0 < len(ident) <= LONGEST_ID else None
        if item is not None and str(file.get("driveId") or "") == drive:
            yield ident, item

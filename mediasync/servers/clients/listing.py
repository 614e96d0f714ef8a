"""Which of many paths are in a library, with as few questions as its size allows.

What was added last is what is asked about most: so the newest pages are read first, as long as each shows something.
What is not on them is asked for one by one if that is less than the rest of the library has pages, or else
the whole library is read. Of one that is too long, only some of the rest are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mediasync.core import foreign

from .base import Known, Turn

PAGE = 500  # items in one answer
MOST_PAGES = 60  # of one library: 30,000 items; and questions about single paths, where it has more
FEW = 3  # paths that are asked for at once, without the newest page


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a library, newest first: (path, the server's id of the item); and how many items there are."""

    files: Sequence[tuple[str, str]]
    total: int


class Index:
    """The files that were listed, and all folders above them."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, ...], str] = {}

    def add(self, files: Iterable[tuple[str, str]]) -> None:
        for path, item in files:
            try:
                key = foreign.split(path).key
            except ValueError:  # "smb://…": no path of ours
                continue
            for length in range(len(key), 0, -1):
                if key[:length] in self._items:
                    break
                self._items[key[:length]] = item

    def find(self, path: str) -> Known | None:
        """Return what is known of a file, or of anything in a folder; None if it was not listed."""
        item = self._items.get(foreign.split(path).key)
        return None if item is None else Known(True, item)


class Listing:
    """The pages of a library that were read so far, from the newest on."""

    def __init__(self, page: Callable[[int], Page], turn: Turn) -> None:
        self._page, self._turn = page, turn
        self.index, self.read, self.left = Index(), 0, 1  # pages
        self.whole = True  # else something may have moved from page to page, and been missed
        self._total: int | None = None

    @property
    def short(self) -> bool:
        """Tell whether all of it can be read."""
        return self.read + self.left <= MOST_PAGES

    def read_on(self) -> None:
        """Read the next page."""
        self._turn()
        answer = self._page(self.read * PAGE)
        self.index.add(answer.files)
        self.whole = self.whole and self._total in (None, answer.total)
        self._total, self.read = answer.total, self.read + 1
        self.left = max(0, -(-answer.total // PAGE) - self.read)


def find_all(
    paths: Iterable[str], page: Callable[[int], Page], ask: Callable[[str], Known], turn: Turn
) -> dict[str, Known]:
    """Return what a library knows of each path (normalised). ``page(start)`` lists it, ``ask(path)`` looks for one."""
    found: dict[str, Known] = {}
    missing = list(dict.fromkeys(paths))
    listing, asked = Listing(page, turn), len(missing) <= FEW
    if asked:
        missing = _ask_each(missing, found, ask, turn)
    fruitful = True
    while missing and fruitful and listing.left and listing.read < MOST_PAGES:
        listing.read_on()
        before, missing = len(missing), _take(missing, found, listing.index)
        fruitful = len(missing) < before
    if missing and not asked and (len(missing) <= listing.left or not listing.short):
        missing = [*_ask_each(missing[:MOST_PAGES], found, ask, turn), *missing[MOST_PAGES:]]
    while missing and listing.left and listing.short:
        listing.read_on()
    missing = _take(missing, found, listing.index)
    return found | dict.fromkeys(missing, Known(False if listing.whole and not listing.left else None))


def _take(paths: Sequence[str], found: dict[str, Known], index: Index) -> list[str]:
    """Move the paths that were listed to ``found``; return the others."""
    for path in paths:
        if (known := index.find(path)) is not None:
            found[path] = known
    return [path for path in paths if path not in found]


def _ask_each(paths: Sequence[str], found: dict[str, Known], ask: Callable[[str], Known], turn: Turn) -> list[str]:
    """Ask for each path; return those that the server cannot tell of in this way."""
    unclear = []
    for path in paths:
        turn()
        known = ask(path)
        if known.here is None:
            unclear.append(path)
        else:
            found[path] = known
    return unclear

"""Which of many paths are in a library, with as few questions as its size allows.

What was added last is what is asked about most: so the newest page is read first. What is not on it is asked for one by
one if that takes fewer questions than the rest of the library has pages, or else the whole library is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mediasync.core import foreign

from .base import Known, Turn

PAGE = 500  # items in one answer
MOST_PAGES = 60  # of one library: 30,000 items
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


def find_all(
    paths: Iterable[str], page: Callable[[int], Page], ask: Callable[[str], Known], turn: Turn
) -> dict[str, Known]:
    """Return what a library knows of each path (normalised). ``page(start)`` lists it, ``ask(path)`` looks for one."""
    found: dict[str, Known] = {}
    missing = list(dict.fromkeys(paths))
    if len(missing) <= FEW:
        missing = _ask_each(missing, found, ask, turn)
    if not missing:
        return found
    index = Index()
    total = _read(index, page, turn, 0)
    missing = _take(missing, found, index)
    pages = -(-total // PAGE) - 1  # that were not read
    if missing and FEW < len(missing) <= pages:
        missing = _ask_each(missing, found, ask, turn)
    if missing and pages <= MOST_PAGES:
        whole = True
        for number in range(1, pages + 1):
            whole = _read(index, page, turn, number * PAGE) == total and whole
        missing = _take(missing, found, index)
        if whole:  # else something moved from page to page, and may have been missed
            return found | dict.fromkeys(missing, Known(False))
    return found | dict.fromkeys(missing, Known(None))


def _read(index: Index, page: Callable[[int], Page], turn: Turn, start: int) -> int:
    turn()
    answer = page(start)
    index.add(answer.files)
    return answer.total


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

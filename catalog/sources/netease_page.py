"""NetEase's square as a page for people: read where the plain address does not answer in JSON.

Its list is ``<ul class="m-cvrlst">``: in each entry a link of class ``msk`` with ``/playlist?id=`` and the name as its
title, and a ``<span class="nb">`` with how often it was played ("4321", "12万", "1.5亿").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

UNITS = {"": 1, "万": 10_000, "亿": 100_000_000}
_ID = re.compile(r"[?&]id=(\d+)")
_PLAYS = re.compile(r"([\d.]+)\s*(万|亿|)")


@dataclass(slots=True)
class Shown:
    """A playlist of the page; ``plays`` is None where it does not say."""

    number: str
    name: str
    plays: int | None = None


class _Square(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Shown] = []
        self.is_square = False  # the list is there, be it empty
        self._inside = 0  # open <ul>
        self._counting = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        classes = said.get("class", "").split()
        if tag == "ul" and (self._inside or "m-cvrlst" in classes):
            self.is_square = True
            self._inside += 1
        if not self._inside:
            return
        if tag == "a" and "msk" in classes and (number := _ID.search(said.get("href", ""))):
            self.found.append(Shown(number.group(1), said.get("title", "").strip()))
        self._counting = tag == "span" and "nb" in classes

    def handle_endtag(self, tag: str) -> None:
        self._counting = False
        if tag == "ul" and self._inside:
            self._inside -= 1

    def handle_data(self, data: str) -> None:
        if self._counting and self.found and (plays := _plays(data)) is not None:
            self.found[-1].plays = plays


def read(page: str) -> list[Shown] | None:
    """Return the playlists of a page; None if it is not that page."""
    square = _Square()
    try:
        square.feed(page)
        square.close()
    except AssertionError:  # how the parser says that "<![…" is no HTML
        return None
    return square.found if square.is_square else None


def _plays(text: str) -> int | None:
    found = _PLAYS.fullmatch(text.strip())
    try:
        return round(float(found.group(1)) * UNITS[found.group(2)]) if found else None
    except (ValueError, OverflowError):
        return None

"""What a file name says: the title of a film or of a show; and by which titles a folder goes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mediasync.core.errors import UsageError
from mediasync.core.paths import to_bytes
from monitors.keep import kind_of

from .guessing import guess

LONGEST = 1000  # characters; a name on a disk has at most 255 bytes, a few folders may stand before it
FOLDERS = 3  # components that are looked at: Show/Season 01/01.mkv
SHOW, FILM = "show", "film"

_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]|\{.*?\}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says. ``sure`` False: nothing in it tells a film from a show."""

    title: str
    kind: str  # SHOW or FILM
    year: int | None = None
    sure: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of libraries to look in, the likely one first."""
        return (self.kind,) if self.sure else (FILM, SHOW)


def parse(name: str) -> Named:
    """Return what a file name (or the end of a path) says; UsageError for one that holds no title."""
    tidy = name.strip().replace("\\", "/").strip("/")
    if not tidy or len(name) > LONGEST or "\0" in name or not _storable(name):
        raise UsageError(f"Give the name of a file, at most {LONGEST} characters.", code="no_name")
    found = guess("/".join(tidy.split("/")[-FOLDERS:]))
    title = _one(found.get("title")) or ("" if found.get("type") == "episode" else _stem(tidy.split("/")[-1]))
    if not fold(title):
        raise UsageError("There is no title in this name.", code="no_title")
    year = _one(found.get("year"))
    if fold(title) == str(year):  # the film "2012", which is of 2009
        year = None
    if found.get("type") == "episode":
        return Named(title.strip(), SHOW, year)
    is_video = kind_of(to_bytes(tidy)) == "video"  # the folder of a show has a year in its name too
    return Named(title.strip(), FILM, year, sure=year is not None and is_video)


def _one(value: Any) -> Any:
    """Return the first of several findings."""
    return value[0] if isinstance(value, list) else value


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stem(name: str) -> str:
    """Return the name without the extension of a video; "Mr.Robot" has none."""
    return name.rpartition(".")[0] if kind_of(to_bytes(name)) == "video" else name


def fold(title: str) -> str:
    """Return what two spellings of a title share: no case, accents, punctuation; "&" is "and"."""
    plain = unicodedata.normalize("NFKD", title.replace("&", " and ")).casefold()
    letters = (" " if not char.isalnum() else char for char in plain if char not in "'’`" and not _is_mark(char))
    return " ".join("".join(letters).split())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def titles(name: str) -> Iterator[tuple[str, int | None]]:
    """Yield the (folded title, year) by which a folder or film may go: "Dune (2021)", "Dune.2021.1080p.mkv"."""
    name = _stem(name)
    bracket = _BRACKETS.search(name)
    head = name[: bracket.start()] if bracket and bracket.start() else _BRACKETS.sub(" ", name)
    years = [int(found.group()) for part in _BRACKETS.findall(name) for found in _YEAR.finditer(part)]
    yield fold(head), years[0] if years else None
    for found in _YEAR.finditer(head):
        if before := fold(head[: found.start()]):
            yield before, int(found.group())


def fits(named: Named, name: str) -> bool:
    """Tell whether a folder or film of this name is what was named. A year counts only where both have one."""
    wanted = fold(named.title)
    for title, year in titles(name):
        if title == wanted and (year is None or named.year is None or year == named.year):
            return True
        # "Show 2010" may be guessed as title and year, and stand so in the name of the folder.
        if year is None and named.year is not None and title == f"{wanted} {named.year}":
            return True
    return False

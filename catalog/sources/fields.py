"""Small readers for answers whose shape nobody promised: whatever is missing or odd becomes nothing."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit


def address(url: str) -> SplitResult:
    """Take an address apart; all parts of one that is none are empty."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def table(found: Any, *path: str) -> dict[str, Any]:
    """Return the object at ``path`` inside an answer; {} where there is none."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def rows(found: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at ``path`` inside an answer; [] where there is none."""
    inside = table(found, *path[:-1]).get(path[-1]) if path else found
    return [each for each in inside if isinstance(each, dict)] if isinstance(inside, list) else []


def text(found: Any) -> str:
    """Return text without HTML entities; numbers as they are written, "" for all else."""
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return html.unescape(str(found)).strip()


def whole(found: Any) -> int | None:
    """Return a number that is 0 or more, also one that was sent as text; else None."""
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    try:
        exact = isinstance(found, int) or (isinstance(found, str) and found.strip().isdecimal())
        number = int(found) if exact else int(float(found))  # ids may be longer than a float is exact
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**63 else None


def seconds(found: Any, per_second: int = 1) -> float | None:
    """Return a length in seconds; None for what is none."""
    number = whole(found)
    return number / per_second if number else None


def some(found: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return what describes a song for good: these entries, as far as they say anything."""
    return {name: found[name] for name in names if found.get(name) not in (None, "", [], {}, 0)}


def made_id(prefix: str, *parts: object) -> str:
    """Return an id for what has none, the same as long as ``parts`` are."""
    return prefix + hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:20]

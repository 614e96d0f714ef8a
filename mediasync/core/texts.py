"""Text from elsewhere, made fit to be stored."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return text that every database takes: no NUL, no half of a character (JSON can say both)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def small_number(value: object) -> int | None:
    """Return a number from elsewhere if it is one that every database takes (0 … 99999), else None."""
    try:
        found = int(value) if isinstance(value, int | str) else -1
    except ValueError:
        return None
    return found if 0 <= found <= 99_999 else None

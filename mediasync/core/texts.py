"""Text from elsewhere, made fit to be stored."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return text that every database takes: no NUL, no half of a character (JSON can say both)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()

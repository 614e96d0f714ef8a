"""A line of the log, without the secret in the address of a hook: Django logs the address of what it refuses."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(r"(/hooks/[^/\s?'\"]+/)[^/\s?'\"]+")


def without_secrets(text: str) -> str:
    """Return a text whose addresses of hooks end before their secret."""
    return _SECRET.sub(r"\1…", text)


class Line(logging.Formatter):
    """Write a record, and the error in it, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))

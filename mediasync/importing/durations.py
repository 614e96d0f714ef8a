"""Lengths of time as each program writes them."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from .tree import Node

GO = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = 10 * 365 * 86400.0
_GO = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_WORDS = re.compile(r"([\d.]+)\s*(w|d|h|m|s)[a-z]*[\s,/]*", re.I)
WORDS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def go(node: Node) -> float:
    """Return seconds of ``1m30s``; a number without a unit is nanoseconds, as Go takes it."""
    text = node.string().strip()
    if text.isdecimal():
        return _checked(node, float(text) * GO["ns"])
    return _checked(node, _sum(_GO, text, GO))


def words(node: Node) -> float:
    """Return seconds of ``1h``, ``1 day`` or ``90 min`` (what the Python package pytimeparse reads)."""
    text = node.string().strip()
    clock = re.fullmatch(r"(?:(\d+):)?(\d{1,2}):(\d{2})", text)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return _checked(node, hours * 3600.0 + minutes * 60 + seconds)
    return _checked(node, _sum(_WORDS, text, WORDS))


def seconds(node: Node) -> float:
    """Return a plain number of seconds."""
    try:
        return _checked(node, float(node.string().strip()))
    except ValueError:
        return _checked(node, None)


def _sum(pattern: re.Pattern[str], text: str, units: dict[str, float]) -> float | None:
    """Add the parts of a text that consists of nothing else."""
    total, at = 0.0, 0
    while found := pattern.match(text, at):
        try:
            total += float(found.group(1)) * units[found.group(2).lower()]
        except ValueError:  # 1.2.3
            return None
        at = found.end()
    return total if at and at == len(text) else None


def _checked(node: Node, value: float | None) -> float:
    if value is None or not 0 <= value <= LONGEST:
        raise node.wrong(_("a length of time (30s, 10m, 1h)"))
    return value

"""Filters of other programs (expressions, paths) as the globs of a root."""

from __future__ import annotations

import re

from mediasync.core.paths import is_within, normalise, relative

from .rewrites import literal

_SUFFIX = re.compile(r"(?:\^?\.\*)?\\\.\(?(?:\?:)?([\w|]+)\)?\$")
_NAME = re.compile(r"(?:\.\*)?/([\w @.+-]+)/(?:\.\*)?")
_SPECIAL = re.compile(r"([*?\[\]{}!])")


def from_regex(expression: str, root: str) -> str | None:
    """Return the glob below ``root`` for an expression; "" if it takes in all of the root, None if there is none."""
    if found := _SUFFIX.fullmatch(expression):
        endings = [each for each in found.group(1).split("|") if each]
        return f"*.{endings[0]}" if len(endings) == 1 else f"*.{{{','.join(endings)}}}"
    path = literal(expression)
    if path is not None and expression.startswith("^"):
        return below(path, root)
    if found := _NAME.fullmatch(expression):
        return escape(found.group(1)) + "/"
    return None


def below(path: str, root: str) -> str | None:
    """Return the glob for one folder of a root; "" for the root itself or what holds it, None for one elsewhere."""
    try:
        path = normalise(path)
    except ValueError:
        return None
    if is_within(root, path):
        return ""
    return "/" + escape(relative(path, root)) if is_within(path, root) else None


def escape(text: str) -> str:
    """Return a name as a glob that matches only this name."""
    return _SPECIAL.sub(lambda found: f"[{found.group()}]" if found.group() != "!" else "!", text)

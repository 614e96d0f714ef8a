"""The fast test "is this entry wanted?", made from ``filters.Filter.spec()``.

Plain Python with next to no imports: the walker's child process uses it. It is called once an entry (0.15 µs), so each
kind of spec has its own short function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monitors.extensions import JUNK_EXTENSIONS, JUNK_NAMES, JUNK_PREFIXES, KINDS

Keep = Callable[[bytes, bool, bytes], bool]  # (name, is_dir, path below the root) → is it wanted?

_DOT = ord(".")
_JUNK_NAMES = frozenset(name.encode() for name in JUNK_NAMES)
_JUNK_PREFIXES = tuple(prefix.encode() for prefix in JUNK_PREFIXES)
_JUNK_EXTENSIONS = frozenset(extension.encode() for extension in JUNK_EXTENSIONS)
_KIND_OF = {extension.encode(): kind for kind, extensions in KINDS.items() for extension in extensions}


def kind_of(name: bytes) -> str:
    """Return the kind of a file by its name ("" for any other); a known extension decides, not a dot."""
    stem, _dot, extension = name.rpartition(b".")
    return _KIND_OF.get(extension.lower(), "") if stem else ""


def make_keep(spec: dict[str, Any]) -> Keep:
    """Return the test for a spec. It reads its third argument only if ``spec["paths"]``."""
    plain = _make_plain(spec["hidden"], spec["extensions"])
    return _with_globs(plain, spec["include"], spec["exclude"]) if spec["paths"] else plain


def _make_plain(hidden: bool, extensions: frozenset[bytes] | None) -> Keep:
    """Return the test for names alone."""
    names, prefixes, unfinished = _JUNK_NAMES, _JUNK_PREFIXES, _JUNK_EXTENSIONS

    def keep(name: bytes, is_dir: bool, below: bytes) -> bool:
        lower = name.lower()
        if lower[0] == _DOT and (not hidden or lower.startswith(prefixes)):
            return False
        if lower in names:
            return False
        if is_dir:
            return True
        stem, _dot, extension = lower.rpartition(b".")
        if extensions is None:
            return extension not in unfinished or not stem
        return extension in extensions and stem != b""

    return keep


def _with_globs(plain: Keep, include: str, exclude: str) -> Keep:
    """Return the test that also matches paths; a folder is never left out for want of an include."""
    import re

    wanted = re.compile(include).match if include else None
    unwanted = re.compile(exclude).match if exclude else None

    def keep(name: bytes, is_dir: bool, below: bytes) -> bool:
        if not plain(name, is_dir, below):
            return False
        path = below.decode("utf-8", "surrogateescape")
        if is_dir:
            path += "/"
        if unwanted is not None and unwanted(path):
            return False
        return is_dir or wanted is None or wanted(path) is not None

    return keep

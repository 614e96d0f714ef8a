"""Why a root leaves something out: the first name on the way down that its filter refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediasync.core.paths import to_bytes
from monitors.filters import Filter, make_keep
from monitors.keep import kind_of
from monitors.models import Root


def left_out(root: Root, below: str, is_dir: bool) -> tuple[str, dict[str, Any]] | None:
    """Return the code (texts.py) and the facts of why a path below a root does not count; None: it counts."""
    names = below.split("/") if below else []
    for depth, name in enumerate(names):
        folder = is_dir or depth < len(names) - 1
        if found := _refused(root, name, "/".join(names[: depth + 1]), folder):
            return found
    return None


def _refused(root: Root, name: str, path: str, folder: bool) -> tuple[str, dict[str, Any]] | None:
    raw, below = to_bytes(name), to_bytes(path)
    facts = {"name": name}
    if not _keeps(Filter(hidden=root.hidden), raw, folder, below):
        if name.startswith(".") and _keeps(Filter(hidden=True), raw, folder, below):
            return "explain_hidden", facts
        return "explain_junk", facts
    if not _keeps(Filter(tuple(root.kinds), hidden=root.hidden), raw, folder, below):
        return "explain_kind", facts | {"kinds": ", ".join(root.kinds), "kind": kind_of(raw) or "–"}
    for glob in _texts(root.exclude):
        if not _keeps(Filter(exclude=(glob,), hidden=True), raw, folder, below):
            return "explain_excluded", facts | {"glob": glob}
    if not folder and root.include and not _keeps(Filter(include=_texts(root.include), hidden=True), raw, False, below):
        return "explain_not_included", facts | {"globs": ", ".join(_texts(root.include))}
    return None


def _texts(globs: Any) -> tuple[str, ...]:
    found: Sequence[str] = globs or ()
    return tuple(found)


def _keeps(chosen: Filter, name: bytes, folder: bool, below: bytes) -> bool:
    return make_keep(chosen.spec())(name, folder, below)

"""From the words of a command line to roots and folders in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from mediasync.core.errors import NotFound, UsageError
from mediasync.core.paths import for_people, to_bytes, to_text

from . import guards, selectors, services
from .filesystems import place_of
from .models import Root


@dataclass(slots=True)
class Target:
    """A root, and the folders in it that are meant; none means all of it."""

    root: Root
    paths: list[str] = field(default_factory=list)


def resolve(words: Sequence[str], *, may_add: Callable[[str], bool], actor: str = "") -> list[Target]:
    """Return what is meant: roots by name, id or path, and folders in roots; all enabled roots without words.

    ``may_add(path)`` is asked for a folder that lies in no root. ``words`` are stored text.
    """
    if not words:
        targets = [Target(root) for root in selectors.enabled_roots()]
        if not targets:
            text = _("There are no roots yet. Add one: manage.py crawl --add /path/to/media")
            raise UsageError(text, code="no_roots")
        return targets
    found: dict[int, Target] = {}
    for word in words:
        root, below = _one(word, may_add, actor)
        target = found.setdefault(root.pk, Target(root, [] if below is None else [below]))
        if below is None:
            target.paths = []
        elif target.paths and below not in target.paths:
            target.paths.append(below)
    return list(found.values())


def _one(word: str, may_add: Callable[[str], bool], actor: str) -> tuple[Root, str | None]:
    try:
        return selectors.root_named(word), None
    except NotFound:
        if "/" not in word and not os.path.lexists(to_bytes(word)):
            raise
    path = to_text(os.path.abspath(to_bytes(word)))
    for candidate in _ways(path):
        if inside := selectors.root_of(candidate):
            root, below = inside
            return root, _folder(root, below) or None
    if not may_add(path):
        text = _("%(path)s lies in no root. Make it one: manage.py crawl --add %(path)s")
        raise UsageError(text % {"path": for_people(path)}, code="no_root", path=path)
    return services.add_root(path, crawl=False, actor=actor), None


def _ways(path: str) -> Iterator[str]:
    """Yield a path as it was said, and then without links; the latter asks the disk, which may hang."""
    yield path
    yield to_text(os.path.realpath(to_bytes(path)))


def _folder(root: Root, below: str) -> str:
    """Return the folder itself, or the one that a file lies in; a mount that hangs is left to the crawl's guard."""
    path = os.path.join(to_bytes(root.path), to_bytes(below))
    if place_of(path).is_remote:
        seen = guards.look_in_child(path, b"", 1)
        is_file = seen is not None and seen["errno"] == errno.ENOTDIR
    else:
        is_file = os.path.lexists(path) and not os.path.isdir(path)
    return below.rpartition("/")[0] if below and is_file else below

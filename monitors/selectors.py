"""Reading: roots by name or path, what is held, what waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mediasync.core.errors import NotFound
from mediasync.core.paths import for_people, is_within, relative
from mediasync.jobs import registry

from .models import Change, Directory, Root

BLOCK = 500  # ids in one IN (…)


def enabled_roots() -> QuerySet[Root]:
    """Return the roots that are looked at, in the order of their names."""
    return Root.objects.filter(enabled=True).order_by("name")


def root_named(word: str) -> Root:
    """Return the root with this name, id or path; NotFound names those that exist."""
    root = Root.objects.filter(name=word).first() or Root.objects.filter(path=word.rstrip("/") or "/").first()
    if root is None and word.isdecimal():
        root = Root.objects.filter(pk=int(word)).first()
    if root is None:
        names = ", ".join(Root.objects.order_by("name").values_list("name", flat=True)) or "–"
        text = _("There is no root “%(word)s”. There are: %(names)s")
        raise NotFound(text % {"word": for_people(word), "names": names}, code="no_root", root=word)
    return root


def root_of(path: str, roots: Iterable[Root] | None = None) -> tuple[Root, str] | None:
    """Return the root in which an absolute path lies and the path below it; None if it lies in none."""
    for root in Root.objects.all() if roots is None else roots:
        if is_within(path, root.path):
            return root, relative(path, root.path)
    return None


def held(root: Root | None = None) -> QuerySet[Change]:
    """Return the removals that wait for a person."""
    rows = Change.objects.filter(state=Change.State.HELD)
    return rows if root is None else rows.filter(root=root)


def subtree_ids(directory_ids: Sequence[int]) -> list[int]:
    """Return the ids of these directories and of all below them (level by level, through the index on the parent)."""
    found, level = list(directory_ids), list(directory_ids)
    while level:
        children: list[int] = []
        for start in range(0, len(level), BLOCK):
            rows = Directory.objects.filter(parent_id__in=level[start : start + BLOCK])
            children += rows.values_list("pk", flat=True)
        found += children
        level = children
    return found


def look_kind() -> str:
    """Return the kind of job that follows a change: the whole way if it is there, else only the crawl."""
    return "sync" if any(kind.name == "sync" for kind in registry.kinds()) else "crawl"


def lane_of(root_id: int) -> str:
    """Return the lane that all work on a root's snapshot and links shares."""
    return f"root:{root_id}"

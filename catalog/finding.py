"""Find playlists by what an address says: platform, kind of pool, state, words, only what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from mediasync.core.errors import UsageError

from .models import Playlist, PoolPlaylist
from .selectors import State, with_coverage

NO = {"", "0", "false", "no", "off", "none", "null"}
LARGEST_PAGE = 200


def truth(text: str | None) -> bool:
    """Return what a boolean-like value means; nothing, and what is empty, means false."""
    return (text or "").strip().lower() not in NO


def page_size(text: str, default: int = 50) -> int:
    """Return a number of rows from 1 to 200; the default for what is none."""
    return min(max(int(text[:9]), 1), LARGEST_PAGE) if text.isdecimal() else default


def in_pools(rows: QuerySet[Any], *, kind: str = "", pool: int = 0) -> QuerySet[Any]:
    """Keep the playlists that are in a pool of this kind, or in this pool."""
    links = PoolPlaylist.objects.filter(playlist=OuterRef("pk"))
    if kind:
        rows = rows.filter(Exists(links.filter(pool__kind=kind)))
    return rows.filter(Exists(links.filter(pool=pool))) if pool else rows


def find(query: Mapping[str, str]) -> QuerySet[Any]:
    """Return the playlists, with their coverage, that an address asks for; UsageError for a state that is none."""
    rows: QuerySet[Any] = with_coverage(Playlist.objects.all())
    if platform := query.get("platform", "").strip():
        rows = rows.filter(platform=platform)
    rows = in_pools(rows, kind=query.get("pool_kind", "").strip())
    if status := query.get("status", "").strip():
        if status not in State.values:
            raise UsageError(f"No state {status!r}; there are: {', '.join(State.values)}.", code="no_state")
        rows = rows.filter(status=status)
    if keyword := query.get("keyword", "").strip():
        rows = rows.filter(name__icontains=keyword)
    if truth(query.get("wanted_only")):
        rows = rows.filter(wanted=True)
    return rows.order_by("-pk")


def numbers(text: str) -> list[int]:
    """Return the numbers in "1, 2,3"; what is none is left out."""
    parts = (part.strip() for part in text.split(","))
    return list(dict.fromkeys(int(part[:18]) for part in parts if part.isdecimal()))

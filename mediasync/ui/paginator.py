"""A paginator that never counts a huge table to its end."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class CappedPaginator(Paginator[Any]):
    """Counts at most ``cap`` rows; what lies beyond is reached by a filter or a search, and shown as "10000+"."""

    cap = 10_000

    @cached_property
    def _seen(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: self.cap + 1].count()
        return len(rows)

    @cached_property
    def count(self) -> int:
        return min(self._seen, self.cap)

    @property
    def capped(self) -> bool:
        """True when there are more rows than were counted."""
        return self._seen > self.cap

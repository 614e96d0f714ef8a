"""The filters of the list of playlists. What is empty or odd in an address means "no filter", never an error."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mediasync.ui.filters import TabFilter

from . import finding
from .models import Playlist, Pool
from .selectors import State

PAGE_SIZES = (25, 50, 100, 200)


class StatusTabs(TabFilter):
    title = _("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in State.values else queryset


class PlatformFilter(admin.SimpleListFilter):
    title = _("platform")
    parameter_name = "platform"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = Playlist.objects.order_by("platform").values_list("platform", flat=True).distinct()
        return [(name, name) for name in names[:50]]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(platform=self.value()) if self.value() else queryset


class PoolKindFilter(admin.SimpleListFilter):
    title = _("kind of pool")
    parameter_name = "pool_kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Pool.Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return finding.in_pools(queryset, kind=self.value() or "")


class PoolFilter(admin.SimpleListFilter):
    title = _("pool")
    parameter_name = "pool"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the pool that the address names: it is chosen in the list of pools."""
        number = self.value() or ""
        pools = Pool.objects.filter(pk=int(number[:18])) if number.isdecimal() else Pool.objects.none()
        return [(str(pool.pk), pool.name) for pool in pools]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        number = self.value() or ""
        return finding.in_pools(queryset, pool=int(number[:18])) if number.isdecimal() else queryset


class WantedFilter(admin.SimpleListFilter):
    title = _("wanted")
    parameter_name = "wanted_only"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Only what is wanted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(wanted=True) if finding.truth(self.value()) else queryset


class PageSize(admin.SimpleListFilter):
    title = _("rows on a page")
    parameter_name = "page_size"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(size), str(size)) for size in PAGE_SIZES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class PlaylistList(ChangeList):
    """A list whose address may say how many rows a page has."""

    def get_results(self, request: HttpRequest) -> None:
        self.list_per_page = finding.page_size(request.GET.get("page_size", ""), self.list_per_page)
        super().get_results(request)


FILTERS = (StatusTabs, PlatformFilter, PoolKindFilter, PoolFilter, WantedFilter, PageSize)

"""The heartbeat of all feeds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import for_people
from mediasync.jobs import registry
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age

from . import admin_feed_cells as cells
from . import services
from .feeds.lead import leader
from .models import FeedState


@admin.register(FeedState)
class FeedStateAdmin(ReadOnlyAdmin[FeedState]):
    list_display = (
        *("feed", "tells_of", "state_now", "row_buttons", "why", "last_event", "last_success"),
        *("watches", "events", "gaps"),
    )
    list_filter = ("state", "kind")
    ordering = ("kind", "key")
    fields = (
        *("feed", "tells_of", "state_now", "why", "changed", "last_event", "last_success", "beat"),
        *("watches", "events", "gaps", "starts", "details"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedState]:
        return super().get_queryset(request).select_related("root", "account")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and not leader():
            messages.warning(request, registry.text("feed_nobody"))
        return super().changelist_view(request, extra_context)

    @display(description=_("Feed"), ordering="kind")
    def feed(self, obj: FeedState) -> str:
        return str(cells.kind_name(obj.kind))

    @display(description=_("Tells of"))
    def tells_of(self, obj: FeedState) -> SafeString | str:
        for name, row in (("root", obj.root), ("account", obj.account)):
            if row is not None:
                return format_html('<a href="{}">{}</a>', reverse(f"admin:monitors_{name}_change", args=[row.pk]), row)
        return obj.key

    @display(description=_("State"), ordering="state")
    def state_now(self, obj: FeedState) -> SafeString:
        return cells.state_badge(obj)

    @display(description=_("Why"))
    def why(self, obj: FeedState) -> str:
        return cells.sentence(obj) or "–"

    @display(description=_("Since"))
    def changed(self, obj: FeedState) -> SafeString:
        return age(obj.since)

    @display(description=_("Last event"), ordering="event_at")
    def last_event(self, obj: FeedState) -> SafeString:
        return age(obj.event_at)

    @display(description=_("Last success"), ordering="ok_at")
    def last_success(self, obj: FeedState) -> SafeString:
        return age(obj.ok_at)

    @display(description=_("Last heartbeat"))
    def beat(self, obj: FeedState) -> SafeString:
        return age(obj.beat_at)

    @display(description=_("Watches"))
    def watches(self, obj: FeedState) -> str:
        held, limit = obj.facts.get("watches"), obj.facts.get("limit")
        if held is None:
            return "–"
        numbers = {name: number_format(n, force_grouping=True) for name, n in (("held", held), ("limit", limit or 0))}
        return _t("%(held)s of %(limit)s") % numbers

    @display(description=_("Details"))
    def details(self, obj: FeedState) -> str:
        return ", ".join(f"{name}: {for_people(str(value))}" for name, value in sorted(obj.facts.items())) or "–"

    @button(_("Restart"), bulk=True)
    def restart(self, request: HttpRequest, row: FeedState) -> Answer:
        services.restart_feed(row)
        return _t("%s starts anew.") % self.feed(row)

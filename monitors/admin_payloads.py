"""What hooks received: the body, what was made of it, and where each path went."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.jobs import registry
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import Tone, age, badge, explain_address, path

from .hooks import payloads, tracing
from .models import Payload
from .triggers import Received, Rejected
from .triggers.base import plain

TONES: dict[str, Tone] = {"received": "busy", "done": "ok", "ignored": "idle", "rejected": "bad"}
MOST = 64 * 1024  # characters of a body that are shown


class StateTabs(TabFilter):
    """Payloads by state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(Payload.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Payload)
class PayloadAdmin(ReadOnlyAdmin[Payload]):
    change_form_template = "monitors/payload.html"
    list_display = ("when", "hook", "what", "state_badge", "row_buttons", "paths", "hints", "why", "explained")
    list_display_links = ("when",)
    list_filter = (StateTabs, "hook")
    list_select_related = ("hook",)
    ordering = ("-id",)
    fields = (
        *("at", "hook", "sender", "method", "path", "query", "what", "state_badge", "why"),
        *("paths", "hints", "parsed_at", "replayed", "explained"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payload]:
        return super().get_queryset(request).defer("body", "headers", "notices")

    def own_urls(self) -> list[URLPattern]:
        return [self.page("<int:pk>/explain/", self.explain, "explain")]

    # -- Columns

    @display(description=_("When"), ordering="id")
    def when(self, row: Payload) -> SafeString:
        return age(row.at)

    @display(description=_("Event"))
    def what(self, row: Payload) -> str:
        return row.event or "–"

    @display(description=_("State"))
    def state_badge(self, row: Payload) -> SafeString:
        return badge(Payload.State(row.state).label, TONES[row.state])

    @display(description=_("Paths"))
    def paths(self, row: Payload) -> str:
        return str(row.params.get("paths", "–"))

    @display(description=_("Why"))
    def why(self, row: Payload) -> str:
        return registry.text(row.code, row.params) if row.code else ""

    @display(description=_("Explain"))
    def explained(self, row: Payload) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse(self.url_name("explain"), args=[row.pk]), _("Explain"))

    @display(description=_("Replay of"))
    def replayed(self, row: Payload) -> SafeString:
        if not row.replay_of_id:
            return SafeString("–")
        return format_html(
            '<a href="{}">#{}</a>', reverse(self.url_name("change"), args=[row.replay_of_id]), row.replay_of_id
        )

    # -- Pages

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        obj: Payload | None = more.get("obj")
        if obj is not None:
            context |= {"ways": shown(tracing.ways_of(obj, tracing.stored(obj)), obj), "body": pretty(obj)}
            context |= {
                "headers": sorted(obj.headers.items()),
                "more": max(0, obj.params.get("paths", 0) - tracing.MOST),
            }
        return super().render_change_form(request, context, *args, **more)

    def explain(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what would be made of a payload now. Nothing is written."""
        row = Payload.objects.select_related("hook").filter(pk=pk).first()
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        parsed, state, _error = payloads.read(row)
        context = {
            "payload": row,
            "event": parsed.event,
            "state": badge(Payload.State(state).label, TONES[state]),
            "why": registry.text(parsed.code, dict(parsed.params)) if parsed.code else "",
            "ways": shown(tracing.ways_of(row, parsed.notices), row),
            "more": max(0, len(parsed.notices) - tracing.MOST),
        }
        return self.show(request, "monitors/explain.html", _("Explain payload #%d") % row.pk, **context)

    # -- Buttons

    @button(
        _("Replay"), permission="monitors.change_hook", when=lambda row: row.state != Payload.State.RECEIVED, bulk=True
    )
    def replay(self, request: HttpRequest, row: Payload) -> Answer:
        again = payloads.replay(row)
        return _t("Payload #%d is followed as if it came now.") % again.pk


def shown(ways: list[tracing.Way], row: Payload) -> list[dict[str, Any]]:
    """Return ways as a page shows them."""
    tester = reverse("admin:scanning_pathmapping_try")
    return [
        {
            "gone": way.notice.change == "delete",
            "distrusted": way.notice.distrusted,
            "path": path(way.notice.path),
            "local": path(way.local) if way.local else "",
            "root": way.root,
            "reason": registry.text(way.code) if way.code else "",
            "hint": way.hint,
            "hint_why": registry.text(way.hint.code, way.hint.params) if way.hint and way.hint.code else "",
            "explain": explain_address(way.notice.path, "" if way.notice.local else row.hook.name),
            "tester": f"{tester}?{urlencode({'path': way.notice.path, 'source': row.hook.name})}",
        }
        for way in ways
    ]


def pretty(row: Payload) -> str:
    """Return a body for people: JSON in lines, else text, else what its bytes are."""
    received = Received(bytes(row.body), row.query, row.headers)
    try:
        text = json.dumps(received.data(), ensure_ascii=False, indent=2)
    except (Rejected, ValueError, RecursionError):
        try:
            text = received.text
        except Rejected:
            text = repr(bytes(row.body[: MOST // 4]))
    lines = text[:MOST].split("\n")
    return "\n".join(plain(line, MOST) for line in lines) + ("\n…" if len(text) > MOST else "")

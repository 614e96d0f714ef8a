"""Requests, mapping rules and their tester in the admin; links stand in ``admin_links``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.jobs import registry
from mediasync.ui.admin import ModelAdmin, ReadOnlyAdmin
from mediasync.ui.buttons import button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import Tone, age, badge, explain_link, path

from . import admin_costs, admin_examples, admin_figures, admin_links, costs, examples, selectors, services, views  # noqa: F401
from .forms import MappingForm
from .models import PathMapping, ScanRequest

State = ScanRequest.State
TONES: dict[str, Tone] = {
    State.WAITING: "idle",
    State.SENDING: "busy",
    State.SENT: "busy",
    State.VERIFIED: "ok",
    State.GONE: "ok",
    State.NOT_FOUND: "bad",
    State.FAILED: "bad",
    State.NO_LIBRARY: "warn",
    State.DROPPED: "idle",
}


class TabState(TabFilter):
    title = _("state")
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in State.values else queryset


def is_in(*states: State) -> Any:
    """Return a test for the state of a request."""
    return lambda row: row.state in states


@admin.register(ScanRequest)
class ScanRequestAdmin(ReadOnlyAdmin[ScanRequest]):
    list_display = (
        "asked",
        "server",
        "shelf",
        "state_badge",
        "row_buttons",
        "answered",
        "due",
        "cost",
        "hits",
        "source",
        "explained",
    )
    list_filter = (TabState, "server", "source")
    list_select_related = ("server", "library")
    search_fields = ("path",)
    ordering = ("-id",)
    list_links = (
        (_("Scan paths"), "admin:jobs_job_start"),
        (_("Try a path"), "admin:scanning_pathmapping_try"),
        (_("Explain a path"), "explain"),
    )

    @admin.display(description=_("Path, as the server sees it"), ordering="path")
    def asked(self, row: ScanRequest) -> SafeString:
        if row.sent_path in ("", row.path):
            return path(row.path)
        return format_html("{} <small>→ {}</small>", path(row.path), path(row.sent_path))

    @admin.display(description=_("Library"), ordering="library__title")
    def shelf(self, row: ScanRequest) -> str:
        return row.library.title if row.library else "–"  # its server stands beside it

    @admin.display(description=_("Explain"))
    def explained(self, row: ScanRequest) -> SafeString:
        return explain_link(row.local_path or row.path)

    @admin.display(description=_("State"), ordering="state")
    def state_badge(self, row: ScanRequest) -> SafeString:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=_("Answer"))
    def answered(self, row: ScanRequest) -> SafeString:
        code = row.reason or row.answer
        words = registry.text(code) if code else ""
        return format_html("{} {} {}", row.answer_status or "", words, age(row.sent_at) if row.sent_at else "")

    @admin.display(description=_("Due"), ordering="due_at")
    def due(self, row: ScanRequest) -> SafeString | str:
        if row.state != State.WAITING:
            return "–"
        return age(max(row.due_at, row.next_try_at or row.due_at))

    @admin.display(description=_("Expected cost"))
    def cost(self, row: ScanRequest) -> SafeString | str:
        code = costs.of_row(row)
        return badge(registry.text(code), "warn" if code == costs.LOCATION else "idle") if code else "–"

    @button(_("Scan now"), when=is_in(State.WAITING), bulk=True)
    def send_now(self, request: HttpRequest, row: ScanRequest) -> StrOrPromise:
        services.send_now(row)
        return _("%s is sent as soon as the server can be asked.") % row

    @button(_("Replay"), when=is_in(*services.REPLAYABLE), bulk=True)
    def replay(self, request: HttpRequest, row: ScanRequest) -> StrOrPromise:
        services.replay(row)
        return _("%s is asked for again.") % row

    @button(_("Look again"), when=is_in(*selectors.ASKED), bulk=True)
    def look_again(self, request: HttpRequest, row: ScanRequest) -> StrOrPromise:
        services.look_again(row)
        return _("The server is asked whether it knows %s.") % row

    @button(_("Drop"), when=is_in(State.WAITING, State.NO_LIBRARY, State.FAILED), bulk=True)
    def drop(self, request: HttpRequest, row: ScanRequest) -> StrOrPromise:
        services.drop(row)
        return _("%s is dropped.") % row


@admin.register(PathMapping)
class PathMappingAdmin(ModelAdmin[PathMapping]):
    form = MappingForm
    list_display = (
        "pattern",
        "replacement",
        "space",
        "order",
        "whom",
        "how",
        "state",
        "row_buttons",
        "hits",
        "note",
    )
    list_filter = ("space", "server", "enabled")
    list_select_related = ("server",)
    search_fields = ("pattern", "replacement", "note")
    ordering = ("space", "order", "id")
    readonly_fields = ("hits",)
    list_links = (
        (_("Try a path"), "admin:scanning_pathmapping_try"),
        (_("Suggested rules"), "admin:scanning_pathmapping_suggest"),
        (_("Examples"), "admin:scanning_mappingexample_changelist"),
    )

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("try/", lambda request: views.try_path(self, request), "try"),
            self.post_view("try/save/", lambda request: views.save_example(self, request), "save_example"),
            self.page("suggest/", lambda request: views.suggest(self, request), "suggest"),
            self.post_view("suggest/take/", lambda request: views.take_suggestion(self, request), "take_suggestion"),
        ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        counts = examples.by_rule(examples.judged())  # once for all rows

        @admin.display(description=_("Examples"))
        def proof(rule: PathMapping) -> SafeString | str:
            good, bad = counts.get(rule.pk, (0, 0))
            parts = [badge(str(good), "ok")] * bool(good) + [badge(str(bad), "bad")] * bool(bad)
            return format_html_join(" ", "{}", ((part,) for part in parts)) or "–"

        *others, note = super().get_list_display(request)
        return [*others, proof, note]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET":
            views.warn(request)
        return super().changelist_view(request, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        if request.method == "GET":
            views.warn(request)
        return super().render_change_form(request, context, *args, **more)

    @admin.display(description=_("Only for"))
    def whom(self, rule: PathMapping) -> str:
        return str(rule.server or rule.source or "–")

    @admin.display(description=_("Matches"))
    def how(self, rule: PathMapping) -> StrOrPromise:
        return _("An expression") if rule.regex else _("A folder")  # a red cross for "no" would look like a mistake

    @admin.display(description=_("State"))
    def state(self, rule: PathMapping) -> SafeString:
        return badge(_("On"), "ok") if rule.enabled else badge(_("Off"), "idle")

    def save_model(
        self, request: HttpRequest, obj: PathMapping, form: forms.ModelForm[PathMapping], change: bool
    ) -> None:
        services.save_rule(obj)

    def delete_model(self, request: HttpRequest, obj: PathMapping) -> None:
        super().delete_model(request, obj)
        services.look_for_homes()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PathMapping]) -> None:
        super().delete_queryset(request, queryset)
        services.look_for_homes()

    @button(_("Switch off"), when=lambda rule: rule.enabled, bulk=True)
    def switch_off(self, request: HttpRequest, rule: PathMapping) -> StrOrPromise:
        services.save_rule(rule, enabled=False)
        return _("%s is off.") % rule

    @button(_("Switch on"), when=lambda rule: not rule.enabled, bulk=True)
    def switch_on(self, request: HttpRequest, rule: PathMapping) -> StrOrPromise:
        services.save_rule(rule, enabled=True)
        return _("%s is on.") % rule

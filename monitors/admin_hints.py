"""Hints: who said what, what each waits for, and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import join
from mediasync.jobs import registry
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import Tone, age, badge, explain_link, path

from .hints import services as hints
from .models import Hint, Root

TONES: dict[str, Tone] = {Hint.State.WAITING: "busy", Hint.State.TAKEN: "ok", Hint.State.PASSED: "ok"}


class StateTabs(TabFilter):
    """Hints by state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(Hint.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


def waits(hint: Hint | None) -> bool:
    """Tell whether a hint waits still."""
    return hint is not None and hint.state == Hint.State.WAITING


@admin.register(Hint)
class HintAdmin(ReadOnlyAdmin[Hint]):
    list_display = ("where", "state_badge", "row_buttons", "why", "root", "source", "due", "last", "job", "explained")
    list_filter = (StateTabs, "source", "root")
    list_select_related = ("root",)
    ordering = ("-id",)
    fields = (
        *("where", "root", "state_badge", "why", "job", "due", "source", "reference", "said", "hits"),
        *("first", "last", "looks", "size", "also", "explained"),
    )

    @display(description=_("Where to look"))
    def where(self, obj: Hint) -> SafeString:
        return path(join(obj.path, obj.name) if obj.path and obj.name else obj.path or obj.name or "/")

    @display(description=_("State"))
    def state_badge(self, obj: Hint) -> SafeString:
        return badge(Hint.State(obj.state).label, TONES.get(obj.state, "idle"))

    @display(description=_("Outcome"))
    def why(self, obj: Hint) -> str:
        if waits(obj) and obj.root is not None and (not obj.root.enabled or obj.root.guard == Root.Guard.DOWN):
            return _t("Until its root can be used")
        if waits(obj) and not obj.code:
            return _t("More news, until it is due")
        return registry.text(obj.code, obj.params) if obj.code else ""

    @display(description=_("Said"))
    def said(self, obj: Hint) -> SafeString:
        return path(obj.raw) if obj.raw else SafeString("–")

    @display(description=_("Also"))
    def also(self, obj: Hint) -> str:
        said = (
            (obj.gone, _t("It is said to be gone.")),
            (obj.distrusted, _t("What is missing there is held until a person decides.")),
            (obj.deep, _t("What lies below is looked at too.")),
        )
        return " ".join(text for true, text in said if true) or "–"

    @display(description=_("First said"))
    def first(self, obj: Hint) -> SafeString:
        return age(obj.first_at)

    @display(description=_("Last said"))
    def last(self, obj: Hint) -> SafeString:
        return age(obj.last_at)

    @display(description=_("Explain"))
    def explained(self, obj: Hint) -> SafeString:
        below = join(obj.path, obj.name) if obj.path and obj.name else obj.path or obj.name
        return explain_link(join(obj.root.path, below) if obj.root else below)

    @display(description=_("Due"))
    def due(self, obj: Hint) -> SafeString:
        return age(obj.due_at if waits(obj) else None)

    @display(description=_("Job"))
    def job(self, obj: Hint) -> SafeString:
        if not obj.job_id:
            return SafeString("–")
        return format_html('<a href="{}">#{}</a>', reverse("admin:jobs_job_change", args=[obj.job_id]), obj.job_id)

    @button(_("Look now"), when=waits, permission="monitors.change_root", bulk=True)
    def look_now(self, request: HttpRequest, hint: Hint) -> Answer:
        submitted = hints.look_now(hint)
        if submitted:
            return _t("Job #%d looks there.") % submitted.job.pk
        hint.refresh_from_db(fields=["code", "params"])
        if not hint.root_id:
            return _t("Nobody knows this path.")
        return registry.text(hint.code, hint.params) if hint.code else _t("Somebody looks there just now.")

"""What crawls found: changes (with those that are held), and folders."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from mediasync.core.paths import join
from mediasync.ui import press
from mediasync.ui.admin import ReadOnlyAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import Tone, age, badge, explain_link, path

from . import reasons, services
from .admin_roots import settled
from .models import Change, Directory

KINDS: dict[str, Tone] = {"added": "ok", "modified": "busy", "removed": "bad", "moved": "rest"}
STATES: dict[str, Tone] = {"seen": "idle", "held": "warn", "new": "busy", "linked": "busy", "told": "ok"}


class StateTabs(TabFilter):
    """Changes by state; the held ones are what needs a person."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(model_admin.model.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class ErrorTabs(TabFilter):
    """Folders that could not be listed."""

    title = _("listing")
    parameter_name = "errors"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return [("yes", _("Could not be listed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(error="") if self.value() == "yes" else queryset


def is_held(change: Change | None) -> bool:
    """Tell whether a person must decide."""
    return change is not None and change.state == Change.State.HELD


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin[Change]):
    list_display = ("kind_badge", "state_badge", "row_buttons", "what", "amount", "root", "seen", "why", "explained")
    list_display_links = ("kind_badge",)
    list_filter = (StateTabs, "kind", "root")
    list_select_related = ("root",)
    ordering = ("-id",)
    actions = ("release_selected", "drop_selected")
    fields = (
        "kind_badge",
        "state_badge",
        "root",
        "what",
        "amount",
        "why",
        "seen_at",
        "settled_at",
        "told_at",
        "job_id",
        "explained",
    )

    @display(description=_("Change"))
    def kind_badge(self, obj: Change) -> SafeString:
        return badge(Change.Kind(obj.kind).label, KINDS[obj.kind])

    @display(description=_("State"))
    def state_badge(self, obj: Change) -> SafeString:
        return badge(Change.State(obj.state).label, STATES.get(obj.state, "idle"))

    @display(description=_("What"))
    def what(self, obj: Change) -> SafeString:
        new = path(obj.path + ("/" if obj.is_dir else ""))
        return format_html("{} → {}", path(obj.old_path), new) if obj.old_path else new

    @display(description=_("Files"))
    def amount(self, obj: Change) -> str:
        text = ngettext("%d file", "%d files", obj.files) % obj.files
        return f"{text}, {filesizeformat(obj.size)}"

    @display(description=_("Seen"))
    def seen(self, obj: Change) -> SafeString:
        return age(obj.seen_at)

    @display(description=_("Why"))
    def why(self, obj: Change) -> str:
        return reasons.why(obj)

    @display(description=_("Explain"))
    def explained(self, obj: Change) -> SafeString:
        return explain_link(join(obj.root.path, obj.path))

    @button(_("Release"), when=is_held, permission="change")
    def release(self, request: HttpRequest, change: Change) -> Answer:
        return settled(services.release_held([change.pk], actor(request)))

    @button(_("Drop"), when=is_held, permission="change")
    def drop(self, request: HttpRequest, change: Change) -> Answer:
        return settled(services.drop_held([change.pk], actor(request)))

    @admin.action(description=_("Release: believe these removals"), permissions=["settle"])
    def release_selected(self, request: HttpRequest, rows: QuerySet[Change]) -> HttpResponse | None:
        return self._many(request, rows, "release", _t("Believe these removals? Links go, and servers are told."))

    @admin.action(description=_("Drop: forget these removals"), permissions=["settle"])
    def drop_selected(self, request: HttpRequest, rows: QuerySet[Change]) -> HttpResponse | None:
        return self._many(request, rows, "drop", _t("Forget these removals? Links and servers stay as they are."))

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may decide about held removals."""
        return bool(request.user.has_perm("monitors.change_change"))

    def _many(self, request: HttpRequest, rows: QuerySet[Change], name: str, question: str) -> HttpResponse | None:
        """Ask, then settle the held ones of a selection in one job a root."""
        pks = list(rows.filter(state=Change.State.HELD).values_list("pk", flat=True))
        if not pks:
            messages.warning(request, _t("None of these is held."))
            return None
        if "confirmed" not in request.POST:
            number = ngettext("%d row.", "%d rows.", len(pks)) % len(pks)
            label = self.buttons[name].label
            return press.ask(self, request, label, f"{question} {number}", danger=name == "release")
        settle = services.release_held if name == "release" else services.drop_held
        messages.success(request, settled(settle(pks, actor(request))))
        return None


@admin.register(Directory)
class DirectoryAdmin(ReadOnlyAdmin[Directory]):
    list_display = ("folder", "root", "error", "waits", "listed", "explained")
    list_filter = (ErrorTabs, "root")
    list_select_related = ("root",)
    ordering = ("root", "path")
    fields = ("folder", "root", "error", "waits", "listed", "explained")

    @display(description=_("Folder"))
    def folder(self, obj: Directory) -> SafeString:
        return path(obj.path or "/")

    @display(description=_("Explain"))
    def explained(self, obj: Directory) -> SafeString:
        return explain_link(join(obj.root.path, obj.path))

    @display(description=_("Is listed next time"), boolean=True)
    def waits(self, obj: Directory) -> bool:
        return obj.dirty

    @display(description=_("Last listed"))
    def listed(self, obj: Directory) -> SafeString:
        return age(dt.datetime.fromtimestamp(obj.listed_at, dt.UTC) if obj.listed_at else None)

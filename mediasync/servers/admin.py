"""Servers and their libraries in the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.core.errors import MediasyncError
from mediasync.jobs import registry
from mediasync.ui.admin import ModelAdmin, ReadOnlyAdmin, actor
from mediasync.ui.buttons import button
from mediasync.ui.render import Tone, age, badge, path
from mediasync.ui.site import show_strips

from . import admin_arrivals, admin_tokens, connection, library_scan, selectors, services  # noqa: F401
from .forms import ServerForm
from .models import Library, LibraryPath, Server

FARES: dict[selectors.Fare, tuple[StrOrPromise, Tone]] = {
    "off": (_("Switched off"), "idle"),
    "paused": (_("Paused"), "rest"),
    "unreachable": (_("Unreachable"), "bad"),
    "trouble": (_("Trouble"), "warn"),
    "unseen": (_("Never reached"), "warn"),
    "fine": (_("Reachable"), "ok"),
}
ALL_OF_IT = _("The server looks through the whole library. This can take long on a cloud mount. Go on?")


Figures = Callable[[Server], SafeString]
_figures: list[Figures] = []


def show_figures(figures: Figures) -> None:
    """Add one who knows how the requests of a server fare: scanning stands above us."""
    if figures not in _figures:
        _figures.append(figures)


def paths_of(library: Library) -> SafeString:
    """Return the folders of a library, one on a line."""
    return format_html_join(SafeString("<br>"), "{}", ((path(place.path),) for place in library.paths.all()))


def refused(request: HttpRequest) -> Iterator[SafeString]:
    """Yield a sentence for each server that is paused until a person acts."""
    for server in selectors.refused() if request.user.has_perm("servers.view_server") else ():
        reason = registry.text(server.paused_reason, {"status": "401/403"})
        page = format_html('<a href="{}">{}</a>', reverse("admin:servers_server_change", args=[server.pk]), server)
        text = gettext("%(server)s is not asked any more: %(reason)s Enter its token again, or press Test connection.")
        yield format_html(text.replace("%(server)s", "{0}").replace("%(reason)s", "{1}"), page, reason)


show_strips(refused)


class LibraryInline(admin.TabularInline[Library, Server]):
    """The libraries as the server says them; only whether we use them is ours."""

    model = Library
    readonly_fields = ("title", "kind", "folders", "last_scan_at")
    fields = ("title", "kind", "folders", "enabled", "last_scan_at")
    extra = 0
    can_delete = False
    ordering = ("title",)

    def has_add_permission(self, request: HttpRequest, obj: Server | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Library]:
        return super().get_queryset(request).prefetch_related("paths")

    @admin.display(description=_("Folders, as the server sees them"))
    def folders(self, library: Library) -> SafeString:
        return paths_of(library)


@admin.register(Server)
class ServerAdmin(ModelAdmin[Server]):
    form = ServerForm
    inlines = (LibraryInline,)
    list_display = ("name", "kind", "state", "row_buttons", "libraries_used", "version", "seen")
    list_filter = ("kind",)
    search_fields = ("name", "url")
    ordering = ("name",)
    readonly_fields = ("state", "version", "seen", "libraries_read", "requests")
    fieldsets = (
        (None, {"fields": ("name", "kind", "url", "token", "enabled")}),
        (_("State"), {"fields": ("state", "version", "seen", "libraries_read", "requests")}),
        (_("Connection"), {"fields": ("verify_tls", "ca_file", "connect_timeout", "read_timeout")}),
        (_("Scans"), {"fields": ("debounce", "max_wait", "pace", "root_window", "unmatched")}),
        (_("Proof"), {"fields": ("verify", "replaced", "trash_limit")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        return super().get_queryset(request).annotate(number=Count("libraries"))

    # -- Columns

    @admin.display(description=_("State"))
    def state(self, server: Server) -> SafeString:
        now = timezone.now()
        label, tone = FARES[fare := selectors.fare(server, now)]
        notes: dict[str, Any] = {
            "paused": registry.text(server.paused_reason, {"status": "401/403"}),
            "unreachable": format_html("{} {}", server.last_error, age(server.cooldown_until, now)),
            "trouble": server.last_error,
        }
        return format_html("{} <small>{}</small>", badge(label, tone), notes.get(fare, ""))

    @admin.display(description=_("Libraries"), ordering="number")
    def libraries_used(self, server: Server) -> int:
        return int(getattr(server, "number", 0))

    @admin.display(description=_("Last answer"), ordering="seen_at")
    def seen(self, server: Server) -> SafeString:
        return age(server.seen_at)

    @admin.display(description=_("Libraries read"))
    def libraries_read(self, server: Server) -> SafeString:
        return age(server.libraries_at)

    @admin.display(description=_("Requests"))
    def requests(self, server: Server) -> SafeString:
        return format_html_join("", "{}", ((figures(server),) for figures in _figures)) or SafeString("–")

    # -- Saving

    def save_model(self, request: HttpRequest, obj: Server, form: forms.ModelForm[Server], change: bool) -> None:
        services.save(obj, token=form.cleaned_data.get("token") or None)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for each in formset.forms:
            if each.instance.pk and "enabled" in each.changed_data:
                services.set_library_enabled(each.instance, each.cleaned_data["enabled"])
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def response_add(self, request: HttpRequest, obj: Server, post_url_continue: str | None = None) -> HttpResponse:
        # A new server is of use only with its libraries.
        if self._try_out(request, obj):
            self._load(request, obj)
        return super().response_add(request, obj, post_url_continue)

    # -- Buttons

    @button(_("Test connection"))
    def test_connection(self, request: HttpRequest, server: Server) -> None:
        self._try_out(request, server)

    @button(_("Load libraries"), bulk=True)
    def load_libraries(self, request: HttpRequest, server: Server) -> None:
        self._load(request, server)

    @button(_("Pause"), when=lambda server: not server.paused, bulk=True)
    def pause(self, request: HttpRequest, server: Server) -> StrOrPromise:
        services.pause(server)
        return _("%s is asked nothing until it is resumed; changes are collected.") % server

    @button(_("Resume"), when=lambda server: server.paused, bulk=True)
    def resume(self, request: HttpRequest, server: Server) -> StrOrPromise:
        services.resume(server)
        return _("%s is asked again.") % server

    def _try_out(self, request: HttpRequest, server: Server) -> bool:
        steps = connection.examine(server)
        for step in steps:
            text = f"{server}: {registry.text(step.code, step.params)}"
            messages.add_message(request, messages.SUCCESS if step.ok else messages.ERROR, text)
        return all(step.ok for step in steps)

    def _load(self, request: HttpRequest, server: Server) -> None:
        try:
            loaded = services.load_libraries(server)
        except MediasyncError as error:
            messages.error(request, f"{server}: {registry.text(error.code, error.params)}")
            return
        text = ngettext("%(server)s: %(n)d library.", "%(server)s: %(n)d libraries.", loaded.total)
        changes = [_("New: %s.") % ", ".join(loaded.added)] if loaded.added else []
        changes += [_("Gone: %s.") % ", ".join(loaded.removed)] if loaded.removed else []
        messages.success(request, " ".join([text % {"server": server, "n": loaded.total}, *map(str, changes)]))


@admin.register(Library)
class LibraryAdmin(ReadOnlyAdmin[Library]):
    list_display = ("title", "server", "kind", "folders", "used", "row_buttons", "last_scan")
    list_filter = ("server", "enabled")
    list_select_related = ("server",)
    search_fields = ("title", "paths__path")
    ordering = ("server__name", "title")
    fields = ("server", "title", "kind", "folders", "used", "last_scan_at")
    readonly_fields: ClassVar = ["folders", "used"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Library]:
        ordered = Prefetch("paths", LibraryPath.objects.order_by("path"))
        return super().get_queryset(request).prefetch_related(ordered)

    @admin.display(description=_("Folders, as the server sees them"))
    def folders(self, library: Library) -> SafeString:
        return paths_of(library)

    @admin.display(description=_("Last scan"), ordering="last_scan_at")
    def last_scan(self, library: Library) -> SafeString:
        return age(library.last_scan_at)

    @admin.display(description=_("Used"))
    def used(self, library: Library) -> SafeString:
        return badge(_("Used"), "ok") if library.enabled else badge(_("Left out"), "idle")

    @button(_("Scan all of it"), when=lambda library: library.enabled, bulk=True, confirm=lambda library: ALL_OF_IT)
    def scan_all(self, request: HttpRequest, library: Library) -> StrOrPromise:
        job = library_scan.submit(library, actor=actor(request)).job
        return _("Job #%(job)d asks for a scan of %(library)s.") % {"job": job.pk, "library": library}

    @button(_("Leave out"), when=lambda library: library.enabled, bulk=True)
    def leave_out(self, request: HttpRequest, library: Library) -> StrOrPromise:
        services.set_library_enabled(library, False)
        return _("%s is not scanned any more.") % library

    @button(_("Take in"), when=lambda library: not library.enabled, bulk=True)
    def take_in(self, request: HttpRequest, library: Library) -> StrOrPromise:
        services.set_library_enabled(library, True)
        return _("%s is scanned again.") % library

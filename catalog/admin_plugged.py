"""Sources of playlists, sources of files and storages: each a plug-in with its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.press import told
from mediasync.ui.render import Tone, badge, path

from . import defaults, plugins, reach, revisions, trying
from .forms import FORGET, OPTION, SECRET, PluggedForm, form_for, option_names, settings_of
from .models import DownloadSource, FileLocation, Source, StorageBackend
from .storage.environment import present

KEYS = {"s3": ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), "rclone": ("USER", "PASSWORD")}  # what the environment must have


def runs_programs(plugin: Any) -> bool:
    """Tell whether the settings of a plug-in name a program to run: those are for superusers alone."""
    return "command" in getattr(plugin, "fields", ())


@contextmanager
def recorded(request: HttpRequest, row: Any) -> Iterator[None]:
    """Save the configuration before and after a change, with who made it."""
    with transaction.atomic():
        revisions.save(actor=actor(request))
        yield
        revisions.save(f"{row._meta.verbose_name}: {row}", actor(request))


class PluggedAdmin(ModelAdmin[Any]):
    """First a plug-in is chosen, then it says what it asks for."""

    group: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]  # of the row, in the form
    search_fields = ("name",)
    readonly_fields: ClassVar[Any] = ("plugin_label", "notice")

    def plugin_of(self, request: HttpRequest, row: Any) -> Any:
        """Return the class of the plug-in of a row, or of the one that is chosen; None if there is none such."""
        name = row.plugin if row is not None else request.GET.get("plugin", "")
        if name not in plugins.names(self.group):
            return None
        try:
            return plugins.load(self.group, name)
        except MediasyncError:
            return None

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        plugin = self.plugin_of(request, None)
        if runs_programs(plugin) and not request.user.is_superuser:
            raise PermissionDenied
        if plugin is None and self.has_add_permission(request):
            found = [(name, label, notice) for name, label, notice in map(self._described, plugins.names(self.group))]
            title = _t("Add %(what)s") % {"what": self.opts.verbose_name}
            return self.show(request, "catalog/plugins.html", title, plugins=found)
        label = plugin.label if plugin else ""
        title = _t("Add %(what)s: %(label)s") % {"what": self.opts.verbose_name, "label": label}
        notice = getattr(plugin, "notice", "")
        if notice and request.method == "GET":
            messages.warning(request, str(notice))
        return super().add_view(request, form_url, {"title": title, **(extra_context or {})})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and not request.user.is_superuser and runs_programs(self.plugin_of(request, obj)):
            return False
        return super().has_change_permission(request, obj)

    def _described(self, name: str) -> tuple[str, str, str]:
        try:
            plugin = plugins.load(self.group, name)
        except MediasyncError as error:
            return name, name, told(error)
        return name, str(plugin.label), str(getattr(plugin, "notice", ""))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        kwargs["form"] = form_for(self.model, self.plugin_of(request, obj), self.columns)
        kwargs["fields"] = self.columns
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        plugin = self.plugin_of(request, obj)
        asked = [OPTION + name for name in option_names(plugin)]
        if SECRET in getattr(plugin, "fields", ()):
            asked += [SECRET, FORGET] if obj is not None and obj.secret_sealed else [SECRET]
        head = (*self.columns, *(self.get_readonly_fields(request, obj) if obj is not None else ()))
        return [(None, {"fields": head}), *([(_("What it needs"), {"fields": asked})] if asked else [])]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(form, PluggedForm)
        if not change:
            obj.plugin = request.GET.get("plugin", "")
            if isinstance(obj, StorageBackend):
                obj.kind = form.plugin_class.kind
        setattr(obj, settings_of(self.model), form.options)
        if form.new_secret is not None:
            obj.secret_sealed = reach.seal(form.new_secret)
        if hasattr(obj, "last_error") and form.changed_data:
            obj.last_error = ""
        with recorded(request, obj):
            obj.save()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with recorded(request, obj):
            super().delete_model(request, obj)

    # -- Columns

    @display(description=_("State"), ordering="enabled")
    def state(self, obj: Any) -> SafeString:
        tone: Tone = "ok" if obj.enabled else "idle"
        if getattr(obj, "last_error", "") and obj.enabled:
            return format_html("{} {}", badge(_("Trouble"), "warn"), for_people(obj.last_error))
        return badge(_("On") if obj.enabled else _("Off"), tone)

    @display(description=_("Plug-in"), ordering="plugin")
    def plugin_label(self, obj: Any) -> str:
        return self._described(obj.plugin)[1]

    @display(description=_("Notice"))
    def notice(self, obj: Any) -> str:
        return self._described(obj.plugin)[2] or "–"

    # -- Buttons

    @button(_("Switch on"), when=lambda row: not row.enabled, bulk=True)
    def switch_on(self, request: HttpRequest, row: Any) -> Answer:
        with recorded(request, row):
            self.model._default_manager.filter(pk=row.pk).update(enabled=True)
        return str(_t("%s may be asked from now on.") % row)

    @button(_("Switch off"), when=lambda row: row.enabled, bulk=True)
    def switch_off(self, request: HttpRequest, row: Any) -> Answer:
        with recorded(request, row):
            self.model._default_manager.filter(pk=row.pk).update(enabled=False)
        return str(_t("%s is asked nothing from now on.") % row)

    @button(_("Test"), when=lambda row: row.enabled)
    def test(self, request: HttpRequest, row: Any) -> Answer:
        try:
            return f"{row}: {trying.try_out(row)}"
        except MediasyncError as error:
            messages.error(request, f"{row}: {told(error)}")
            return None


class SettledAdmin(PluggedAdmin):
    """Whoever looks at the sources of a new installation finds the usual ones."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_add_permission(request):
            defaults.settle()
        return super().changelist_view(request, extra_context)


@admin.register(Source)
class SourceAdmin(SettledAdmin):
    group = plugins.PLAYLISTS
    columns = ("name", "enabled", "pace")
    list_display = ("name", "state", "row_buttons", "plugin_label")
    list_filter = ("enabled",)
    ordering = ("name",)


@admin.register(DownloadSource)
class DownloadSourceAdmin(SettledAdmin):
    group = plugins.DOWNLOADS
    columns = ("name", "enabled", "order", "pace")
    list_display = ("name", "state", "row_buttons", "order", "plugin_label")
    list_filter = ("enabled",)
    ordering = ("order", "id")


@admin.register(StorageBackend)
class StorageBackendAdmin(PluggedAdmin):
    group = plugins.STORAGES
    columns = ("name", "container_name", "enabled")
    list_display = (
        "name",
        "state",
        "row_buttons",
        "kind",
        "container",
        "is_default",
        "overflow",
        "files",
        "secrets_present",
    )
    list_filter = ("kind", "enabled")
    list_select_related = ("overflow",)
    ordering = ("name",)
    readonly_fields = ("plugin_label", "is_default", "overflow", "secrets_present", "files")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StorageBackend]:
        there = Count("locations", filter=Q(locations__status=FileLocation.Status.ACTIVE))
        rows: QuerySet[StorageBackend] = super().get_queryset(request).annotate(n=there)
        return rows

    @display(description=_("Folder, bucket or remote"), ordering="container_name")
    def container(self, obj: StorageBackend) -> SafeString:
        return path(obj.container_name)

    @display(description=_("Files"))
    def files(self, obj: StorageBackend) -> int:
        return int(getattr(obj, "n", 0))

    @display(description=_("Keys"))
    def secrets_present(self, obj: StorageBackend) -> SafeString | str:
        """Say only whether the environment has them: they are never in the database."""
        prefix = obj.config.get("credential_env_prefix", "")
        if not prefix:
            return "–"
        found = present(prefix, KEYS.get(obj.plugin, ()))
        missing = [name for name, there in found.items() if not there]
        if missing:
            return format_html("{} {}", badge(_("Missing"), "bad"), ", ".join(missing))
        return badge(_("Present"), "ok")

    @button(_("It has room again"), when=lambda row: row.overflow_id is not None)
    def clear_overflow(self, request: HttpRequest, row: StorageBackend) -> Answer:
        StorageBackend.objects.filter(pk=row.pk).update(overflow=None)
        return str(_t("New files no longer go on from %s to another folder.") % row)

    @button(_("New files go here"), when=lambda row: row.kind == StorageBackend.Kind.LOCAL and not row.is_default)
    def make_default(self, request: HttpRequest, row: StorageBackend) -> Answer:
        with recorded(request, row):
            StorageBackend.objects.filter(is_default=True).update(is_default=False)
            StorageBackend.objects.filter(pk=row.pk).update(is_default=True, overflow=None)
        return str(_t("New files go to %s from now on.") % row)

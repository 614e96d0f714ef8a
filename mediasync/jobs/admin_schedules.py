"""Schedules: what the engine starts by itself, and when."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import badge, duration

from . import admin_cells as cells
from . import forms, registry, schedules, services, views
from .models import Schedule


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin[Schedule]):
    form = forms.ScheduleForm
    list_display = ("name", "on", "times", "next_three", "row_buttons", "kind_label", "last")
    list_filter = ("enabled",)
    search_fields = ("name",)
    ordering = ("name",)
    list_select_related = ("last_job",)
    readonly_fields = ("next_three", "last", "problem", "owner")
    fields = ("name", "kind", "scope", "every", "cron", "timezone", "enabled", *readonly_fields)

    def get_form(self, request: HttpRequest, obj: Schedule | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        allowed = super().has_change_permission(request, obj) and not (obj and obj.owner)
        return allowed and (obj is None or _may(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.owner)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        obj.next_at = schedules.first_run(obj)
        super().save_model(request, obj, form, change)

    @display(description=_("State"))
    def on(self, obj: Schedule) -> SafeString:
        if obj.problem:
            return badge(_("Problem"), "warn")
        return badge(_("On"), "ok") if obj.enabled else badge(_("Off"), "idle")

    @display(description=_("When"))
    def times(self, obj: Schedule) -> str:
        if obj.every is not None:
            return translate("every %s") % duration(obj.every)
        return f"{obj.cron} ({obj.timezone})"

    @display(description=_("Next three runs"))  # in the zone of the schedule, as its cron line is
    def next_three(self, obj: Schedule) -> SafeString | str:
        try:
            runs = schedules.next_runs(obj) if obj.pk else []
            zone = zoneinfo.ZoneInfo(obj.timezone)
        except (UsageError, zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            return str(error)
        lines = ((date_format(timezone.localtime(run, zone), "SHORT_DATETIME_FORMAT"),) for run in runs)
        return format_html_join(SafeString("<br>"), "{}", lines) or "–"

    @display(description=_("Kind"))
    def kind_label(self, obj: Schedule) -> str:
        return cells.kind_label(obj.kind)

    @display(description=_("Last job"))
    def last(self, obj: Schedule) -> SafeString:
        return cells.job_link(obj.last_job)

    @button(_("Run now"), permission="jobs.add_job")
    def run_now(self, request: HttpRequest, obj: Schedule) -> Answer:
        if not _may(request, obj):
            raise PermissionDenied
        return views.started(request, services.submit(obj.kind, obj.scope, config=obj.config, actor=actor(request)))

    # A schedule with an owner is kept by a service, from the owner's own settings.

    @button(_("Disable"), when=lambda schedule: schedule.enabled and not schedule.owner, bulk=True)
    def disable(self, request: HttpRequest, obj: Schedule) -> Answer:
        _put(obj, enabled=False)
        return translate("“%s” is off.") % obj

    @button(_("Enable"), when=lambda schedule: not schedule.enabled and not schedule.owner, bulk=True)
    def enable(self, request: HttpRequest, obj: Schedule) -> Answer:
        _put(obj, enabled=True)
        return translate("“%s” is on.") % obj


def _may(request: HttpRequest, schedule: Schedule) -> bool:
    """Tell whether this user may start what the schedule starts; a kind that is gone is anybody's to mend."""
    kind = next((each for each in registry.kinds() if each.name == schedule.kind), None)
    return kind is None or kind.allows(request.user, schedule.scope)


def _put(schedule: Schedule, *, enabled: bool) -> None:
    services.put_schedule(
        schedule.name,
        schedule.kind,
        schedule.scope,
        every=schedule.every,
        cron=schedule.cron,
        timezone=schedule.timezone,
        config=schedule.config,
        enabled=enabled,
    )

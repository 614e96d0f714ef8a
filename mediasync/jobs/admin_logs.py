"""Lists that only show: what happened, who asked for what, who works."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import for_people
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import age, path

from . import admin_cells as cells
from . import registry
from .choices import Level
from .models import Command, Event, Worker


class TabLevel(TabFilter):
    """Exact levels, because only those stand together in the index."""

    title = _("level")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return [(str(value), label) for value, label in Level.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(level=int(value)) if value and value.isdecimal() else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    list_display = ("level_badge", "sentence", "job_link", "item", "when", "actor")
    list_display_links = None
    list_filter = (TabLevel,)
    list_select_related = ("job",)
    ordering = ("-id",)
    fields = ("level_badge", "sentence", "job_link", "item", "at", "actor", "code", "params")

    @display(description=_("Level"))
    def level_badge(self, obj: Event) -> SafeString:
        return cells.level(obj.level)

    @display(description=_("What happened"))
    def sentence(self, obj: Event) -> str:
        return for_people(registry.text(obj.code, obj.params))

    @display(description=_("Job"))
    def job_link(self, obj: Event) -> SafeString:
        return cells.job_link(obj.job)

    @display(description=_("Item"))
    def item(self, obj: Event) -> SafeString:
        return path(obj.item_key)

    @display(description=_("When"))
    def when(self, obj: Event) -> SafeString:
        return age(obj.at)


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin[Command]):
    list_display = ("verb", "state_badge", "result", "job_link", "actor", "source", "when")
    list_display_links = None
    list_filter = ("state", "verb", "source")
    list_select_related = ("job",)
    ordering = ("-id",)

    @display(description=_("State"))
    def state_badge(self, obj: Command) -> SafeString:
        return cells.state(obj.state, obj.get_state_display())

    @display(description=_("Result"))
    def result(self, obj: Command) -> str:
        return for_people(registry.text(obj.result_code, obj.result_params)) if obj.result_code else "–"

    @display(description=_("Job"))
    def job_link(self, obj: Command) -> SafeString:
        return cells.job_link(obj.job) if obj.job_id else SafeString("–")

    @display(description=_("When"))
    def when(self, obj: Command) -> SafeString:
        return age(obj.created)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    list_display = ("host", "pid", "state_badge", "beat", "since", "memory", "version", "busy_with")
    list_display_links = None
    list_filter = ("state",)
    ordering = ("-beat_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        return super().get_queryset(request).prefetch_related("slots__job")

    @display(description=_("State"))
    def state_badge(self, obj: Worker) -> SafeString:
        return cells.state(obj.state, obj.get_state_display())

    @display(description=_("Last beat"))
    def beat(self, obj: Worker) -> SafeString:
        return age(obj.beat_at)

    @display(description=_("Started"))
    def since(self, obj: Worker) -> SafeString:
        return age(obj.started)

    @display(description=_("Memory"))
    def memory(self, obj: Worker) -> str:
        return filesizeformat(obj.rss) if obj.rss else "–"

    @display(description=_("Busy with"))
    def busy_with(self, obj: Worker) -> SafeString:
        jobs = {slot.job_id: slot.job for slot in obj.slots.all()}
        return format_html_join(", ", "{}", ((cells.job_link(job),) for job in jobs.values())) or SafeString("–")

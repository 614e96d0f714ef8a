"""The list of jobs, their buttons, and the addresses of their pages (``views.py``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import age

from . import admin_cells as cells
from . import admin_commands as commands
from . import registry, services, verbs, views
from .admin_commands import CONTROL
from .choices import ACTIVE, TERMINAL, WAITING, JobState, Verb
from .models import Job

NEEDS_ATTENTION = (JobState.PAUSED, JobState.INTERRUPTED, JobState.COMPLETED_WITH_ERRORS, JobState.FAILED)


def takes(verb: Verb) -> Callable[[Job], bool]:
    """Return a test whether a job would take ``verb`` in its state."""
    return lambda job: verb in verbs.allowed(job)


class TabState(TabFilter):
    title = _("state")
    parameter_name = "show"
    groups = {  # noqa: RUF012
        "running": (_("Running"), ACTIVE),
        "waiting": (_("Waiting"), WAITING),
        "attention": (_("Needs attention"), NEEDS_ATTENTION),
        "done": (_("Done"), TERMINAL),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (label, _states) in self.groups.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.groups.get(self.value() or "")
        return queryset.filter(state__in=chosen[1]) if chosen else queryset


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.name, kind.label) for kind in registry.kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ModelAdmin[Job]):
    list_display = ("job", "state_badge", "progress", "row_buttons", "kind_label", "trigger", "age")
    list_display_links = None
    list_filter = (TabState, KindFilter, "state", "trigger")
    list_links = ((_("Start a job"), "admin:jobs_job_start"),)
    search_fields = ("kind",)
    search_help_text = _("Number, title or path")
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # "Start a job" is the way

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False  # finished jobs are history until retention takes them

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("<int:pk>/items/", partial(views.items_page, self), "items"),
            self.post_view("<int:pk>/items/<int:item>/retry/", partial(commands.retry_item, self), "retry_item"),
            self.post_view("<int:pk>/priority/", partial(commands.set_priority, self), "priority"),
            self.post_view("pause_all/", partial(commands.engine, self, Verb.PAUSE_ALL), "pause_all"),
            self.post_view("resume_all/", partial(commands.engine, self, Verb.RESUME_ALL), "resume_all"),
            self.page("start/", partial(views.start_page, self), "start"),
            self.post_view("start/<slug:kind>/", partial(views.start, self), "start_kind"),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return views.job_page(self, request, object_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Find a number, or a part of the title or scope (which are JSON, so the term is looked for as JSON too)."""
        term = search_term.strip()
        if not term:
            return queryset, False
        rows = queryset.annotate(title_text=Cast("title_params", TextField()), scope_text=Cast("scope", TextField()))
        wanted = Q(kind__icontains=term)
        for form in {term, json.dumps(term)[1:-1]}:
            wanted |= Q(title_text__icontains=form) | Q(scope_text__icontains=form)
        if (number := term.lstrip("#")).isdecimal():
            wanted |= Q(pk=int(number[:18]))
        return rows.filter(wanted), False

    # -- Columns

    @admin.display(description=_("Job"), ordering="id")
    def job(self, obj: Job) -> SafeString:
        return cells.job_link(obj)

    @admin.display(description=_("State"), ordering="state")
    def state_badge(self, obj: Job) -> SafeString:
        why = cells.reason(obj)
        badge = cells.state(obj.state, obj.get_state_display())
        return format_html('{}<span class="ms-why">{}</span>', badge, why) if why else badge

    @admin.display(description=_("Progress"))
    def progress(self, obj: Job) -> SafeString:
        return cells.progress(obj, final=obj.total_final)

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_label(self, obj: Job) -> str:
        return cells.kind_label(obj.kind)

    @admin.display(description=_("Age"), ordering="id")
    def age(self, obj: Job) -> SafeString:
        return age(obj.created)

    # -- Buttons: each gives a command, which the conductor carries out within a second

    @button(Verb.PAUSE.label, when=takes(Verb.PAUSE), permission=CONTROL, bulk=True)
    def pause(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.PAUSE)

    @button(Verb.RESUME.label, when=takes(Verb.RESUME), permission=CONTROL, bulk=True)
    def resume(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.RESUME)

    @button(Verb.RETRY_FAILED.label, when=takes(Verb.RETRY_FAILED), permission=CONTROL, bulk=True)
    def retry_failed(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.RETRY_FAILED)

    @button(Verb.RUN_NOW.label, when=takes(Verb.RUN_NOW), permission=CONTROL)
    def run_now(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.RUN_NOW)

    @button(Verb.CANCEL.label, when=takes(Verb.CANCEL), permission=CONTROL, danger=True, bulk=True)
    def cancel(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.CANCEL)

    @button(Verb.FORCE_UNLOCK.label, on="page", when=commands.looks_stuck, permission=CONTROL, danger=True)
    def force_unlock(self, request: HttpRequest, obj: Job) -> Answer:
        return commands.ask(request, obj, Verb.FORCE_UNLOCK)

    @button(_("Run again"), on="page", when=lambda job: job.state in TERMINAL, permission="jobs.add_job")
    def run_again(self, request: HttpRequest, obj: Job) -> Answer:
        return views.started(request, services.run_again(obj, actor=actor(request)))

"""Runs in the admin: those that wait, those whose quarantine is kept, and what may be done with each."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.jobs.choices import TERMINAL
from mediasync.ui.admin import ReadOnlyAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import age

from . import admin_cells as cells
from . import admin_run_pages, expiry, selectors, services, views
from .choices import RunState
from .models import Run

UNDER_WAY = (RunState.PLANNING, RunState.APPLYING, RunState.RESTORING)


class TabState(TabFilter):
    title = _("state")
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waits for you")), ("working", _("Under way")), ("kept", _("In quarantine"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "kept":
            return queryset.filter(pk__in=expiry.kept().values("pk")).order_by("expires_at", "id")
        wanted = {"waiting": (RunState.PLANNED, RunState.ACCEPTED), "working": UNDER_WAY}.get(self.value() or "")
        return queryset.filter(state__in=wanted) if wanted else queryset


def may_drop(run: Run) -> bool:
    """Tell whether a run can be forgotten: nothing was done of it, and nobody works on it."""
    if run.state == RunState.PLANNING:
        return run.job is None or run.job.state in TERMINAL
    return run.state in (RunState.PLANNED, RunState.ACCEPTED, RunState.REFUSED)


def about_restore(run: Run | None) -> str:
    files = run.report.get("sums", {}).get("files", 0) if run else 0
    text = _("Put back all that %(run)s did? %(files)s files, and the values that it wrote.")
    return text % {"run": run, "files": cells.number(files)}


def about_purge(run: Run | None) -> str:
    sums = run.report.get("sums", {}) if run else {}
    text = _("Delete %(files)s files (%(size)s) of %(run)s for good? There is no way back after this.")
    size = cells.size(sums.get("in_quarantine", 0))
    return text % {"run": run, "files": cells.number(sums.get("files", 0)), "size": size}


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    list_display = ("run", "state_badge", "row_buttons", "folder", "what", "files", "bytes", "made", "expires")
    list_filter = (TabState, "folder", "state")
    list_select_related = ("folder", "job")
    ordering = ("-id",)

    def own_urls(self) -> list[URLPattern]:
        return [
            self.post_view("<int:pk>/accept/", partial(admin_run_pages.accept, self), "accept"),
            self.page("<int:pk>/rows.csv", partial(admin_run_pages.export, self, "csv"), "csv"),
            self.page("<int:pk>/rows.json", partial(admin_run_pages.export, self, "json"), "json"),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return admin_run_pages.run_page(self, request, object_id)

    # -- Columns

    @admin.display(description=_("Run"), ordering="id")
    def run(self, run: Run) -> str:
        return f"#{run.pk}"

    @admin.display(description=_("State"), ordering="state")
    def state_badge(self, run: Run) -> SafeString:
        why = selectors.reason(run)
        return format_html('{}<span class="ms-why">{}</span>', cells.state(run), why) if why else cells.state(run)

    @admin.display(description=_("Steps"))
    def what(self, run: Run) -> str:
        return ", ".join(run.steps)

    @admin.display(description=_("Files"))
    def files(self, run: Run) -> str:
        return cells.number(selectors.planned(run).files)

    @admin.display(description=_("Size"))
    def bytes(self, run: Run) -> str:
        return cells.size(selectors.planned(run).bytes)

    @admin.display(description=_("Made"), ordering="created")
    def made(self, run: Run) -> SafeString:
        return age(run.created)

    @admin.display(description=_("Deleted for good"), ordering="expires_at")
    def expires(self, run: Run) -> SafeString:
        kept = bool(run.quarantine) and run.state in services.TO_PURGE
        return age(run.expires_at if kept else None)

    # -- Buttons; accepting is a form on the run's page, where its number of files is read

    @button(_("Move to quarantine"), when=lambda run: run.state in services.TO_APPLY)
    def apply(self, request: HttpRequest, run: Run) -> Answer:
        return views.begun(request, services.apply(run, actor=actor(request)))

    @button(
        _("Restore all"),
        when=lambda run: run.state in (*services.TO_RESTORE,) and bool(run.quarantine),
        confirm=about_restore,
    )
    def restore(self, request: HttpRequest, run: Run) -> Answer:
        return views.begun(request, services.restore(run, actor=actor(request)))

    @button(
        _("Delete for good"),
        when=lambda run: run.state in services.TO_PURGE and bool(run.quarantine),
        permission="delete",
        confirm=about_purge,
        danger=True,
    )
    def purge(self, request: HttpRequest, run: Run) -> Answer:
        return views.begun(request, services.purge(run, actor=actor(request)))

    @button(_("Drop"), when=may_drop, bulk=True)
    def drop(self, request: HttpRequest, run: Run) -> Answer:
        services.drop(run, actor=actor(request))
        return _("%s is dropped; nothing was done of it.") % run

    @button(_("Plan the same again"), on="page", when=lambda run: run.state not in UNDER_WAY, permission="add")
    def plan_again(self, request: HttpRequest, run: Run) -> Answer:
        filters = {name: run.filters.get(name, ()) for name in ("sections", "prefixes", "types")}
        limit = run.filters.get("limit", 0)
        started = services.plan(run.folder, run.steps, **filters, limit=limit, actor=actor(request))
        return views.begun(request, started)

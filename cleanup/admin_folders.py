"""Data folders in the admin: what is allowed in them, and the ways to their pages."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.jobs import views as job_views
from mediasync.jobs.services import Submitted
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import path

from . import admin_cells as cells
from . import admin_folder_pages, folders, services, views
from . import admin_policy_form as policy_form
from .choices import RunState
from .forms import PlexFolderForm
from .models import PlexFolder, Run

PAGES = (
    ("look", _("Look")),
    ("plan", _("Plan")),
    ("schedule", _("Schedule")),
    ("coverage", _("Coverage")),
    ("butler", _("Plex’s own jobs")),
)


@admin.register(PlexFolder)
class PlexFolderAdmin(ModelAdmin[PlexFolder]):
    form = PlexFolderForm
    list_display = ("name", "last_run", "ways", "row_buttons", "folder", "server", "waits")
    list_select_related = ("server",)
    search_fields = ("name", "path")
    ordering = ("name",)
    readonly_fields = ("ways", "last_run")
    list_links = ((_("Find data folders"), "admin:cleanup_plexfolder_find"),)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("path", "name", "server", "cache_path", "ways", "last_run")}),
        (_("Quarantine"), {"fields": ("quarantine_path", "quarantine_days", "image_host")}),
        *((title, {"fields": names}) for title, names in policy_form.groups()),
    )

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("find/", partial(views.find, self), "find"),
            self.post_view("find/add/", partial(views.add_found, self), "add_found"),
            self.page("<int:pk>/look/", partial(admin_folder_pages.look, self), "look"),
            self.page("<int:pk>/plan/", partial(admin_folder_pages.plan, self), "plan"),
            self.post_view("<int:pk>/plan/start/", partial(admin_folder_pages.start_plan, self), "start_plan"),
            self.page("<int:pk>/schedule/", partial(admin_folder_pages.schedule, self), "schedule"),
            self.post_view("<int:pk>/schedule/save/", partial(admin_folder_pages.save_schedule, self), "save_schedule"),
            self.page("<int:pk>/coverage/", partial(admin_folder_pages.coverage, self), "coverage"),
            self.page("<int:pk>/butler/", partial(admin_folder_pages.butler, self), "butler"),
            self.post_view("<int:pk>/butler/ask/", partial(admin_folder_pages.ask_butler, self), "ask_butler"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlexFolder]:
        runs = Run.objects.filter(folder=OuterRef("pk")).order_by("-id")
        waiting = runs.filter(state__in=(RunState.PLANNED, RunState.ACCEPTED))
        return (
            super()
            .get_queryset(request)
            .annotate(
                run_id=Subquery(runs.values("pk")[:1]),
                run_state=Subquery(runs.values("state")[:1]),
                waiting_id=Subquery(waiting.values("pk")[:1]),
                waiting_state=Subquery(waiting.values("state")[:1]),
            )
        )

    # -- Columns

    @admin.display(description=_("Last run"))
    def last_run(self, folder: PlexFolder) -> SafeString:
        return cells.run_link(_run(folder, "run"))

    @admin.display(description=_("Waits for you"))
    def waits(self, folder: PlexFolder) -> SafeString:
        return cells.run_link(_run(folder, "waiting"))

    @admin.display(description=_("Pages"))
    def ways(self, folder: PlexFolder) -> SafeString:
        shown = ((reverse(self.url_name(name), args=[folder.pk]), label) for name, label in PAGES)
        return format_html_join(" · ", '<a href="{}">{}</a>', shown)

    @admin.display(description=_("Data folder"), ordering="path")
    def folder(self, folder: PlexFolder) -> SafeString:
        return path(folder.path)

    # -- Buttons

    @button(_("Plan everything"), permission="cleanup.add_run")
    def plan_all(self, request: HttpRequest, folder: PlexFolder) -> Answer:
        return views.begun(request, services.plan(folder, ["all"], actor=actor(request)))

    @button(
        _("Write addresses again"),
        on="page",
        permission="cleanup.add_run",
        confirm=lambda folder: _(
            "Write the proven addresses again where Plex has put its own files in their place since?"
        ),
    )
    def reapply(self, request: HttpRequest, folder: PlexFolder) -> Answer:
        return job_views.started(request, Submitted(services.reapply(folder, actor=actor(request)), False))

    @button(
        _("Believe the next index"),
        on="page",
        when=lambda folder: bool(folder.last_index),
        confirm=lambda folder: _("Has %s really become so much smaller? The next plan will not compare.") % folder,
    )
    def believe(self, request: HttpRequest, folder: PlexFolder) -> Answer:
        services.believe(folder)
        return _t("%s: the next plan takes the database as it is.") % folder

    def delete_model(self, request: HttpRequest, obj: PlexFolder) -> None:
        folders.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PlexFolder]) -> None:
        for folder in queryset:
            folders.forget(folder)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Say what goes without loading it: a plan may have half a million rows."""
        rows = list(objs)
        kept = folders.holding(rows)
        lines = [_t("%s, with its runs and plans. Nothing on disk is touched.") % row for row in rows]
        blocked = [_t("The quarantine of run %s still holds files.") % run for run in kept[:20]]
        return lines, {_t("data folders"): len(rows)}, set(), blocked


def _run(folder: PlexFolder, which: str) -> Run | None:
    """Return the run whose number and state the list has annotated."""
    number = getattr(folder, f"{which}_id", None)
    return Run(pk=number, state=getattr(folder, f"{which}_state"), folder_id=folder.pk) if number else None

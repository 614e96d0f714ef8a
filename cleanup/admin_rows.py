"""The rows of plans in the admin: what would be done or was done, one by one, with a picture to look at."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.jobs import registry
from mediasync.jobs import views as job_views
from mediasync.jobs.services import Submitted
from mediasync.ui import press
from mediasync.ui.admin import ReadOnlyAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import age, path

from . import admin_cells as cells
from . import housekeeping, pictures, selectors, services, views
from .choices import Klass, Outcome
from .models import PlanRow, Run

BACK = (Outcome.QUARANTINED, Outcome.UPDATED)
MOST = 1000


class TabKlass(TabFilter):
    title = _("class")
    parameter_name = "klass"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Klass.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(klass=self.value()) if self.value() in Klass.values else queryset


class RunFilter(admin.SimpleListFilter):
    title = _("run")
    parameter_name = "run"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(run.pk), str(run)) for run in Run.objects.select_related("folder")[:20]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(run=int(value[:18])) if value.isascii() and value.isdecimal() else queryset


def can_go_back(row: PlanRow) -> bool:
    """Tell whether a row was done, and can be undone."""
    return row.outcome in BACK and row.run.state in services.TO_RESTORE


@admin.register(PlanRow)
class PlanRowAdmin(ReadOnlyAdmin[PlanRow]):
    list_display = (
        *("what", "outcome_badge", "row_buttons", "klass_label", "action"),
        *("bytes", "risk_badge", "why", "picture"),
    )
    list_filter = (TabKlass, RunFilter, "outcome", "action", "risk")
    list_select_related = ("run__folder",)
    search_fields = ("path", "title")
    search_help_text = _("Part of a path, or of a title")
    fields = (
        *("run", "klass_label", "action", "shown_path", "bytes", "files", "title", "item", "column"),
        *("old", "new", "proof", "risk_badge", "outcome_badge", "why", "picture", "done"),
    )
    actions = ("restore_rows",)

    def own_urls(self) -> list[URLPattern]:
        return [self.page("<int:pk>/picture/", partial(picture, self), "picture")]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("phase", "id") if "run" in request.GET else ("-id",)

    # -- Columns

    @admin.display(description=_("What"))
    def what(self, row: PlanRow) -> SafeString:
        return cells.what(row)

    @admin.display(description=_("Class"), ordering="klass")
    def klass_label(self, row: PlanRow) -> str:
        return row.get_klass_display()

    @admin.display(description=_("Done"), ordering="done_at")
    def done(self, row: PlanRow) -> SafeString:
        return age(row.done_at)

    @admin.display(description=_("Path"))
    def shown_path(self, row: PlanRow) -> SafeString:
        return path(row.path)

    @admin.display(description=_("Outcome"))
    def outcome_badge(self, row: PlanRow) -> SafeString:
        return cells.outcome(row.outcome)

    @admin.display(description=_("Risk"))
    def risk_badge(self, row: PlanRow) -> SafeString:
        return cells.risk(row.risk)

    @admin.display(description=_("Size"))
    def bytes(self, row: PlanRow) -> str:
        return cells.size(row.blocks * selectors.BLOCK)

    @admin.display(description=_("Why"))
    def why(self, row: PlanRow) -> str:
        return registry.text(row.reason) if row.reason else "–"

    @admin.display(description=_("Picture"))
    def picture(self, row: PlanRow) -> SafeString | str:
        return cells.picture_link(row)

    # -- Going back

    @button(
        _("Restore"),
        when=can_go_back,
        permission="cleanup.change_run",
        confirm=lambda row: _("Put %s back, with the values and files that belong to it?") % row,
    )
    def restore(self, request: HttpRequest, row: PlanRow) -> Answer:
        return views.begun(request, services.restore(row.run, [row.pk], actor=actor(request)))

    @button(
        _("Refresh in Plex"),
        when=lambda row: row.klass == Klass.BROKEN and row.run.folder.server_id is not None,
        permission="cleanup.change_plexfolder",
    )
    def refresh(self, request: HttpRequest, row: PlanRow) -> Answer:
        folder = row.run.folder
        job = housekeeping.ask(folder, "refresh", housekeeping.item_of(folder, row.bundle), actor=actor(request))
        return job_views.started(request, Submitted(job, False))

    @admin.action(description=_("Restore"))
    def restore_rows(self, request: HttpRequest, queryset: QuerySet[PlanRow]) -> HttpResponse | None:
        """Put the chosen rows back: one job for each run."""
        if not request.user.has_perm("cleanup.change_run"):
            raise PermissionDenied
        rows = [row for row in queryset.select_related("run__folder").order_by("id")[:MOST] if can_go_back(row)]
        if not rows:
            messages.warning(request, _("None of these rows can be put back."))
            return None
        if "confirmed" not in request.POST:
            question = _t("Put back %d rows, with the values and files that belong to them?") % len(rows)
            return press.ask(self, request, _("Restore"), question)
        for run in {row.run_id: row.run for row in rows}.values():
            try:
                chosen = [row.pk for row in rows if row.run_id == run.pk]
                views.begun(request, services.restore(run, chosen, actor=actor(request)))
            except MediasyncError as error:
                messages.error(request, press.told(error))
        return HttpResponseRedirect(cells.run_address(rows[0].run))


def picture(page: PlanRowAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Send the picture of a row: only what begins like one, so nothing that a browser would run."""
    row = PlanRow.objects.select_related("run__folder").filter(pk=pk).first()
    if row is None:
        raise Http404
    if not page.has_view_permission(request, row):
        raise PermissionDenied
    try:
        found = pictures.of(row)
    except MediasyncError:
        raise Http404 from None
    return HttpResponse(
        found.data,
        content_type=found.content_type,
        headers={
            "Cache-Control": "private, max-age=300",
            "Content-Disposition": "inline",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )

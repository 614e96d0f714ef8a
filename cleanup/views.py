"""Pages of the clean-up that belong to no single folder, and what starts a run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.press import told

from . import admin_cells as cells
from . import folders
from .models import PlexFolder
from .services import Started


def begun(request: HttpRequest, started: Started) -> HttpResponse:
    """Say that a run is planned or worked on, and go to its page."""
    messages.success(request, _t("Run #%(run)d: job #%(job)d.") % {"run": started.run.pk, "job": started.job.pk})
    return HttpResponseRedirect(cells.run_address(started.run))


def find(page: ModelAdmin[PlexFolder], request: HttpRequest) -> HttpResponse:
    """Show the data folders in the usual places that are not known yet."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    context: dict[str, Any] = {"found": folders.find(), "may_add": page.has_add_permission(request)}
    return page.show(request, "cleanup/find.html", _("Find data folders"), **context)


def add_found(page: ModelAdmin[PlexFolder], request: HttpRequest) -> HttpResponse:
    """Make one of those known: only what is found again now."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    chosen = request.POST.get("path", "")
    try:
        if chosen not in folders.find():
            messages.error(request, _("That folder is not there any more."))
            return HttpResponseRedirect(reverse("admin:cleanup_plexfolder_find"))
        folder = folders.add(chosen)
    except MediasyncError as error:
        messages.error(request, told(error))
        return HttpResponseRedirect(reverse("admin:cleanup_plexfolder_find"))
    messages.success(request, _t("%s is known now. Look through its policy.") % folder)
    return HttpResponseRedirect(reverse("admin:cleanup_plexfolder_change", args=[folder.pk]))

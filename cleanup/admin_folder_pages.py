"""The pages of one data folder: what is found, plan, schedule, coverage, Plex's own jobs. A GET changes nothing."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.jobs import registry
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Schedule
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.press import told

from . import admin_cells as cells
from . import allowing, housekeeping, preflight, scopes, server_facts, services, summing, views
from . import coverage as measuring
from . import policy as policies
from .forms import CleanupScheduleForm, WhatForm
from .models import PlexFolder, Run
from .plexdata import database, places

Page = ModelAdmin[PlexFolder]


def folder_of(page: Page, request: HttpRequest, pk: int, permission: str = "") -> PlexFolder:
    """Return the data folder, or refuse."""
    if not page.has_view_permission(request) or (permission and not request.user.has_perm(permission)):
        raise PermissionDenied
    folder = PlexFolder.objects.select_related("server").filter(pk=pk).first()
    if folder is None:
        raise Http404
    return folder


def show(page: Page, request: HttpRequest, folder: PlexFolder, name: str, title: Any, **context: Any) -> HttpResponse:
    """Show a page of a folder under the folder's name."""
    return page.show(request, f"cleanup/{name}.html", f"{folder}: {title}", folder=folder, **context)


def back_to(folder: PlexFolder, name: str) -> HttpResponse:
    """Go to one of the folder's pages."""
    return HttpResponseRedirect(reverse(f"admin:cleanup_plexfolder_{name}", args=[folder.pk]))


def look(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what is found at the folder; ``?sizes=1`` also walks it and counts files and bytes."""
    folder = folder_of(page, request, pk)
    facts = preflight.look(folder, server_facts.of(folder))
    parts: dict[str, dict[str, Any]] = {name: dict(found) for name, found in facts.get("parts", {}).items()}
    last = Run.objects.filter(folder=folder, facts__has_key="parts").order_by("-id").first()
    sized = "sizes" in request.GET and not facts["refused"]
    known = preflight.sizes(places.resolve(folder.path, folder.cache_path)) if sized else {}
    for name, found in (known or (last.facts["parts"] if last else {})).items():
        parts.setdefault(name, {}).update({key: found.get(key, 0) for key in ("files", "bytes", "upload_files")})
    context: dict[str, Any] = {
        "facts": facts,
        "parts": parts,
        "sized": sized,
        "last": last,
        "refused": [registry.text(code, params) for code, params in facts["refused"]],
        "warnings": [registry.text(code, params) for code, params in facts["warnings"]],
        "signs": [registry.text(f"plex_sign_{why}") for why in facts.get("plex", {}).get("why", ())],
        "kinds": [registry.text(name) for name in facts.get("no_orphans", ())],
    }
    return show(page, request, folder, "look", _t("what is found"), **context)


def plan(page: Page, request: HttpRequest, pk: int, form: WhatForm | None = None) -> HttpResponse:
    """Show what can be planned."""
    folder = folder_of(page, request, pk, "cleanup.add_run")
    form = form or WhatForm(initial={"steps": ["all"], "limit": 0})
    context: dict[str, Any] = {"form": form}
    try:
        policy = policies.of(folder.policy)
        context["classes"] = [(each, cells.risk(each.risk)) for each in allowing.classes(policy)]
        context |= {"window": allowing.window(policy), "limits": allowing.limits(policy), "policy": policy}
    except MediasyncError as error:
        context["problem"] = told(error)
    return show(page, request, folder, "plan", _t("plan a clean-up"), **context)


def start_plan(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Plan what the form says."""
    folder = folder_of(page, request, pk, "cleanup.add_run")
    form = WhatForm(request.POST)
    if form.is_valid():
        wanted = form.scope()
        try:
            return views.begun(request, services.plan(folder, wanted.pop("steps"), **wanted, actor=actor(request)))
        except MediasyncError as error:
            form.add_error(None, told(error))
    return plan(page, request, pk, form)


def schedule(page: Page, request: HttpRequest, pk: int, form: CleanupScheduleForm | None = None) -> HttpResponse:
    """Show when something of this folder is done by itself, and the form for one time more."""
    folder = folder_of(page, request, pk)
    rows = Schedule.objects.filter(kind__startswith="cleanup_", scope__folder=folder.pk).order_by("name")
    form = form or CleanupScheduleForm(initial={"name": _t("Clean-up of %s") % folder, "steps": ["cache"]})
    may = request.user.has_perm("jobs.add_schedule") and request.user.has_perm("cleanup.add_run")
    return show(page, request, folder, "schedule", _t("schedule"), form=form, rows=rows, may=may)


def save_schedule(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Make the schedule. To have it carried out by itself wants the right to accept a plan."""
    folder = folder_of(page, request, pk, "jobs.add_schedule")
    form = CleanupScheduleForm(request.POST)
    if form.is_valid():
        cleaned = form.cleaned_data
        if not request.user.has_perm("cleanup.change_run" if cleaned["apply"] else "cleanup.add_run"):
            raise PermissionDenied
        try:
            if Schedule.objects.filter(name=cleaned["name"]).exists():
                form.add_error("name", _("There is a schedule of this name."))
                return schedule(page, request, pk, form)
            scope = scopes.check_plan({"folder": folder.pk, **form.scope(), "apply": cleaned["apply"]})
            made = jobs.put_schedule(
                cleaned["name"], services.PLAN, scope, cron=cleaned["cron"], timezone=cleaned["timezone"]
            )
        except MediasyncError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _t("“%s” is on.") % made)
            return back_to(folder, "schedule")
    return schedule(page, request, pk, form)


def coverage(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far the libraries are, measured now in Plex's own database (read only)."""
    folder = folder_of(page, request, pk)
    context: dict[str, Any] = {}
    try:
        data = places.resolve(folder.path, folder.cache_path)
        with closing(database.open_ro(data.database)) as con:
            measured = measuring.measure(con, database.probe(con))
        context = {"measured": measured, "lines": summing.table({"before": measured}), "shown": summing.SHOWN}
    except MediasyncError as error:
        context["problem"] = told(error)
    return show(page, request, folder, "coverage_page", _t("coverage"), **context)


def butler(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what Plex can be asked to do by itself."""
    folder = folder_of(page, request, pk)
    context: dict[str, Any] = {
        "own": housekeeping.OWN,
        "again": housekeeping.AGAIN,
        "may": request.user.has_perm("cleanup.change_plexfolder"),
    }
    try:
        context["tasks"] = housekeeping.tasks(folder)
    except MediasyncError as error:
        context["problem"] = told(error)
    return show(page, request, folder, "butler", _t("Plex’s own jobs"), **context)


def ask_butler(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Make the job that asks Plex, and go to it."""
    folder = folder_of(page, request, pk, "cleanup.change_plexfolder")
    try:
        what = request.POST.get("what", "")
        item = request.POST.get("item", "").strip() if what in housekeeping.AGAIN else ""
        job = housekeeping.ask(folder, what, item, actor=actor(request))
    except MediasyncError as error:
        messages.error(request, told(error))
        return back_to(folder, "butler")
    messages.success(request, _t("Job #%d asks Plex and waits until it is done.") % job.pk)
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

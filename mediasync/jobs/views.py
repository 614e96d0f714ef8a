"""The pages of a job: its tree, its items, and the page that starts one. A GET changes nothing."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from mediasync.core import clock
from mediasync.core.errors import MediasyncError
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import render

from . import admin_cells as cells
from . import forms, registry, selectors, services
from .admin_commands import CONTROL
from .choices import ItemState, JobState, Level
from .models import Group, Item, Job, JobLog

MOST_OPEN = 10  # groups that one page opens


# -- The tree


def job_page(admin: ModelAdmin[Job], request: HttpRequest, object_id: str) -> HttpResponse:
    """Show a job: head, tree, events, commands, who works on it, settings and relatives."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    job = admin.get_object(request, object_id)
    if job is None:
        raise Http404
    if not admin.has_view_permission(request, job):
        raise PermissionDenied
    opened = _numbers(request, "open")[:MOST_OPEN]
    state = _state(request)
    level, before = _number(request, "level"), _number(request, "before")
    return admin.show(
        request,
        "jobs/job.html",
        cells.title(job),
        job=job,
        admin_buttons=render(admin.buttons_for(request, job)),
        may_control=request.user.has_perm(CONTROL),
        reason=cells.reason(job),
        elapsed=elapsed(job),
        eta=eta(job),
        tree=selectors.tree(job, open_groups=opened, state=state),
        opened=opened,
        state=state,
        item_states=[ItemState.FAILED, ItemState.RUNNING, ItemState.RETRY_WAIT, ItemState.SKIPPED],
        events=selectors.events(job, level=level, before=before),
        level=level,
        levels=[Level.INFO, Level.WARNING, Level.ERROR],
        log=JobLog.objects.filter(job=job).values_list("text", flat=True).first(),
        commands=job.commands.order_by("-id")[:20],
        slots=job.slots.select_related("worker").order_by("worker_id", "slot")[:64],
        lanes=job.lanes.order_by("key"),
        children=job.children.order_by("-id")[:20],
        reruns=job.reruns.order_by("-id")[:20],
        finishing=job.state in (JobState.PAUSE_REQUESTED, JobState.CANCEL_REQUESTED),
    )


def items_page(admin: ModelAdmin[Job], request: HttpRequest, pk: int) -> HttpResponse:
    """Show a page of a group's items, of a stage's items in one state, or of a stage's groups."""
    job = get_object_or_404(Job, pk=pk)
    if not admin.has_view_permission(request, job):
        raise PermissionDenied
    state, after = _state(request), request.GET.get("after", "")
    group_id, stage_id = _number(request, "group"), _number(request, "stage")
    group = get_object_or_404(Group.objects.select_related("stage"), pk=group_id, stage__job=job) if group_id else None
    stage = group.stage if group else get_object_or_404(job.stages, pk=stage_id)
    by_id = bool(state)
    if by_id and after and not after.isdecimal():
        raise Http404
    shown: selectors.Page[Item] | None = None
    listed: selectors.Page[Group] | None = None
    if group is not None:
        shown = selectors.group_items(group, after, state)
    elif state:
        shown = selectors.stage_items(stage.pk, state, after)
    elif "loose" not in request.GET and stage.groups.exists():
        listed = selectors.groups(stage.pk, after)
    else:
        shown = selectors.loose_items(stage.pk, after)
    return admin.show(
        request,
        "jobs/items.html",
        cells.title(job),
        job=job,
        stage=stage,
        group=group,
        state=state,
        after=after,
        items=shown,
        groups=listed,
        may_control=request.user.has_perm(CONTROL),
        item_states=list(ItemState),
    )


def elapsed(job: Job) -> float | None:
    """Return the seconds since the job started, up to its end."""
    if job.started is None:
        return None
    return ((job.finished or clock.system.now()) - job.started).total_seconds()


def eta(job: Job) -> float | None:
    """Return the seconds that are left; None unless that can honestly be said."""
    left = job.total - job.done - job.failed - job.skipped
    if job.state != JobState.RUNNING or not job.total_final or job.rate <= 0 or left <= 0:
        return None
    return left / job.rate


# -- Starting one


def start_page(admin: ModelAdmin[Job], request: HttpRequest) -> HttpResponse:
    """Show the kinds that this user may start, and the form of the chosen one."""
    kinds = [kind for kind in registry.kinds() if kind.allows(request.user)]
    chosen = next((kind for kind in kinds if kind.name == request.GET.get("kind")), None)
    form = forms.scope_form(chosen) if chosen else None
    return admin.show(request, "jobs/start.html", _("Start a job"), kinds=kinds, chosen=chosen, form=form)


def start(admin: ModelAdmin[Job], request: HttpRequest, kind: str) -> HttpResponse:
    """Submit a job of this kind with the scope that the form gives."""
    known = next((each for each in registry.kinds() if each.name == kind), None)
    if known is None:
        raise Http404
    if not known.allows(request.user):
        raise PermissionDenied
    form = forms.scope_form(known, request.POST)
    if form.is_valid():
        scope = forms.scope_of(form)
        if not known.allows(request.user, scope):
            raise PermissionDenied
        try:
            submitted = services.submit(kind, scope, actor=actor(request))
        except MediasyncError as error:
            form.add_error(None, press.told(error))
        else:
            return started(request, submitted)
    kinds = [each for each in registry.kinds() if each.allows(request.user)]
    return admin.show(request, "jobs/start.html", _("Start a job"), kinds=kinds, chosen=known, form=form)


def started(request: HttpRequest, submitted: services.Submitted) -> HttpResponse:
    """Say that the job was queued, or that one for the same waits already, and go to its page."""
    job = submitted.job
    link = format_html("{}", cells.title(job))
    if submitted.deduplicated:
        messages.warning(request, format_html(_("A job for the same is waiting already: {}"), link))
    else:
        messages.success(request, format_html(_("Queued: {}"), link))
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))


# -- What an address says


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text[:18]) if text.isdecimal() else 0


def _numbers(request: HttpRequest, name: str) -> list[int]:
    return [int(text[:18]) for text in request.GET.get(name, "").split(",") if text.isdecimal()]


def _state(request: HttpRequest) -> str:
    state = request.GET.get("state", "")
    return state if state in ItemState.values else ""

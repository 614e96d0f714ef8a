"""What the buttons of the console ask of the engine, and what they answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from mediasync.core import clock
from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer

from . import admin_cells as cells
from . import registry, services
from .choices import ACTIVE, CommandState, Source, Verb
from .models import Command, EngineState, Item, Job

CONTROL = "jobs.control_job"
ANSWER_WITHIN = 1.0  # seconds that a button waits for its command's result


def looks_stuck(job: Job) -> bool:
    """Tell whether the lease of an active job ran out so long ago that a person may end it."""
    patience = dt.timedelta(seconds=settings.LEASE_SECONDS)
    return job.state in ACTIVE and job.lease_until is not None and job.lease_until < clock.system.now() - patience


def ask(
    request: HttpRequest, job: Job | None, verb: Verb, args: dict[str, Any] | None = None, *, wait: bool = True
) -> Answer:
    """Give a command and return what to say of it: its result if it comes at once, else that it was asked for."""
    command = services.command(job, verb, actor=actor(request), source=Source.WEB, args=args)
    what = verb.label if job is None else f"{verb.label}: {cells.title(job)}"
    if wait:
        _await(command)
    if command.state == CommandState.REFUSED:
        messages.error(request, f"{what} – {registry.text(command.result_code, command.result_params)}")
        return None
    if command.state == CommandState.APPLIED:
        return _("%s – done.") % what
    if not _conducted():
        return _("%s – asked for; it will be done as soon as a worker runs.") % what
    return _("%s – asked for.") % what


def _conducted() -> bool:
    return EngineState.objects.filter(pk=1, conductor_until__gt=clock.system.now()).exists()


def _await(command: Command) -> None:
    """Look for the command's result until ANSWER_WITHIN, if somebody is there to carry it out."""
    deadline = clock.system.monotonic() + ANSWER_WITHIN
    while _conducted() and command.state == CommandState.PENDING and clock.system.monotonic() < deadline:
        clock.system.sleep(0.1)
        command.refresh_from_db()


def engine(admin: ModelAdmin[Job], verb: Verb, request: HttpRequest) -> HttpResponse:
    """Pause or resume everything."""
    if not request.user.has_perm(CONTROL):
        raise PermissionDenied
    return _answer(admin, request, lambda: ask(request, None, verb))


def retry_item(admin: ModelAdmin[Job], request: HttpRequest, pk: int, item: int) -> HttpResponse:
    """Retry one item; with ``force`` also one that succeeded, after a question."""
    job = _controlled(request, pk)
    row = get_object_or_404(Item, pk=item, stage__job=job)
    force = "force" in request.POST
    if force and "confirmed" not in request.POST:
        question = _("“%s” will be done again, even if it succeeded and nothing changed since.") % for_people(row.key)
        return press.ask(admin, request, Verb.FORCE_RETRY_ITEM.label, question)
    verb = Verb.FORCE_RETRY_ITEM if force else Verb.RETRY_ITEM
    return _answer(admin, request, lambda: ask(request, job, verb, {"items": [row.pk]}))


def set_priority(admin: ModelAdmin[Job], request: HttpRequest, pk: int) -> HttpResponse:
    """Give the job another place in the queue."""
    job = _controlled(request, pk)
    text = request.POST.get("priority", "")
    if not text.removeprefix("-").isdecimal() or abs(int(text)) > 1000:
        messages.error(request, _("A priority is a whole number between -1000 and 1000."))
        return HttpResponseRedirect(press.back(admin, request))
    return _answer(admin, request, lambda: ask(request, job, Verb.SET_PRIORITY, {"priority": int(text)}))


def _controlled(request: HttpRequest, pk: int) -> Job:
    if not request.user.has_perm(CONTROL):
        raise PermissionDenied
    return get_object_or_404(Job, pk=pk)


def _answer(admin: ModelAdmin[Job], request: HttpRequest, do: Callable[[], Answer]) -> HttpResponse:
    try:
        if text := do():
            messages.success(request, str(text))
    except MediasyncError as error:
        messages.error(request, press.told(error))
    return HttpResponseRedirect(press.back(admin, request))

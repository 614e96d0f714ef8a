"""Pages that take something from people: playlists in a file, and another folder for a job that has no room left."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState, Source
from mediasync.jobs.models import Job
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor

from . import playlist_file, progress, rooms, routing
from .forms_playlist import IntakeForm, RoomForm
from .models import Playlist
from .playlist_file import Taken

CONTROL, START, ADD = "jobs.control_job", "jobs.add_job", "catalog.add_playlist"
MOST_PROBLEMS = 200  # lines that the page shows
SAID_ON = {"index", "jobs_job_change"}  # the first page, and those of jobs


# -- Playlists in a file


def file_page(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Ask for a file of playlists, or lines of addresses."""
    _may_start(request)
    return _intake(admin, request, IntakeForm())


def take_file(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Take a file in, and queue a job for just its playlists; lines that cannot be used are shown."""
    _may_start(request)
    form = IntakeForm(request.POST, request.FILES)
    if not form.is_valid():
        return _intake(admin, request, form)
    try:
        taken = playlist_file.take(form.cleaned_data["content"], form.cleaned_data["name"])
        if not taken.playlists:
            return _intake(admin, request, form, taken)
        kind = "sync_download" if form.cleaned_data["download"] else "sync_only"
        made = jobs.submit(kind, {"playlists": taken.playlists}, actor=actor(request))
    except MediasyncError as error:
        form.add_error(None, press.told(error))
        return _intake(admin, request, form)
    if taken.problems:
        return _intake(admin, request, IntakeForm(), taken, made)
    messages.success(request, _taken(taken, made))
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[made.job.pk]))


def _taken(taken: Taken, made: jobs.Submitted) -> str:
    count = len(taken.playlists)
    return f"{ngettext('%d playlist.', '%d playlists.', count) % count} {routing.queued(made)}"


def _intake(
    admin: ModelAdmin[Playlist],
    request: HttpRequest,
    form: IntakeForm,
    taken: Taken | None = None,
    made: jobs.Submitted | None = None,
) -> HttpResponse:
    if taken and made:
        messages.warning(request, _taken(taken, made))
    problems = taken.problems if taken else []
    title = _("Add from a file")
    return admin.show(
        request, "catalog/intake.html", title, form=form, problems=problems[:200], empty=taken and not made
    )


def _may_start(request: HttpRequest) -> None:
    if not request.user.has_perms((START, ADD)):
        raise PermissionDenied


# -- Another folder


def room_page(admin: ModelAdmin[Playlist], request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another folder for a job that is paused because one is full."""
    return _room(admin, request, get_object_or_404(Job, pk=pk), RoomForm())


def move_room(admin: ModelAdmin[Playlist], request: HttpRequest, pk: int) -> HttpResponse:
    """Let a paused job go on in the folder that was named."""
    job, form = get_object_or_404(Job, pk=pk), RoomForm(request.POST)
    _may_control(request)
    if not form.is_valid():
        return _room(admin, request, job, form)
    try:
        other = rooms.move_on(job, form.cleaned_data["folder"], actor=actor(request), source=Source.WEB)
    except MediasyncError as error:
        form.add_error(None, press.told(error))
        return _room(admin, request, job, form)
    messages.success(request, _("It goes on in %s.") % for_people(other.container_name))
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))


def _room(admin: ModelAdmin[Playlist], request: HttpRequest, job: Job, form: RoomForm) -> HttpResponse:
    _may_control(request)
    title = _("Another folder")
    return admin.show(request, "catalog/room.html", title, job=job, form=form, room=rooms.full_room(job))


def _may_control(request: HttpRequest) -> None:
    if not request.user.has_perm(CONTROL):
        raise PermissionDenied


def full_rooms(request: HttpRequest) -> Iterator[SafeString]:
    """Yield a sentence, with the way to the form, for each job that waits for another folder."""
    match = request.resolver_match
    if match is None or match.url_name not in SAID_ON or not request.user.has_perm(CONTROL):
        return
    for job in progress.jobs().filter(state=JobState.PAUSED, reason_code=rooms.FULL)[:5]:
        address = reverse("admin:catalog_playlist_room", args=[job.pk])
        text = _("Job #%d waits: there is too little room for its files.") % job.pk
        yield format_html('{} <a href="{}">{}</a>', text, address, _("Choose another folder"))

"""Pages of the catalog that only show: its overview, the songs of a playlist, how far the playlists of a job are."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from mediasync.jobs import admin_cells, registry
from mediasync.jobs.choices import TERMINAL, WorkerState
from mediasync.jobs.models import Job, Worker
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.buttons import render

from . import progress, rooms
from .models import Playlist
from .selectors import with_coverage

PAGE = 100
MOST = 20


def to_playlists(request: HttpRequest) -> HttpResponse:
    """Lead from the short address of the list to it, with its filters; its words are called ``q`` there."""
    query = request.GET.copy()
    if words := query.pop("keyword", []):
        query["q"] = words[-1]
    return HttpResponseRedirect(f"{reverse('admin:catalog_playlist_changelist')}?{query.urlencode()}")


def songs_page(admin: ModelAdmin[Playlist], request: HttpRequest, pk: int) -> HttpResponse:
    """Show the songs of a playlist in its order, and which of them are here."""
    let_look(admin, request)
    playlist = get_object_or_404(with_coverage(), pk=pk)
    page = Paginator(progress.songs_of(pk), PAGE).get_page(request.GET.get("page"))
    buttons = render(admin.buttons_for(request, playlist))
    return admin.show(request, "catalog/songs.html", playlist.name, playlist=playlist, page=page, admin_buttons=buttons)


def overview_page(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Show what is being done, what was done, and how much of the playlists is here."""
    let_look(admin, request)
    jobs = progress.jobs()
    active = list(jobs.exclude(state__in=TERMINAL)[:MOST])
    job_admin = admin.admin_site._registry[Job]
    assert isinstance(job_admin, ModelAdmin)
    wanted = with_coverage(Playlist.objects.filter(wanted=True))
    return admin.show(
        request,
        "catalog/overview.html",
        _("Music"),
        kinds=[kind for kind in map(registry.kind, progress.NAMES) if request.user.has_perm(kind.permission)],
        active=[(job, render(job_admin.buttons_for(request, job)), rooms.full_room(job)) for job in active],
        recent=[(job, render(job_admin.buttons_for(request, job))) for job in jobs.filter(state__in=TERMINAL)[:MOST]],
        running=progress.running(),
        workers=Worker.objects.filter(state=WorkerState.READY).order_by("pk")[:MOST],
        coverage=progress.coverage(),
        wanted=wanted.order_by("-pk")[:MOST],
    )


def job_page(admin: ModelAdmin[Playlist], request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far each playlist of a job is; songs that were here before count."""
    let_look(admin, request)
    job = get_object_or_404(Job, pk=pk)
    if job.kind not in progress.NAMES:
        raise Http404
    playlists = with_coverage(progress.playlists_of(job)).order_by("pk")
    page = Paginator(playlists, PAGE).get_page(request.GET.get("page"))
    return admin.show(request, "catalog/job.html", admin_cells.title(job), job=job, page=page)


def job_songs_page(admin: ModelAdmin[Playlist], request: HttpRequest, pk: int, playlist: int) -> HttpResponse:
    """Show the songs of one playlist with the state of each in a job."""
    let_look(admin, request)
    job, found = get_object_or_404(Job, pk=pk), get_object_or_404(Playlist, pk=playlist)
    page = Paginator(range(progress.songs_of(playlist).count()), PAGE).get_page(request.GET.get("page"))
    rows = progress.songs_of_job(job, playlist, max(page.start_index() - 1, 0), PAGE)
    return admin.show(request, "catalog/job_songs.html", found.name, job=job, playlist=found, rows=rows, page=page)


def let_look(admin: ModelAdmin[Playlist], request: HttpRequest) -> None:
    """Refuse who may not see playlists."""
    if not admin.has_view_permission(request):
        raise PermissionDenied

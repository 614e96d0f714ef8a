"""What other programs, and our own pages, ask and tell about playlists: JSON, by a token or a login."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, JsonResponse
from django.urls import reverse

from mediasync.core.errors import NotFound, UsageError
from mediasync.core.paths import for_people
from mediasync.jobs import telling
from mediasync.jobs.choices import TERMINAL, Trigger
from mediasync.jobs.models import Event, Job
from mediasync.jobs.services import Submitted
from mediasync.servers.models import ApiToken

from . import bundles, dedupe, exporting, finding, progress, routing
from .callers import for_callers
from .models import Playlist

Row = TypeVar("Row", bound=Model)
SEE, RUN, CHANGE = "catalog.view_playlist", "jobs.add_job", "catalog.change_playlist"
DEDUPE = "catalog.delete_filelocation"
Scope = ApiToken.Scope
MOST_EVENTS = 200
LARGEST_BODY = 200_000  # bytes


# -- What is asked


@for_callers(Scope.READ, SEE, "GET")
def playlists(request: HttpRequest, caller: str) -> JsonResponse:
    """Return a page of playlists with state and coverage; the filters are those of the list in the admin."""
    size = finding.page_size(request.GET.get("page_size", ""))
    page = Paginator(finding.find(request.GET), size).get_page(request.GET.get("page"))
    rows = [_playlist(row) for row in page]
    return JsonResponse({"playlists": rows, "page": page.number, "pages": page.paginator.num_pages, "page_size": size})


@for_callers(Scope.READ, SEE, "GET")
def dashboard(request: HttpRequest, caller: str) -> JsonResponse:
    """Return jobs, running songs, coverage and the events after the one whose number is ``after``."""
    jobs = progress.jobs()
    events = Event.objects.filter(job__kind__in=progress.NAMES).select_related("stage")
    after = request.GET.get("after", "")
    if after.isdecimal():
        shown = list(events.filter(pk__gt=int(after[:18])).order_by("pk")[:MOST_EVENTS])
    else:
        shown = list(events.order_by("-pk")[:MOST_EVENTS])[::-1]
    running = progress.running()
    return JsonResponse(
        {
            "active": [telling.of_job(job, stages=True) for job in jobs.exclude(state__in=TERMINAL)[:20]],
            "recent": [telling.of_job(job) for job in jobs.filter(state__in=TERMINAL)[:20]],
            "running": [
                {"job": each.job_id, "text": for_people(each.text), "bytes_per_second": each.bytes_per_second}
                for each in running
            ],
            "coverage": {state.value: number for state, number in progress.coverage()},
            "events": [telling.of_event(event) | {"job": event.job_id} for event in shown],
            "after": shown[-1].pk if shown else int(after[:18]) if after.isdecimal() else 0,
        }
    )


@for_callers(Scope.READ, SEE, "GET")
def job_songs(request: HttpRequest, caller: str, job: int, playlist: int) -> JsonResponse:
    """Return the songs of a playlist with the state of each in a job."""
    found = _one(Job.objects.filter(kind__in=progress.NAMES), job, "job")
    _one(Playlist.objects.all(), playlist, "playlist")
    start = request.GET.get("start", "")
    rows = progress.songs_of_job(found, playlist, int(start[:9]) if start.isdecimal() else 0)
    return JsonResponse({"job": job, "playlist": playlist, "songs": rows})


# -- What is told


@for_callers(Scope.CONTROL, RUN, "POST")
def download(request: HttpRequest, caller: str) -> JsonResponse:
    """Send playlists to the jobs that they need."""
    return _accepted(_routed(routing.download(_ids(request), actor=caller, trigger=Trigger.API)))


@for_callers(Scope.CONTROL, CHANGE, "POST")
def wanted(request: HttpRequest, caller: str) -> JsonResponse:
    """Put playlists on the wanted list, or take them off (``wanted`` false)."""
    body, ids = _body(request), _ids(request)
    value = body.get("wanted", True)
    on = finding.truth(value) if isinstance(value, str) else bool(value)
    return JsonResponse({"status": "done", "detail": routing.want(ids, on)})


@for_callers(Scope.CONTROL, RUN, "POST")
def export(request: HttpRequest, caller: str) -> JsonResponse:
    """Refresh the folders of the playlists that are here, and send the others to the jobs that they need."""
    routed = routing.download(_ids(request), actor=caller, trigger=Trigger.API)
    folders = [_folder(row) for row in Playlist.objects.filter(pk__in=routed.ready).order_by("pk")]
    return _accepted(_routed(routed) | {"folders": folders})


@for_callers(Scope.CONTROL, RUN, "POST")
def export_zip(request: HttpRequest, caller: str) -> JsonResponse:
    """Return where the archive of playlists can be fetched, or the jobs that bring what is wanting: never a part."""
    done = bundles.export(_ids(request), actor=caller, trigger=Trigger.API)
    if done.bundle is None:
        return _accepted(_routed(done.routed))
    address = reverse("catalog-bundle", args=[done.bundle.name])
    return JsonResponse({"status": "ready", "download_url": address, "size": done.bundle.size})


# -- Files


@for_callers(Scope.READ, SEE, "GET")
def playlist_zip(request: HttpRequest, caller: str, pk: int) -> FileResponse:
    """Return the archive of one playlist; 409 while it is not complete."""
    playlist = _one(Playlist.objects.all(), pk, "playlist")
    made = bundles.make([pk])
    return _file(made.name, f"{exporting.folder_name(playlist)}.zip")


@for_callers(Scope.READ, SEE, "GET")
def bundle(request: HttpRequest, caller: str, name: str) -> FileResponse:
    """Return an archive that was made before."""
    return _file(name, f"{name}.zip")


@for_callers(Scope.CONTROL, CHANGE, "GET", "POST")
def export_folder(request: HttpRequest, caller: str, pk: int) -> JsonResponse:
    """Bring the folder of a playlist up to date from what the database says; nothing is downloaded for it."""
    return JsonResponse(_folder(_one(Playlist.objects.all(), pk, "playlist")))


# -- Maintenance


@for_callers(Scope.READ, SEE, "GET")
def local_duplicates(request: HttpRequest, caller: str) -> JsonResponse:
    """Return the versions that lie twice or more in one folder of ours, the copy to keep first."""
    groups = dedupe.scan()
    return JsonResponse({"groups": [group.as_json() for group in groups], "count": len(groups)})


@for_callers(Scope.ADMIN, DEDUPE, "POST")
def run_dedupe(request: HttpRequest, caller: str) -> JsonResponse:
    """Keep one copy of each; 409 while any job runs."""
    return JsonResponse(asdict(dedupe.run()))


# -- Pieces


def _one(rows: QuerySet[Row], pk: int, what: str) -> Row:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no {what} {pk}.", code=f"no_{what}", **{what: pk})
    return found


def _file(name: str, shown: str) -> FileResponse:
    path = bundles.find(name)
    return FileResponse(path.open("rb"), as_attachment=True, filename=shown)


def _folder(playlist: Playlist) -> dict[str, Any]:
    made = exporting.refresh(playlist)
    facts = {"changed": made.changed, "files": made.files, "missing": made.missing}
    return {"playlist": playlist.pk, "folder": for_people(made.path), **facts}


def _playlist(row: Any) -> dict[str, Any]:
    names = ("platform", "remote_id", "kind", "name", "url", "play_count", "track_count", "wanted", "mode")
    more = ("sync_result", "last_error", "status", "total_songs", "downloaded_songs", "running_songs")
    synced = row.synced_at.isoformat() if row.synced_at else None
    return {"id": row.pk, **{name: getattr(row, name) for name in (*names, *more)}, "synced_at": synced}


def _routed(routed: routing.Routed) -> dict[str, Any]:
    return {
        "status": "queued" if routed.sync_job or routed.download_job else "ready",
        "ready": routed.ready,
        "sync_download": routed.to_sync,
        "download_only": routed.to_download,
        "sync_download_job": _job(routed.sync_job),
        "download_job": _job(routed.download_job),
        "detail": routing.said(routed),
    }


def _accepted(body: dict[str, Any]) -> JsonResponse:
    """Return what became of a request: 202 while a job still has to do it."""
    return JsonResponse(body, status=202 if body["status"] == "queued" else 200)


def _job(submitted: Submitted | None) -> dict[str, Any] | None:
    if submitted is None:
        return None
    job = submitted.job
    return {"id": job.pk, "kind": job.kind, "state": job.state, "deduplicated": submitted.deduplicated}


def _body(request: HttpRequest) -> dict[str, Any]:
    """Return the fields of a form or of a JSON object; UsageError for what is neither."""
    if request.content_type != "application/json":
        return {name: request.POST.get(name) for name in request.POST}
    if len(request.body) > LARGEST_BODY:
        raise UsageError("The request is too large.", code="too_large")
    try:
        found = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("The body must be a JSON object.", code="bad_body")
    return found


def _ids(request: HttpRequest) -> list[int]:
    """Return ``playlist_ids``: numbers in a JSON list, or separated by commas, or a field several times."""
    if request.content_type != "application/json":
        given: Iterable[Any] = [part for text in request.POST.getlist("playlist_ids") for part in text.split(",")]
    else:
        named = _body(request).get("playlist_ids") or []
        given = named if isinstance(named, list) else str(named).split(",")
    texts = [str(each).strip() for each in given]
    if wrong := [text for text in texts if text and not (text.isascii() and text.isdecimal() and len(text) < 19)]:
        raise UsageError(f"Not the number of a playlist: {wrong[0][:50]!r}.", code="bad_playlist")
    return list(dict.fromkeys(int(text) for text in texts if text))

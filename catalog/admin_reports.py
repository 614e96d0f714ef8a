"""What was not found: a page, and the same as CSV."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from mediasync.ui.admin import ModelAdmin

from . import finding, reports
from .models import Playlist, Song
from .views import let_look

PAGE = 100


def unmatched_page(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Show the songs of playlists of which no file is here."""
    let_look(admin, request)
    page = Paginator(_rows(request), PAGE).get_page(request.GET.get("page"))
    return admin.show(request, "catalog/unmatched.html", _("Not found"), page=page, query=request.GET.urlencode())


def unmatched_csv(admin: ModelAdmin[Playlist], request: HttpRequest) -> StreamingHttpResponse:
    """Return them all as CSV."""
    let_look(admin, request)
    lines = reports.as_csv(_rows(request).iterator(chunk_size=2000))
    headers = {"Content-Disposition": 'attachment; filename="not-found.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _rows(request: HttpRequest) -> QuerySet[Song, dict[str, Any]]:
    """Return what the address asks for: of which playlists, and whether what was never looked for counts."""
    playlists = finding.numbers(request.GET.get("playlists", "")) or None
    return reports.unmatched(playlists, untried=finding.truth(request.GET.get("untried")))

"""Archives of playlists for who presses a button, and the page of files that lie twice in a folder of ours."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.errors import MediasyncError
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor

from . import bundles, dedupe, routing
from .models import Playlist
from .views import let_look

MOST = 200  # groups that the page shows
DELETE = "catalog.delete_filelocation"


def give(request: HttpRequest, playlists: Sequence[int]) -> HttpResponse | None:
    """Lead to the archive of playlists that are all here; otherwise say which jobs bring what is wanting.

    Raises what ``bundles.export`` raises.
    """
    made = bundles.export(playlists, actor=actor(request))
    if made.bundle is not None:
        return HttpResponseRedirect(reverse("catalog-bundle", args=[made.bundle.name]))
    text = _("Not everything is here yet, so nothing was packed: export it again afterwards.")
    messages.warning(request, f"{text} {routing.said(made.routed)}")
    return None


def duplicates_page(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Show the files that lie twice or more in one folder of ours, and which of them would stay."""
    let_look(admin, request)
    groups = dedupe.scan()
    may = request.user.has_perm(DELETE)
    title = _("Twice on disk")
    return admin.show(request, "catalog/duplicates.html", title, groups=groups[:MOST], total=len(groups), may=may)


def run_dedupe(admin: ModelAdmin[Playlist], request: HttpRequest) -> HttpResponse:
    """Keep one copy of each, and show the page again with what came of it; 409 while anything runs."""
    if not request.user.has_perm(DELETE):
        raise PermissionDenied
    status = 200
    try:
        done = dedupe.run()
    except MediasyncError as error:
        messages.error(request, press.told(error))
        status = 409
    else:
        text = ngettext("%(n)d copy was taken away.", "%(n)d copies were taken away.", done.inactive)
        messages.success(request, text % {"n": done.inactive})
        for problem in done.problems[:20]:
            messages.warning(request, problem)
    answer = duplicates_page(admin, request)
    answer.status_code = status
    return answer

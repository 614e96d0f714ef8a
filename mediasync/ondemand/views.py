"""PlexLib's addresses, ``/update/<section>/`` and ``/update/from_name/``, and a page for those who are no admins."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mediasync.core.errors import MediasyncError
from mediasync.jobs import registry
from mediasync.servers.models import ApiToken, Library

from . import overview, services
from .callers import Caller, for_callers, wants_text

PERMISSION = "servers.trigger_update"
trigger = for_callers(ApiToken.Scope.TRIGGER, PERMISSION)


@require_http_methods(["GET", "POST"])
@trigger
def update_section(request: HttpRequest, caller: Caller, section: str) -> HttpResponse:
    """Have the libraries of this title looked through."""
    return _answer(request, services.by_section(section, caller.name))


@require_POST
@trigger
def update_from_name(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Have the folder looked at that holds the film or show whose file is called ``name``."""
    return _answer(request, services.by_name(request.POST.get("name", ""), caller.name))


def _answer(request: HttpRequest, update: services.Update) -> HttpResponse:
    if wants_text(request):
        return HttpResponse(update.as_text(), status=202, content_type="text/plain; charset=utf-8")
    return JsonResponse(update.as_json(), status=202)


@never_cache
@require_GET
def front(request: HttpRequest) -> HttpResponseBase:
    """Lead admins to the admin, others to their page, and strangers to the login for both."""
    if not request.user.is_authenticated:
        return redirect("login")
    return redirect("admin:index" if request.user.is_staff else "home")


@never_cache
@require_GET
@login_required(login_url="login")
def home(request: HttpRequest) -> HttpResponse:
    """Show the servers, their libraries, and buttons for those who may press them."""
    if not request.user.has_perm(PERMISSION):  # not a bare 403: he must be able to log out
        return render(request, "ondemand/home.html", {"servers": None}, status=403)
    return render(request, "ondemand/home.html", {"servers": overview.servers()})


@never_cache
@require_POST
@login_required(login_url="login")
def press_library(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Have one library looked through: the *Update* button."""
    _let_in(request)
    library = Library.objects.select_related("server").filter(pk=pk, enabled=True, server__enabled=True).first()
    if library is None:
        raise Http404
    asked = services.of_library(library, request.user.get_username())
    text = _("%(server)s is asked to look through %(library)s.")
    if asked.state == "paused":
        text = _("%(server)s is paused. It is asked to look through %(library)s as soon as somebody resumes it.")
    messages.success(request, text % {"server": asked.server, "library": asked.library})
    return redirect("home")


@never_cache
@require_POST
@login_required(login_url="login")
def press_name(request: HttpRequest) -> HttpResponseBase:
    """Have the folder of a film or show looked at: the field for a name."""
    _let_in(request)
    name = request.POST.get("name", "")
    shown: dict[str, Any] = {"name": name}
    try:
        shown["update"] = services.by_name(name, request.user.get_username())
    except MediasyncError as error:
        shown |= {"error": registry.text(error.code, error.params), "near": error.params.get("near", [])}
    return render(request, "ondemand/home.html", {"servers": overview.servers(), "answer": shown})


def _let_in(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied

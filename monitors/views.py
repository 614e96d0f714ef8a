"""The endpoints that other programs call: store first, answer at once, parse later.

They know no session, no login page and no CSRF token: who may call is said by a secret in the address, or by Basic
auth. A wrong secret and a hook that does not exist give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from . import triggers
from .hooks import calls, payloads, spool
from .hooks import services as hooks
from .models import Hook

WRITES = ("POST", "PUT")
PATHS = {"path", "dir"}
KINDS = {"manual": ("autoscan", "autopulse", "generic"), "a-train": ("atrain",)}  # where the address names no kind
MOST_KNOWN = 1000
_last: dict[tuple[str, ...], list[Hook]] = {}  # what was found last, for a moment without a database


@csrf_exempt
@never_cache
def hook(request: HttpRequest, source: str, secret: str = "", tail: str = "") -> HttpResponse:
    """Take a call at ``/hooks/<source>/<secret>/``, or at ``/hooks/<source>/`` with Basic auth."""
    found = _hooks(lambda: hooks.called(source), "called", source)
    if found is None:
        return _later()
    if not secret:
        caller = hooks.by_password(found, request.headers.get("Authorization", ""))
        return _take(request, caller, f"/hooks/{source}/") if caller else _who()
    caller = hooks.by_secret(found, secret)
    if caller is None:
        raise Http404
    return _take(request, caller, f"/hooks/{source}/")


@csrf_exempt
@never_cache
def trigger(request: HttpRequest, name: str = "a-train", drive: str = "") -> HttpResponse:
    """Take a call at the addresses of autoscan and autopulse: ``/triggers/<name>``, ``/triggers/a-train/<drive>``."""
    names = (drive, name) if drive else (name,)
    return _compatible(request, names, KINDS.get(name, (name,)), form=name == "manual")


@csrf_exempt
@never_cache
def file_notify(request: HttpRequest) -> HttpResponse:
    """Take a call of a CloudDrive2 that was set up for partial-path-scanner."""
    return _compatible(request, ("file_notify",), ("clouddrive2",))


def _compatible(
    request: HttpRequest, names: tuple[str, ...], kinds: tuple[str, ...], *, form: bool = False
) -> HttpResponse:
    found = _hooks(lambda: hooks.meant(names, kinds), "meant", *names)
    if found is None:
        return _later()
    caller = hooks.by_password(found, request.headers.get("Authorization", ""))
    if caller is None and len(found) == 1 and found[0].open:
        caller = found[0]
    if caller is None:
        return _who()
    return _take(request, caller, request.path, form=form)


def _take(request: HttpRequest, caller: Hook, path: str, *, form: bool = False) -> HttpResponse:
    """Store the call of somebody who may call."""
    if not caller.enabled:
        return HttpResponse(_("This hook is switched off."), status=403, content_type="text/plain; charset=utf-8")
    if request.method == "HEAD":
        return HttpResponse()
    kind = triggers.KINDS.get(caller.kind)
    names = {name for name, _value in parse_qsl(request.META.get("QUERY_STRING", ""), True, errors="replace")}
    is_call = request.method in WRITES or (request.method == "GET" and kind and kind.answers_get and names & PATHS)
    if not is_call:
        if form and request.method == "GET":
            return render(request, "monitors/manual.html", {"done": "done" in names})
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST, PUT" if form else "HEAD, POST, PUT"})
    try:
        payload = calls.payload_of(request, caller, path, calls.body_of(request))
        stored = payloads.store(payload)
    except calls.Refused as error:
        return HttpResponse(status=error.status)
    except (spool.Full, OSError):
        return _later()
    if form and "text/html" in request.headers.get("Accept", ""):
        return HttpResponse(status=303, headers={"Location": f"{request.path}?done"})  # a person, with our form
    return JsonResponse({"payload": payload.pk}, status=200 if stored else 202)


def _hooks(find: Callable[[], list[Hook]], *key: str) -> list[Hook] | None:
    """Return the hooks that are meant; while the database does not answer, what was found last, or None."""
    try:
        found = find()
    except (DatabaseError, InterfaceError):
        return _last.get(key)
    if found:
        if len(_last) >= MOST_KNOWN and key not in _last:
            _last.clear()  # a stranger may ask for any drive at /triggers/a-train/
        _last[key] = found
    return found


def _who() -> HttpResponse:
    return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="mediasync", charset="UTF-8"'})


def _later() -> HttpResponse:
    return HttpResponse(status=503, headers={"Retry-After": "30"})

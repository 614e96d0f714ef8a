"""Who calls an address of the catalog: a program that shows a token, or somebody who is logged in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from mediasync.core.errors import Conflict, MediasyncError, NotFound, UsageError
from mediasync.core.paths import for_people
from mediasync.servers import tokens

View = Callable[..., HttpResponseBase]
STATUS: tuple[tuple[type[MediasyncError], int], ...] = ((UsageError, 400), (NotFound, 404), (Conflict, 409))


def for_callers(scope: str, permission: str, *methods: str) -> Callable[[View], View]:
    """Let in a token with ``scope``, or a user with ``permission``, whose POST must be his own (CSRF).

    The view is called with the request, the name under which the caller is recorded, and what the address says.
    Its errors become answers after RFC 9457.
    """

    def wrap(view: View) -> View:
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in (*methods, "HEAD" if "GET" in methods else ""):
                return HttpResponseNotAllowed(methods)
            if shown := tokens.shown_in(request.headers):
                token = tokens.find(shown, sender=request.META.get("REMOTE_ADDR", ""))
                if token is None:
                    return _who("This token is not valid.")
                if not tokens.allows(token, scope):
                    return refused(403, "scope", f"This token may not “{scope}”.")
                return view(request, f"token {token.name}", *args, **kwargs)
            if not request.user.is_authenticated:
                return _who("Show a token: Authorization: Bearer TOKEN.")
            if not request.user.has_perm(permission):
                return refused(403, "permission", "You may not do this.")
            return csrf_protect(view)(request, request.user.get_username(), *args, **kwargs)

        @csrf_exempt
        @never_cache
        @wraps(view)
        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return call(request, *args, **kwargs)
            except MediasyncError as error:
                status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
                return refused(status, error.code, for_people(str(error)), **error.params)
            except UnreadablePostError:  # the caller is gone
                return refused(400, "cut", "The request was cut off.")
            except (BadRequest, SuspiciousOperation, MultiPartParserError):  # too long, too many fields, no form at all
                return refused(400, "bad_body", "The request cannot be read.")
            except (DatabaseError, InterfaceError):
                answer = refused(503, "database", "The database cannot answer now.")
                answer.headers["Retry-After"] = "30"
                return answer

        return told

    return wrap


def refused(status: int, code: str, detail: str, **params: Any) -> JsonResponse:
    """Return why nothing was done."""
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **params}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _who(detail: str) -> JsonResponse:
    answer = refused(401, "token", detail)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="mediasync"'
    return answer

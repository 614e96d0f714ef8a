"""Who calls: a program that shows a token, or somebody who is logged in (and then the request must be his own)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from mediasync.core.errors import Conflict, MediasyncError, NotFound, UsageError
from mediasync.servers import tokens

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
STATUS: tuple[tuple[type[MediasyncError], int], ...] = ((UsageError, 400), (NotFound, 404), (Conflict, 409))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; ``name`` is what is recorded."""

    name: str


def for_callers(scope: str, permission: str) -> Callable[[Callable[..., HttpResponseBase]], View[...]]:
    """Let in who shows a token with ``scope``, or, by POST with a CSRF token, a user with ``permission``.

    The view is called with the request, a Caller and what the address says. Its errors become answers.
    """

    def wrap(view: Callable[..., HttpResponseBase]) -> View[...]:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if shown := tokens.shown_in(request.headers):
                    token = tokens.find(shown, sender=request.META.get("REMOTE_ADDR", ""))
                    if token is None:
                        return _who(request, "This token is not valid.")
                    if not tokens.allows(token, scope):
                        return refused(request, 403, "scope", f"This token may not “{scope}”.")
                    return view(request, Caller(f"token {token.name}"), *args, **kwargs)
                if not request.user.is_authenticated or request.method != "POST":
                    return _who(request, "Show a token: Authorization: Bearer TOKEN.")
                if not request.user.has_perm(permission):
                    return refused(request, 403, "permission", "You may not do this.")
                own = Caller(request.user.get_username())
                return csrf_protect(view)(request, own, *args, **kwargs)
            except MediasyncError as error:
                status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
                return refused(request, status, error.code, str(error), **error.params)
            except UnreadablePostError:  # the caller is gone
                return refused(request, 400, "cut", "The request was cut off.")
            except (DatabaseError, InterfaceError):
                answer = refused(request, 503, "database", "The database cannot answer now.")
                answer.headers["Retry-After"] = "30"
                return answer

        return call

    return wrap


def wants_text(request: HttpRequest) -> bool:
    """Tell whether the answer is to be lines of text: ``Accept: text/plain`` or ``?format=text``."""
    if named := request.GET.get("format"):
        return named == "text"
    return request.get_preferred_type(["application/json", "text/plain"]) == "text/plain"


def refused(request: HttpRequest, status: int, code: str, detail: str, **params: Any) -> HttpResponse:
    """Return why nothing was done: RFC 9457, or one sentence and what is near."""
    if wants_text(request):
        near = "".join(f"  {each}\n" for each in params.get("near", ()))
        return HttpResponse(f"{detail}\n{near}", status=status, content_type="text/plain; charset=utf-8")
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **params}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _who(request: HttpRequest, detail: str) -> HttpResponse:
    answer = refused(request, 401, "token", detail)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="mediasync"'
    return answer

"""Our AdminSite: grouped navigation, the state of the engine on every page, and only our own view of the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from . import nav

Strips = Callable[[HttpRequest], Iterable[SafeString | str]]
_strips: list[Strips] = []


def show_strips(strips: Strips) -> None:
    """Let something be said above every page for as long as it is so; cheap, at most one query."""
    if strips not in _strips:
        _strips.append(strips)


REPLACED = {"django_q"}  # its own admin lets a user type any function path


class MediasyncAdminSite(admin.AdminSite):
    site_header = "mediasync"
    site_title = "mediasync"
    index_title = _("Overview")
    site_url = None

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[admin.ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Register as usual, but leave out what an app in REPLACED brings along for itself."""
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else list(model_or_iterable)
        theirs = admin_class is None or admin_class.__module__.partition(".")[0] in REPLACED
        if wanted := [m for m in models if not (theirs and m._meta.app_label in REPLACED)]:
            super().register(wanted, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from .logins import AdminLoginForm  # the models are not loaded when this module is

        self.login_form = AdminLoginForm
        return super().login(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        return nav.grouped((model for app in apps for model in app["models"]), reverse(f"{self.name}:index"))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from .engine import engine_status  # the models are not loaded when this module is

        context = super().each_context(request)
        if context["has_permission"]:
            context["engine"] = engine_status(may_control=request.user.has_perm("jobs.control_job"))
            context["strips"] = lambda: [strip for strips in _strips for strip in strips(request)]  # if it is shown
        return context

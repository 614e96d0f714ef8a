"""The page ``/explain/?path=…&source=…``: for staff who may see all that it shows. It only looks."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from mediasync.core.paths import for_people
from mediasync.servers.models import Server
from mediasync.ui.render import ICONS, age, explain_address
from scanning.arriving import sources

from . import explain
from .forms import ExplainForm
from .parts import Advice, Explained, Step

NEEDED = ("monitors.view_root", "monitors.view_change", "scanning.view_pathmapping", "scanning.view_scanrequest")
STAGES = {
    "arrived": _("As it arrives"),
    "rule": _("Mapping"),
    "root": _("Root"),
    "disk": _("Disk"),
    "filter": _("Filter"),
    "snapshot": _("Last listing"),
    "hint": _("Hint"),
    "change": _("Change"),
    "link": _("Link"),
    "server": _("Server"),
    "library": _("Library"),
    "unit": _("Unit"),
    "request": _("Request"),
    "verified": _("Proof"),
}


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the way of a path; ``format=json`` answers with data."""
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied
    form = ExplainForm(request.GET if "path" in request.GET else None)
    found = explain(form.cleaned_data["path"], form.cleaned_data["source"]) if form.is_valid() else None
    if request.GET.get("format") == "json" and found is not None:
        return JsonResponse(found.as_json(), json_dumps_params={"ensure_ascii": False})
    context = admin.site.each_context(request) | {"title": _("Explain a path"), "form": form, "sources": sources()}
    if found is not None:
        context |= _shown(found)
    return TemplateResponse(request, "mediasync/explain.html", context)


def _shown(found: Explained) -> dict[str, Any]:
    return {
        "found": found,
        "local": for_people(found.local or ""),
        "steps": [_step(step) for step in found.steps],
        "servers": [
            {
                "name": each.name,
                "kind": Server.Kind(each.kind).label,
                "steps": [_step(step) for step in each.part.steps],
            }
            for each in found.servers
        ],
        "todo": [_todo(each) for each in found.todo],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "stage": STAGES[step.stage],
        "sign": ICONS[step.tone],
        "tone": step.tone,
        "text": step.said.text,
        "at": age(step.at) if step.at else "",
        "address": _address(step.row),
    }


def _todo(advice: Advice) -> dict[str, Any]:
    address = explain_address(*advice.instead) if advice.instead else _address(advice.page)
    if advice.said.code == "todo_suggested":
        address = reverse("admin:scanning_pathmapping_suggest")
    return {"text": advice.said.text, "address": address}


def _address(row: tuple[str, int | None] | tuple[str, int] | None) -> str:
    """Return the admin's page of a row, or of a table; "" where there is none."""
    if row is None:
        return ""
    meta = apps.get_model(row[0])._meta
    name = f"admin:{meta.app_label}_{meta.model_name}"
    try:
        return reverse(f"{name}_changelist") if row[1] is None else reverse(f"{name}_change", args=[row[1]])
    except NoReverseMatch:
        return ""

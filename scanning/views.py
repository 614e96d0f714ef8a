"""The mapping tester: what becomes of a path, step by step, for every server. It only looks."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import for_people
from mediasync.jobs import registry
from mediasync.ui.admin import ModelAdmin

from . import explaining, selectors
from .explaining import Explained
from .forms import TryForm


def try_path(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Show the tester, and the way of ``?path=`` (from ``?source=``) if one is given."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    form = TryForm(request.GET if "path" in request.GET else None)
    steps: list[str] = []
    answers: list[dict[str, Any]] = []
    if form.is_valid():
        local: str | None = form.cleaned_data["path"]
        if local and form.cleaned_data["source"]:
            local, done = explaining.to_local(local, form.cleaned_data["source"])
            steps = [explaining.sentence(step) for step in done]
        if local:
            answers = [_shown(each) for each in explaining.explain([local], selectors.enabled_servers())]
    return page.show(request, "scanning/try.html", _("Try a path"), form=form, steps=steps, answers=answers)


def _shown(each: Explained) -> dict[str, Any]:
    unit = each.told.unit
    return {
        "server": each.server,
        "path": for_people(each.path),
        "steps": [explaining.sentence(step) for step in each.steps],
        "location": each.told.location,
        "libraries": each.told.libraries,
        "asks": for_people(each.asks),
        "update": unit.update if unit else "",
        "collected": unit.top_level if unit else False,
        "reason": registry.text(each.reason) if each.reason else "",
    }

"""The mapping tester with its examples, and the suggestions. All but what a person presses only looks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.core import foreign
from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people, normalise
from mediasync.jobs import registry
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.render import explain_address
from monitors.glance import Glance

from . import arriving, examples, explaining, facts, selectors, services, suggesting
from .explaining import Explained
from .forms import SuggestionForm, TryForm


def try_path(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Show the tester, and the way of ``?path=`` (from ``?source=``) if one is given."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    form = TryForm(request.GET if "path" in request.GET else None)
    context: dict[str, Any] = {"may_save": request.user.has_perm("scanning.add_mappingexample")}
    if form.is_valid():
        path, source = form.cleaned_data["path"], form.cleaned_data["source"]
        context |= _way(path, source) | {"explain": explain_address(path, source)}
    context |= {"form": form, "sources": arriving.sources(), "failing": [told(each) for each in examples.failing()]}
    return page.show(request, "scanning/try.html", _("Try a path"), **context)


def _way(path: str, source: str) -> dict[str, Any]:
    """Return what becomes of a path: from the source to here, what is here, and what each server makes of it."""
    if source:
        arrived = arriving.arrive(path, source)
        local, steps = arrived.local, [explaining.sentence(step) for step in arrived.steps]
    else:
        local, steps = _as_it_is(path)
    if local is None:
        return {"steps": steps, "lost": True}
    with Glance() as glance:
        here = _here(local, glance)
        found = explaining.explain_facts(facts.of_paths([local], glance), selectors.enabled_servers(), glance)
    return {"steps": steps, "local": for_people(local), "here": here, "answers": [_shown(each) for each in found]}


def _as_it_is(path: str) -> tuple[str | None, list[str]]:
    try:
        return normalise(path), []
    except ValueError:
        return None, [registry.text("hint_windows_path" if foreign.is_windows(path) else "hint_bad_path")]


def _here(local: str, glance: Glance) -> StrOrPromise:
    """Say what is at a path on this machine."""
    try:
        folder = glance.is_folder(local)
    except TimeoutError:
        return _("Its mount does not answer.")
    except OSError as error:
        return _t("It cannot be looked at: %s.") % (error.strerror or error)
    if folder is None:
        return _("Nothing is there now.")
    return _("A folder is there.") if folder else _("A file is there.")


def save_example(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Keep what the tester shows for a path as an example, and go back to it."""
    if not request.user.has_perm("scanning.add_mappingexample"):
        raise PermissionDenied
    form, address = TryForm(request.POST), reverse("admin:scanning_pathmapping_try")
    if not form.is_valid():
        messages.error(request, _("This is no path that could be kept."))
        return HttpResponseRedirect(address)
    path, source = form.cleaned_data["path"], form.cleaned_data["source"]
    try:
        row = examples.save(path, source)
    except MediasyncError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _t("%s is kept as an example.") % for_people(str(row)))
    return HttpResponseRedirect(f"{address}?{urlencode({'path': path, 'source': source})}")


def suggest(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Show the rules that seem to be missing."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    found, may_add = suggesting.suggestions(), page.has_add_permission(request)
    return page.show(request, "scanning/suggest.html", _("Suggested rules"), found=found, may_add=may_add)


def take_suggestion(page: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Store a rule that was suggested."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    form = SuggestionForm(request.POST)
    if form.is_valid():
        rule = suggesting.as_rule(**form.cleaned_data)
        services.save_rule(rule)
        messages.success(request, _t("The rule %s was added.") % for_people(str(rule)))
        warn(request)
    else:
        messages.error(request, _("That rule cannot be added: is the server still there?"))
    return HttpResponseRedirect(reverse("admin:scanning_pathmapping_suggest"))


def warn(request: HttpRequest) -> None:
    """Say which examples do not hold any more: a rule was changed, or is about to be looked at."""
    for each in examples.failing()[:10]:
        said = told(each)
        shown = {"example": said["name"], "differences": "; ".join(said["differences"])}
        messages.warning(request, _t("The example %(example)s does not hold any more: %(differences)s") % shown)


def told(each: examples.Judged) -> dict[str, Any]:
    """Return an example and where it went wrong, for people."""
    differences = [
        _t("%(server)s: %(now)s instead of %(expected)s")
        % {"server": server or _t("here"), "now": answer(now), "expected": answer(expected)}
        for server, expected, now in each.wrong
    ]
    return {"name": for_people(str(each.example)), "example": each.example, "differences": differences}


def answer(said: str) -> str:
    """Return an answer of the rules for people: a path, or why there is none."""
    if said.startswith("!"):
        return f"“{registry.text(said[1:])}”"
    return for_people(said) or "–"


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

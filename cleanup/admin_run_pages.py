"""The page of a run: what would be done and why, what was done, and the form that accepts it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.jobs import registry
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import render

from . import admin_cells as cells
from . import checking, exporting, pictures, selectors, services, summing, views
from . import policy as policies
from .choices import Action, Klass, Outcome, RunState
from .forms import AcceptForm
from .models import PlanRow, Run

Page = ModelAdmin[Run]


class Total(NamedTuple):
    """One class of a run: its sums by outcome, and its first rows."""

    klass: str
    label: str
    address: str
    outcomes: list[tuple[Any, str, str, str]]
    samples: list[dict[str, Any]]
    more: int


def run_page(page: Page, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show a run; ``?pictures=1`` shows the pictures of the samples, too."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    run = _run(page, request, object_id)
    sums = selectors.planned(run)
    context: dict[str, Any] = {
        "run": run,
        "badge": cells.state(run),
        "admin_buttons": render(page.buttons_for(request, run)),
        "reason": selectors.reason(run),
        "sums": sums,
        "size": cells.size(sums.bytes),
        "accepts": run.state == RunState.PLANNED and request.user.has_perm("cleanup.change_run"),
        "keeps": not run.policy.get("delete_at_once"),
        "checks": list(checking.checks(run)) if _readable(run) else [],
        "totals": totals(run, "pictures" in request.GET),
        "pictures": "pictures" in request.GET,
        "kept": [(registry.text(code), cells.number(found)) for code, found in summing.kept(run).items()],
        "withheld": [(_label(klass), registry.text(why)) for klass, why in run.facts.get("withheld", {}).items()],
        "lines": summing.table(run.coverage),
        "measured": run.coverage.get("after") or run.coverage.get("before") or {},
        "shown": summing.SHOWN,
        "done": done(run),
        "outcomes": list(Outcome.choices),
        "rows_address": rows_address(run),
    }
    return page.show(request, "cleanup/run.html", str(run), **context)


def totals(run: Run, with_pictures: bool) -> list[Total]:
    """Return the classes of a run with their sums and samples."""
    samples = selectors.samples(run)
    found = []
    for klass, outcomes in run.totals.items():
        rows = sum(each[0] for each in outcomes.values())
        first = [_sample(row, run, with_pictures) for row in samples.get(klass, ())]
        shown = [
            (cells.outcome(outcome), cells.number(sums[0]), cells.number(sums[1]), cells.size(sums[2]))
            for outcome, sums in outcomes.items()
        ]
        address = rows_address(run, klass=klass)
        found.append(Total(klass, _label(klass), address, shown, first, max(0, rows - len(first))))
    return found


def done(run: Run) -> list[tuple[str, str]]:
    """Return what was done of a run, as (what, figure)."""
    sums = run.report.get("sums", {})
    found = [
        (str(label), cells.number(sums[value]))
        for value, label in Outcome.choices
        if value in sums and value != Outcome.PLANNED
    ]
    found += [(_t("Lies in quarantine"), cells.size(sums["in_quarantine"]))] if sums.get("in_quarantine") else []
    found += [(_t("Free by now"), cells.size(sums["freed"]))] if sums.get("freed") else []
    found += [(_t("Plex was asked: %s") % name, answer) for name, answer in run.report.get("asked", {}).items()]
    if stopped := run.report.get("stopped"):
        found.append((_t("Stopped early"), registry.text(str(stopped))))
    return found


def accept(page: Page, request: HttpRequest, pk: int) -> HttpResponse:
    """Accept a plan by the number of its files, typed, and begin with it. Without a quarantine it asks once more."""
    if not request.user.has_perm("cleanup.change_run"):
        raise PermissionDenied
    run = page.get_object(request, str(pk))
    if run is None:
        raise Http404
    form = AcceptForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return HttpResponseRedirect(cells.run_address(run))
    typed = form.cleaned_data["number"]
    try:
        policy = policies.of(run.policy)
        if policy.delete_at_once and "confirmed" not in request.POST and typed == selectors.planned(run).files:
            question = _t("This policy keeps nothing: %s files are deleted at once, and there is no way back. Go on?")
            return press.ask(page, request, _("Delete for good"), question % cells.number(typed), danger=True)
        run = services.accept(run, files_typed=typed, actor=actor(request))
        return views.begun(request, services.apply(run, actor=actor(request)))
    except MediasyncError as error:
        messages.error(request, press.told(error))
    return HttpResponseRedirect(cells.run_address(run))


def export(page: Page, kind: str, request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the rows of a run (``?klass=``, ``?outcome=``, ``?action=``) as a file."""
    run = _run(page, request, str(pk))
    chosen = {name: request.GET.get(name, "") for name in ("klass", "outcome", "action")}
    known = {"klass": Klass.values, "outcome": Outcome.values, "action": Action.values}
    if any(value and value not in known[name] for name, value in chosen.items()):
        raise Http404
    rows = selectors.rows(run, **chosen)
    make, content_type = {
        "csv": (exporting.as_csv, "text/csv; charset=utf-8"),
        "json": (exporting.as_json, "application/json"),
    }[kind]
    name = f"cleanup-{run.pk}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(make(rows), content_type=content_type, headers=headers)


def rows_address(run: Run, **chosen: str) -> str:
    """Return the address of the list of a run's rows."""
    query = urlencode({"run": str(run.pk), **chosen})
    return f"{reverse('admin:cleanup_planrow_changelist')}?{query}"


def _run(page: Page, request: HttpRequest, pk: str) -> Run:
    run = page.get_object(request, pk)
    if run is None:
        raise Http404
    if not page.has_view_permission(request, run):
        raise PermissionDenied
    return run


def _sample(row: PlanRow, run: Run, with_picture: bool) -> dict[str, Any]:
    row.run = run  # with its folder, loaded once
    return {
        "what": cells.what(row),
        "outcome": cells.outcome(row.outcome),
        "risk": cells.risk(row.risk),
        "size": cells.size(row.blocks * selectors.BLOCK),
        "reason": registry.text(row.reason) if row.reason else "",
        "picture": cells.picture_address(row) if with_picture and pictures.has(row) else "",
    }


def _label(klass: str) -> str:
    return str(Klass(klass).label) if klass in Klass.values else klass


def _readable(run: Run) -> bool:
    try:
        policies.of(run.policy)
    except MediasyncError:
        return False
    return True

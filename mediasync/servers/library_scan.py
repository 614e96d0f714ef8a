"""The job that asks a server to look through a whole library. Only a person wants that; changes never lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned, Stage
from mediasync.jobs.services import Submitted

from . import services
from .models import Library


class ScanLibrary(Stage):
    """One request to the server."""

    name = "scan_library"
    label = _("Ask for a scan of the library")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("library")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        library = Library.objects.select_related("server").get(pk=ctx.job.scope["library"])
        client = services.client_for(library.server)
        try:
            answer = client.refresh_library(library.key)
        finally:
            client.close()
        with ctx.transaction():
            Library.objects.filter(pk=library.pk).update(last_scan_at=ctx.now())
        return Done({"status": answer.status})


def check_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"library": id}``; UsageError for others."""
    if not Library.objects.filter(pk=scope.get("library") or 0).exists():
        raise UsageError("There is no such library.", code="no_library_named")
    return {"library": int(scope["library"])}


def title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the title of the job."""
    library = Library.objects.select_related("server").filter(pk=scope["library"]).first()
    return "scan_library", {"name": str(library or f"#{scope['library']}")}


def precondition(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return why the server cannot be asked just now."""
    library = Library.objects.select_related("server").filter(pk=scope["library"], server__paused=True).first()
    return ("server_paused", {"server": library.server.name}) if library else None


KIND = JobKind(
    name="scan_library",
    label=_("Scan a whole library"),
    stages=(ScanLibrary(),),
    title=title,
    check_scope=check_scope,
    precondition=precondition,
    permission="servers.change_library",
    texts={"scan_library": _("Scan all of %(name)s"), "server_paused": _("%(server)s is paused")},
)


def submit(library: Library, actor: str = "") -> Submitted:
    """Have a whole library scanned."""
    return jobs.submit(KIND.name, {"library": library.pk}, actor=actor)

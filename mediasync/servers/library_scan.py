"""The job that asks a server to look through a whole library. Only a person wants that; changes never lead to it.

It keeps to the limits of the server, as a delivery does: what was wanted while it is away is asked when it is back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Snooze, UsageError, WorkError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Job
from mediasync.jobs.registry import (
    JSON,
    Context,
    Done,
    ItemInfo,
    JobInfo,
    JobKind,
    NewItem,
    Outcome,
    Planned,
    Skipped,
    Stage,
)
from mediasync.jobs.services import Submitted

from . import limits, services
from .clients.base import Answer
from .models import Library, Server

AGAIN = dt.timedelta(seconds=5)


class ScanLibrary(Stage):
    """One request to the server."""

    name = "scan_library"
    label = _("Ask for a scan of the library")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("library")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        library = Library.objects.select_related("server").filter(pk=ctx.job.scope["library"]).first()
        if library is None:
            return Skipped("library_gone")
        server = library.server
        with ctx.transaction():
            until = limits.take(server, library, ctx.now()) or limits.ready(server, ctx.now())
        if until is not None:
            raise Snooze(server.last_error, until=until, code="server_later", server=server.name)
        try:
            answer = _ask(library)
        except WorkError as error:
            with ctx.transaction():
                limits.failed(server, error, ctx.now())
            if server.paused or limits.is_away(error):
                until = max(server.cooldown_until or ctx.now(), ctx.now() + AGAIN)
                raise Snooze(str(error), until=until, code="server_later", server=server.name) from None
            raise
        with ctx.transaction():
            Library.objects.filter(pk=library.pk).update(last_scan_at=ctx.now())
            limits.succeeded(server, ctx.now())
        return Done({"status": answer.status})


def _ask(library: Library) -> Answer:
    client = services.client_for(library.server)
    try:
        return client.refresh_library(library.key)
    finally:
        client.close()


def hurry(server: Server, now: dt.datetime) -> int:
    """Let those go on that sleep until a server is back; return how many."""
    ids = list(Library.objects.filter(server=server).values_list("pk", flat=True))
    asleep = Job.objects.filter(kind=KIND.name, state=JobState.SCHEDULED, scope__library__in=ids)
    return asleep.update(not_before=now)


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
    texts={
        "scan_library": _("Scan all of %(name)s"),
        "server_paused": _("%(server)s is paused"),
        "server_later": _("%(server)s cannot be asked just now"),
        "library_gone": _("The library is gone"),
    },
)


def submit(library: Library, actor: str = "") -> Submitted:
    """Have a whole library scanned."""
    return jobs.submit(KIND.name, {"library": library.pk}, actor=actor)

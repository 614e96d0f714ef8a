"""Plex's own jobs (clean bundles, optimize, empty the trash, the butler's), asked for and awaited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, cast

import apsw
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Permanent, UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import OnError, Trigger
from mediasync.jobs.models import Job
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned, Stage
from mediasync.servers.clients.base import Again
from mediasync.servers.clients.plex_butler import PlexButler, Task
from mediasync.servers.services import access_of

from . import libraries, scopes
from . import policy as policies
from .apply_values import waiter
from .models import PlexFolder
from .plexdata import database, places

NAME = "cleanup_housekeeping"
OWN = {
    "clean_bundles": _("Clean bundles"),
    "optimize": _("Optimize the database"),
    "empty_trash": _("Empty the trash of all libraries"),
}
AGAIN = {"refresh": _("Refresh the item"), "analyze": _("Analyze the item")}  # of one item


def ask(
    folder: PlexFolder, what: str, item: int | str = "", *, trigger: Trigger = Trigger.MANUAL, actor: str = ""
) -> Job:
    """Make the job that asks Plex for ``what`` and awaits its end.

    ``what`` is of ``OWN``, of ``AGAIN`` (with the number of an item), or a task of its butler.
    """
    scope = {"folder": folder.pk, "what": what, **({"item": item} if item != "" else {})}
    return jobs.submit(NAME, scope, trigger=trigger, actor=actor).job


def item_of(folder: PlexFolder, bundle: str) -> int:
    """Return the number of the item that a bundle of Metadata belongs to; UsageError if there is none (any more)."""
    data = places.resolve(folder.path, folder.cache_path)
    try:
        with closing(database.open_ro(data.database)) as con:
            found = con.execute(
                "SELECT id FROM metadata_items WHERE hash = ? ORDER BY id LIMIT 1", (bundle,)
            ).fetchall()
    except apsw.Error as error:
        raise database.failed(error) from None
    if not found:
        raise UsageError("No item has this bundle any more.", code="cleanup_no_item")
    return int(str(found[0][0]))


def tasks(folder: PlexFolder) -> Sequence[Task]:
    """Return the butler's tasks as the server names them; raises what the server's client raises, or Permanent."""
    with closing(_butler(folder)) as butler:
        return butler.tasks()


def check(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope in its normal form; UsageError for what is no folder or no job's name."""
    what = str(scope.get("what", ""))
    if what not in OWN and not (what.isascii() and what.isalnum()):
        raise UsageError(f"Plex has no job {what!r}.", code="cleanup_no_housekeeping", what=what)
    checked: dict[str, Any] = {"folder": scopes.folder_of(str(scope.get("folder", ""))).pk, "what": what}
    item = str(scope.get("item", ""))
    if (what in AGAIN) != bool(item) or not (item or "0").isdecimal():
        raise UsageError(
            f"Say which item is meant, by its number, for {', '.join(AGAIN)} only.", code="cleanup_no_item"
        )
    return checked | ({"item": int(item)} if item else {})


class Ask(Stage):
    """Ask once, then look at the server's activities until it does nothing more."""

    name = "ask"
    label = _("Ask Plex, and wait until it is done")
    on_error = OnError.FAIL_FAST

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem(str(job.scope["what"]))])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        folder = PlexFolder.objects.select_related("server").get(pk=ctx.job.scope["folder"])
        with closing(_butler(folder, self.clock)) as butler:
            if not item.cursor:
                start(folder, butler, item.key, int(ctx.job.scope.get("item", 0)))
                with ctx.transaction({"asked": True}):  # gone on with after a stop, it is only awaited
                    pass
            idle = butler.wait_idle(
                sleep=waiter(ctx, self.clock), told=lambda each: ctx.progress(f"{each.title} {each.progress:.0f} %")
            )
        return Done({"idle": int(idle)})


def start(folder: PlexFolder, butler: PlexButler, what: str, item: int = 0) -> None:
    """Ask the server for one job. Permanent for emptying the trash while the folder of a library is missing."""
    if what == "clean_bundles":
        butler.clean_bundles()
    elif what == "optimize":
        butler.optimize()
    elif what == "empty_trash":  # it destroys items whose disk is merely away
        for section in _sections(folder):
            butler.empty_trash(str(section))
    elif what in AGAIN:
        butler.look_again(item, cast(Again, what))
    else:
        butler.start(what)


def _sections(folder: PlexFolder) -> list[int]:
    data = places.resolve(folder.path, folder.cache_path)
    found = libraries.of(data.database)
    lacking = libraries.missing(found, policies.of(folder.policy).elsewhere)
    if lacking:
        text = ", ".join(each.path for each in lacking[:3])
        raise Permanent(f"Folders of libraries are missing: {text}", code="cleanup_library_missing", paths=text)
    return sorted({each.section for each in found})


def _butler(folder: PlexFolder, clock: Clock = clocks.system) -> PlexButler:
    if folder.server is None:
        raise Permanent(f"{folder} is linked to no server.", code="cleanup_no_server")
    return PlexButler(access_of(folder.server), clock=clock)


def _title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    code, params = scopes.title(NAME)(scope)
    return code, {**params, "what": f"{scope['what']} {scope.get('item', '')}".strip()}


KIND = JobKind(
    name=NAME,
    label=_("Ask Plex for one of its own jobs"),
    stages=(Ask(),),
    lanes=scopes.lane,
    title=_title,
    check_scope=check,
    permission="cleanup.change_plexfolder",
)

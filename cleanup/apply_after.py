"""The last step of an apply: what Plex is asked to do now, the sums, how far the libraries are, and the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import MediasyncError, WorkError
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Stage
from mediasync.notify import services as notify
from mediasync.notify.events import CLEANUP
from mediasync.servers.clients.plex_butler import PlexButler
from mediasync.servers.services import access_of

from . import apply_files, apply_rows, apply_signals, coverage, libraries, selectors, services
from .apply_checks import children
from .apply_open import Scene, hands, scene
from .apply_rows import AWAY
from .apply_values import waiter
from .choices import Outcome as Became
from .choices import RunState
from .models import PlanRow, Run
from .plexdata import database

ASKED = ("clean_bundles", "optimize", "empty_trash")  # what the policy may ask for, in this order
DONE = (Became.QUARANTINED, Became.DELETED)


class After(Stage):
    """Ask Plex's own jobs and await them, count, and tell."""

    name = "after"
    label = _("Count and report")

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("after")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        look_after(found, ctx)
        asked = ask_plex(found, ctx, self.clock)
        values: dict[str, Any] = {"applied_at": ctx.now()}
        if found.run.quarantine:
            values["expires_at"] = ctx.now() + dt.timedelta(days=found.folder.quarantine_days)
        settle(
            found, ctx, "applied", RunState.APPLIED, [RunState.APPLYING, RunState.APPLIED], {"asked": asked}, **values
        )
        return Done({})


def look_after(found: Scene, ctx: Context) -> None:
    """Look at the references once more: of rows whose block failed, and where Plex runs of all that was put away."""
    running = apply_signals.look(found.folder, found.data.database, ctx.now()).running
    rows = PlanRow.objects.filter(run=found.run, phase__in=AWAY)
    rows = rows.filter(outcome__in=(Became.PLANNED, *((Became.QUARANTINED,) if running else ())))
    for first, last in list(apply_rows.blocks(rows, size=10_000)) if found.run.quarantine else ():
        block = apply_rows.read(rows.filter(id__range=(first, last)))
        with hands(found, lambda: False, children((row.klass, row.path) for row in block)) as open_hands:
            verdicts = apply_files.look_after(block, open_hands)
        stood = {row.id: Became(row.outcome) for row in block}
        apply_rows.write(ctx, {pk: each for pk, each in verdicts.items() if each.outcome != stood[pk] or each.reason})


def settle(
    found: Scene, ctx: Context, what: str, to: RunState, expect: list[RunState], more: dict[str, Any], **values: Any
) -> None:
    """Count a run's rows, move it to its next state, and tell people."""
    found.run.refresh_from_db()
    totals = selectors.totals(found.run)
    report = found.run.report | more | {"what": what, "at": ctx.now().isoformat(), "sums": sums(totals)}
    after = found.run.coverage | {"after": _coverage(found)}
    with ctx.transaction():
        services.move(found.run, to, expect, totals=totals, report=report, coverage=after, **values)
    facts = {"run": found.run.pk, "folder": found.folder.name, "what": what, **report["sums"]}
    facts["text"] = text(found.run, what, report["sums"])
    notify.tell(CLEANUP, facts, key=f"cleanup {found.run.pk} {what} {ctx.job.id}", now=ctx.now())


def sums(totals: selectors.Totals) -> dict[str, int]:
    """Return rows by outcome, and the bytes that lie in the quarantine and those that are free by now."""
    found: dict[str, int] = {}
    for outcomes in totals.values():
        for outcome, (rows, files, size) in outcomes.items():
            found[outcome] = found.get(outcome, 0) + rows
            if outcome in DONE:
                found["files"] = found.get("files", 0) + files
                name = "freed" if outcome == Became.DELETED else "in_quarantine"
                found[name] = found.get(name, 0) + size
    return found


def text(run: Run, what: str, found: dict[str, int]) -> str:
    """Return one line for people, in the language of now."""
    size = found.get("in_quarantine", 0) + found.get("freed", 0)
    words = {"folder": run.folder.name, "run": run.pk, "files": found.get("files", 0), "mb": size >> 20}
    lines = {
        "applied": _("%(folder)s, run %(run)s: %(files)s files put away, %(mb)s MB."),
        "restored": _("%(folder)s, run %(run)s was put back."),
        "purged": _("%(folder)s, run %(run)s: %(files)s files deleted for good, %(mb)s MB."),
    }
    return str(lines[what]) % words


def ask_plex(found: Scene, ctx: Context, clock: Clock) -> dict[str, str]:
    """Ask the server for what the policy says, one after the other, each awaited; a refusal is a note, no failure."""
    server, wanted = found.folder.server, [name for name in ASKED if name in found.policy.ask_after]
    if server is None or not wanted:
        return {}
    said: dict[str, str] = {}
    with closing(PlexButler(access_of(server), clock=clock)) as butler:
        for name in wanted:
            ctx.progress(name)
            try:
                said[name] = _ask(found, butler, name)
                butler.wait_idle(sleep=waiter(ctx, clock))
            except WorkError as error:
                said[name] = error.code
                ctx.log("cleanup_plex_refused", Level.WARNING, what=name, message=str(error))
    return said


def _ask(found: Scene, butler: PlexButler, name: str) -> str:
    if name == "clean_bundles":
        butler.clean_bundles()
    elif name == "optimize":
        butler.optimize()
    else:  # destroys what only seems to be gone: not while a library's folder lacks
        places = libraries.of(found.data.database)
        if libraries.missing(places, found.policy.elsewhere):
            return "library_missing"
        for section in sorted({place.section for place in places}):
            butler.empty_trash(str(section))
    return "done"


def _coverage(found: Scene) -> Any:
    try:
        with closing(database.open_ro(found.data.database)) as con:
            return coverage.measure(con, database.probe(con))
    except MediasyncError as error:  # what was done is done; only its measure lacks
        return {"error": error.code}

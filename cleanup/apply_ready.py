"""The first step of an apply: is everything still as the plan believed, and is there a way back?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import NeedsOperator, Permanent
from mediasync.core.paths import to_bytes, to_text
from mediasync.jobs.choices import Level, OnError, Trigger
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Stage

from . import reading, services
from .apply_checks import identity_of
from .apply_gate import Gate
from .apply_open import Scene, make_quarantine, scene
from .apply_rows import UPDATES
from .choices import PHASES, Action, Klass, RunState
from .choices import Outcome as Became
from .models import PlanRow, Run
from .plexdata import database
from .plexdata.index import build

BACKUPS = 3  # kept of each data folder


class Ready(Stage):
    """Look again, copy the database before values are written, make the quarantine."""

    name = "ready"
    label = _("Look again and make a way back")
    on_error = OnError.FAIL_FAST

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("ready")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        identity = identity_of(found.data.database)
        planned_on = str(found.run.facts.get("planned_on") or identity)
        if planned_on.rpartition(":")[2] != identity.rpartition(":")[2]:  # devices may have other numbers after a boot
            raise NeedsOperator("Plex's database was replaced since: plan anew.", code="cleanup_database_replaced")
        with ctx.transaction():
            services.move(found.run, RunState.APPLYING, services.TO_APPLY)
        facts: dict[str, Any] = {"identity": identity}
        left = PlanRow.objects.filter(run=found.run, outcome=Became.PLANNED).exclude(phase=PHASES[Action.REPORT])
        if left.exclude(klass=Klass.CACHE).exists():
            compare(found)
        if left.filter(phase=UPDATES).exists() and self._may_write(found, ctx):
            facts["backup"] = first_backup(found)
        quarantine = found.run.quarantine or make_quarantine(found)
        with ctx.transaction():
            keep(found.run, facts, quarantine=quarantine)
        return Done({"rows": left.count()})

    @staticmethod
    def _may_write(found: Scene, ctx: Context) -> bool:
        """Ask the gate; a schedule does not wait for a person to stop Plex, but leaves the values out."""
        try:
            Gate(found, ctx.now()).values()
        except NeedsOperator as error:
            if ctx.job.trigger != Trigger.SCHEDULE:
                raise
            with ctx.transaction():
                rows = PlanRow.objects.filter(run=found.run, phase=UPDATES, outcome=Became.PLANNED)
                rows.update(outcome=Became.SKIPPED, reason="plex_runs")
            ctx.log(error.code, Level.WARNING, message=str(error), **error.params)
            return False
        return True


def keep(run: Run, facts: dict[str, Any], **values: Any) -> None:
    """Add to the facts of a run and set columns; belongs inside a transaction."""
    run.refresh_from_db(fields=["facts"])
    run.facts = run.facts | facts
    Run.objects.filter(pk=run.pk).update(facts=run.facts, **values)


def compare(found: Scene) -> None:
    """Raise Permanent if the live database lacks much of what the plan saw: then nothing it does not name is proven."""
    with closing(database.open_ro(found.data.database)) as con:
        index = build(con, database.probe(con))
        before = found.run.facts.get("index") or {}
        lost = index.shrank(before)
    if lost > found.policy.shrink:
        raise Permanent(
            "Plex's database has lost much since the plan: plan anew.",
            code="cleanup_lost_much",
            percent=round(lost * 100),
        )


def first_backup(found: Scene) -> dict[str, Any]:
    """Return the copy from before the first write of this run: the one there is, if an earlier job made it."""
    made: dict[str, Any] = found.run.facts.get("backup") or {}
    there = bool(made) and os.path.isfile(to_bytes(made["path"]))
    return made if there else back_up(found)


def back_up(found: Scene, end: str = "") -> dict[str, Any]:
    """Copy the database to our own folder and return what tells the copy; the oldest ones are removed."""
    folder = reading.folder()
    place = folder / f"backup-{found.folder.pk}-{found.run.pk}{end}.db"
    copy = database.snapshot(found.data.database, to_text(str(place).encode()))
    with closing(database.open_ro(copy.path)) as con:
        rows: Any = con.execute("SELECT count(*) FROM metadata_items").fetchall()[0][0]
    _prune(folder, found.folder.pk)
    return {"path": copy.path, "size": copy.size, "sha256": copy.sha256, "rows": int(rows)}


def _prune(folder: Path, pk: int) -> None:
    kept = sorted(folder.glob(f"backup-{pk}-*.db"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for each in kept[BACKUPS:]:
        each.unlink(missing_ok=True)

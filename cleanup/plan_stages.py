"""The steps of the job that plans: look at the folder, find what may go unit by unit, and sum it up."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing

from django.utils.translation import gettext_lazy as _

from mediasync.core import paths
from mediasync.core.errors import Permanent, UsageError
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned, Skipped
from mediasync.jobs.registry import Stage as Base

from . import crew, plan_ending, plan_opening, reading, scopes, services, steps, store
from . import policy as policies
from .choices import Klass, RunState
from .models import PlexFolder, Run
from .planning import Found, Planner, Unit, units
from .plexdata import layout, places
from .store_rows import Packed, pack

PLANNING = (RunState.PLANNING,)
_writing = threading.Lock()  # SQLite takes one writer; threads that wait here go on at once, there after a nap


def run_of(job: JobInfo) -> Run | None:
    """Return the run that a job plans: of its scope, or the one that a scheduled job has made."""
    rows = Run.objects.select_related("folder__server")
    return rows.filter(pk=job.scope["run"]).first() if "run" in job.scope else rows.filter(job_id=job.id).first()


class Look(Base):
    """Look at the folder, copy the database, build the index; refuse where a plan could not be trusted."""

    name = "look"
    label = _("Look at the data folder")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("folder")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        run = run_of(ctx.job) or self._begin(ctx)
        if run.state != RunState.PLANNING:
            return Skipped("cleanup_wrong_state", {"run": run.pk, "state": run.state})
        ctx.progress(str(run.folder))
        reading.forget(reading.left_over(Run.objects.filter(state__in=PLANNING).values_list("pk", flat=True)))
        try:
            facts = plan_opening.open_run(run, ctx.now())
        except Exception as error:
            crew.close(run.pk)
            if not isinstance(error, Permanent | UsageError):
                raise
            with ctx.transaction():
                services.refuse(run, error)
            return Skipped(error.code, error.params)
        with ctx.transaction():
            Run.objects.filter(pk=run.pk).update(facts=facts, coverage={"before": facts.pop("coverage", {})})
        run.facts = facts
        if hands(run) == 1:
            crew.close(run.pk)
        return Done({"items": facts.get("index", {}).get("items", 0)})

    def _begin(self, ctx: Context) -> Run:
        """Make the run of a schedule's job: once, as the job itself is in its row."""
        scope = ctx.job.scope
        filters = scopes.check_filters(scope) | ({"apply": True} if scope.get("apply") else {})
        folder = PlexFolder.objects.get(pk=scope["folder"])
        with ctx.transaction():
            return services.begin(folder, scope["steps"], filters, ctx.job.actor, job=ctx.job.id)


class Find(Base):
    """Find what may go: one item a prefix folder; its rows, written in blocks, replace those of an earlier try."""

    name = "find"
    label = _("Find what may go")

    def workers_for(self, job: JobInfo) -> int:
        """Return one thread for each process that plans."""
        run = run_of(job)
        return hands(run) if run else 1

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        run = run_of(job)
        if run is None or run.state != RunState.PLANNING or "root" not in run.facts:
            return
        data = places.resolve(run.folder.path, run.folder.cache_path)
        prefixes = frozenset(run.filters.get("prefixes", ()))
        found = [(unit, number) for number, work in enumerate(works_of(run)) for unit in units(work, data, prefixes)]
        # Each child of a crew has prefixes of its own, and reads the index of one once, for all types.
        count = hands(run)
        found.sort(key=lambda each: (crew.rank(each[0].prefix) // count, each[1], each[0].prefix))
        yield Planned(
            [
                NewItem(str(unit), {"work": number, "unit": list(unit)}, label, label)
                for unit, number in found
                for label in (unit.folder or unit.part,)
            ]
        )

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        run = run_of(ctx.job)
        if run is None or run.state != RunState.PLANNING:
            return Skipped("cleanup_wrong_state", {"run": run.pk if run else 0, "state": run.state if run else ""})
        unit, work = Unit(*item.payload["unit"]), works_of(run)[item.payload["work"]]
        found, kept, rows = Found(), Counter[str](), 0
        if item.cursor or item.force:  # an earlier try may have written rows
            with _writing, ctx.transaction():
                store.erase(run.pk, str(unit))
        last = None
        with closing(self._blocks(run, unit, work, found, kept)) as blocks:
            for block in blocks:
                if last is not None:
                    with _writing, ctx.transaction({"begun": True}):  # the cursor says that there are rows
                        store.write_packed(run.pk, str(unit), last)
                    ctx.checkpoint()
                    ctx.progress(str(unit))
                last, rows = block, rows + block.rows
        with _writing, ctx.transaction({"begun": True}):
            if last is not None:
                store.write_packed(run.pk, str(unit), last)
            plan_ending.note(run, unit, found, kept)
        return Done({"rows": rows, "bundles": found.weight.bundles, "bytes": found.weight.bytes})

    def _blocks(
        self, run: Run, unit: Unit, work: steps.Work, found: Found, kept: Counter[str]
    ) -> Generator[Packed, None, None]:
        planner, limit, count = planner_of(run), run.filters.get("limit", 0), hands(run)
        if count > 1:
            copy = paths.to_text(os.fsencode(reading.copy_of(run.pk)))
            yield from crew.of(run.pk, count).blocks(planner, copy, unit, work, found, kept, limit)
            return
        yield from map(pack, planner.blocks(unit, work, found, kept, limit))


class Sum(Base):
    """Add up what was found, and refuse what is more than the policy's limits."""

    name = "sum"
    label = _("Add up")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("plan")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        run = run_of(ctx.job)
        if run is None or run.state != RunState.PLANNING:
            return Skipped("cleanup_wrong_state", {"run": run.pk if run else 0, "state": run.state if run else ""})
        with ctx.transaction():
            rows = plan_ending.close(run, ctx.job)
        crew.close(run.pk)
        reading.forget([run.pk])
        return Done({"rows": rows})


def works_of(run: Run) -> list[steps.Work]:
    """Return what a run looks for where, after its filters, and without the orphans that must stay."""
    wanted = set(run.filters.get("types", ()))
    spared = set(run.facts.get("no_orphans", ()))
    found = []
    for work in steps.resolve(run.steps, policies.of(run.policy)).works:
        name = "Media" if work.part == layout.MEDIA else work.folder or work.part
        if wanted and name not in wanted:
            continue
        if name in spared:
            work.classes.pop(Klass.ORPHAN, None)
        if run.folder.image_host_id is None:
            work.classes.pop(Klass.REHOST, None)
        if work.classes:
            found.append(work)
    return found


def hands(run: Run) -> int:
    """Return how many processes plan a run: this one, or that many children."""
    counts = run.facts.get("index", {})
    return crew.size(counts.get("bundles", 0) + counts.get("media_bundles", 0))


def planner_of(run: Run) -> Planner:
    """Return what makes the drafts of a run."""
    return Planner(
        data=places.resolve(run.folder.path, run.folder.cache_path),
        policy=policies.of(run.policy),
        now_ns=int(dt.datetime.fromisoformat(run.facts["begun"]).timestamp() * 10**9),
        sections=frozenset(run.filters.get("sections", ())),
        host=run.folder.image_host_id is not None,
        ask=plan_opening.asker(run.folder),
        source=lambda: reading.of(run.pk),
    )


KIND = JobKind(
    name=services.PLAN,
    label=_("Plan a clean-up of Plex's data folder"),
    stages=(Look(), Find(), Sum()),
    lanes=scopes.lane,
    title=scopes.title("cleanup_plan"),
    check_scope=scopes.check_plan,
    form="cleanup.forms.PlanForm",
    permission="cleanup.add_run",
    rights=lambda scope: ["cleanup.change_run"] if scope.get("apply") else [],  # to accept it by itself
)

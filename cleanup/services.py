"""What may be asked of the clean-up; the one place that changes the state of a run, by compare-and-set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from mediasync.core import clock
from mediasync.core.errors import Conflict, MediasyncError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import RESTING, TERMINAL, Source, Trigger
from mediasync.jobs.models import Job

from . import policy as policies
from . import scopes, selectors, steps
from .choices import RunState
from .models import PlanRow, PlexFolder, Run

PLAN = "cleanup_plan"
APPLY, RESTORE, PURGE, REAPPLY = "cleanup_apply", "cleanup_restore", "cleanup_purge", "cleanup_reapply"
TO_APPLY = (RunState.ACCEPTED, RunState.APPLYING)  # the latter: its job was cancelled, or failed
TO_RESTORE = (RunState.APPLYING, RunState.APPLIED, RunState.RESTORING, RunState.RESTORED)
TO_PURGE = (RunState.APPLIED, RunState.RESTORED)


class Started(NamedTuple):
    """A run, and the job that works on it."""

    run: Run
    job: Job


def plan(
    folder: PlexFolder,
    wanted: Sequence[str],
    *,
    sections: Sequence[int] = (),
    prefixes: Sequence[str] = (),
    types: Sequence[str] = (),
    limit: int = 0,
    trigger: Trigger = Trigger.MANUAL,
    actor: str = "",
) -> Started:
    """Make a run and the job that plans it; nothing of the folder is changed by either.

    UsageError for steps or filters that cannot be, or where the policy allows none of it. The job waits while another
    one works on the same folder.
    """
    filters = scopes.check_filters({"sections": sections, "prefixes": prefixes, "types": types, "limit": limit})
    with transaction.atomic():
        run = begin(folder, wanted, filters, actor)
        job = jobs.submit(PLAN, {"run": run.pk}, trigger=trigger, actor=actor).job
        Run.objects.filter(pk=run.pk).update(job=job)
        run.job = job
    return Started(run, job)


def begin(
    folder: PlexFolder, wanted: Sequence[str], filters: Mapping[str, Any], actor: str, job: int | None = None
) -> Run:
    """Make the row of a run that is going to be planned."""
    allowed = policies.of(folder.policy)
    names = steps.check(wanted)
    steps.resolve(names, allowed)  # refuses what the policy does not allow
    return Run.objects.create(
        folder=folder,
        job_id=job,
        steps=names,
        filters=dict(filters),
        policy=policies.stored(allowed),
        created=clock.system.now(),
        actor=actor[:150],
    )


def move(run: Run, to: RunState, expect: Iterable[RunState], **values: Any) -> Run:
    """Change a run's state if it is one of ``expect``; Conflict (with the state that it is in) if it is not."""
    expected = [str(each) for each in expect]
    if not Run.objects.filter(pk=run.pk, state__in=expected).update(state=to, **values):
        state = Run.objects.filter(pk=run.pk).values_list("state", flat=True).first() or "gone"
        message = f"Run {run.pk} is {state}; this needs it to be {' or '.join(expected)}."
        raise Conflict(message, code="cleanup_wrong_state", run=run.pk, state=state)
    run.refresh_from_db()
    return run


def refuse(run: Run, error: MediasyncError) -> Run:
    """Note why there is no plan: ``reason`` is the code, its facts lie in ``facts["why"]``."""
    facts = {**run.facts, "why": {**error.params, "message": str(error)}}
    return move(run, RunState.REFUSED, [RunState.PLANNING], reason=error.code[:100], facts=facts)


def accept(run: Run, *, files_typed: int, actor: str) -> Run:
    """Accept a plan; ``files_typed`` is the number of files that the person read in it and typed.

    Conflict if that is not the plan's number, or if the plan does not wait for it.
    """
    run.refresh_from_db()
    files = selectors.planned(run).files
    if files_typed != files and run.state == RunState.PLANNED:
        message = f"The plan has {files:,} files, not {files_typed:,}."
        raise Conflict(message, code="cleanup_wrong_number", run=run.pk, files=files, typed=files_typed)
    values = {"accepted_at": clock.system.now(), "accepted_by": actor[:150]}
    return move(run, RunState.ACCEPTED, [RunState.PLANNED], **values)


def drop(run: Run, *, actor: str) -> Run:
    """Forget a plan that nothing was done of: its rows go, the run stays as a note. Conflict once it was begun."""
    states = [RunState.PLANNED, RunState.ACCEPTED, RunState.REFUSED]
    if run.job is None or run.job.state in TERMINAL:
        states.append(RunState.PLANNING)  # its job was cancelled, or failed
    with transaction.atomic():
        move(run, RunState.DROPPED, states, report={"dropped_by": actor[:150]})
        PlanRow.objects.filter(run=run)._raw_delete("default")
    return run


def believe(folder: PlexFolder) -> None:
    """Let the next plan take its index for whole, however much smaller than the last one it is."""
    PlexFolder.objects.filter(pk=folder.pk).update(last_index={})
    folder.last_index = {}


def apply(run: Run, *, trigger: Trigger = Trigger.MANUAL, actor: str = "") -> Started:
    """Make the job that carries an accepted plan out, or goes on with it. Conflict if it was not accepted."""
    return _work_on(run, APPLY, {}, TO_APPLY, trigger, actor)


def restore(
    run: Run, rows: Iterable[int] | None = None, *, trigger: Trigger = Trigger.MANUAL, actor: str = ""
) -> Started:
    """Make the job that puts everything back, or only these rows (ids) with what they need.

    Conflict unless something was done of the run, and it was not deleted for good.
    """
    scope = {} if rows is None else {"rows": sorted(set(rows))}
    return _work_on(run, RESTORE, scope, TO_RESTORE, trigger, actor)


def purge(run: Run, *, trigger: Trigger = Trigger.MANUAL, actor: str = "") -> Started:
    """Make the job that deletes for good what lies in the quarantine of a run."""
    return _work_on(run, PURGE, {}, TO_PURGE, trigger, actor)


def reapply(folder: PlexFolder, *, trigger: Trigger = Trigger.MANUAL, actor: str = "") -> Job:
    """Make the job that writes proven addresses again where Plex has put ``metadata://`` in their place since."""
    return jobs.submit(REAPPLY, {"folder": folder.pk}, trigger=trigger, actor=actor).job


def _work_on(
    run: Run, kind: str, scope: Mapping[str, Any], expect: Iterable[RunState], trigger: Trigger, actor: str
) -> Started:
    """Submit a job for a run that is in one of these states; the job itself moves it on when it begins."""
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("folder", "job").get(pk=run.pk)
        move(run, RunState(run.state), expect)
        if run.job is not None and run.job.kind == kind and run.job.state not in TERMINAL and not scope:
            if run.job.state in RESTING:  # whoever asks again has done what it waited for
                jobs.resume(run.job, actor=actor, source=Source.SYSTEM)
            return Started(run, run.job)
        job = jobs.submit(kind, {"run": run.pk, **scope}, trigger=trigger, actor=actor).job
        Run.objects.filter(pk=run.pk).update(job=job)
        run.job = job
    return Started(run, job)

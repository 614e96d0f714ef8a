"""What anybody may ask of the engine: a new job, something of a job, a schedule.

Requests only insert rows; the conductor (or ``drain``) carries them out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from mediasync.core import clock
from mediasync.core.errors import Conflict, UsageError

from . import registry, verbs
from .choices import PRIORITY, WAITING, CommandState, JobState, Source, Trigger, Verb
from .models import Command, Job, JobLane, Stage
from .schedules import drop_schedules, put_schedule

__all__ = ["Submitted", "command", "drop_schedules", "put_schedule", "run_again", "submit", "widen"]

TRIES = 20  # lost races for one dedupe key, each against another process that made progress


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job that stands for the request; ``deduplicated`` when it waited there already."""

    job: Job
    deduplicated: bool


def submit(
    kind: str,
    scope: Mapping[str, Any],
    *,
    config: Mapping[str, Any] | None = None,
    trigger: Trigger = Trigger.MANUAL,
    actor: str = "",
    priority: int | None = None,
    not_before: dt.datetime | None = None,
    parent: Job | None = None,
    rerun_of: Job | None = None,
    dedupe: bool = True,
    idempotency_key: str | None = None,
) -> Submitted:
    """Insert a job with its stages and lanes, or return the one that already waits for the same.

    The same means: kind, scope and config; only a job that has not begun stands for others. It takes the higher
    priority and the earlier start of the two. An ``idempotency_key`` returns its first job whatever became of it.
    Raises UsageError for an unknown kind and for a scope that the kind refuses.
    """
    known = find_kind(kind)
    scope, config = known.check_scope(scope), dict(config or {})
    title_code, title_params = known.title(scope) if known.title else (known.name, scope)
    later = not_before is not None and not_before > clock.system.now()
    job = Job(
        kind=kind,
        title_code=title_code,
        title_params=dict(title_params),
        state=JobState.SCHEDULED if later else JobState.QUEUED,
        priority=PRIORITY[trigger] if priority is None else priority,
        trigger=trigger,
        actor=actor,
        scope=scope,
        config=config,
        dedupe_key=dedupe_key(kind, scope, config) if dedupe else "",
        idempotency_key=idempotency_key or None,
        not_before=not_before if later else None,
        parent=parent,
        rerun_of=rerun_of,
    )
    for _ in range(TRIES):
        existing = _existing(job)
        if existing is not None:
            return Submitted(existing, deduplicated=True)
        try:
            with transaction.atomic():
                _insert(job, known)
        except IntegrityError:  # another process was faster: look again
            job.pk = None
            continue
        return Submitted(job, deduplicated=False)
    raise Conflict(f"Could not enqueue {kind}: others enqueue the same all the time.", code="busy")


def widen(job: Job, scope: Mapping[str, Any]) -> bool:
    """Give a job that has not begun a scope that covers its own; False if it has begun, or changed, meanwhile.

    Call it in the transaction of what the wider scope stands for: the job cannot begin before that ends.
    """
    known = find_kind(job.kind)
    scope = known.check_scope(scope)
    title_code, title_params = known.title(scope) if known.title else (known.name, scope)
    key = dedupe_key(job.kind, scope, job.config)
    rows = Job.objects.filter(pk=job.pk, state__in=WAITING, dedupe_key=job.dedupe_key).exclude(dedupe_key="")
    if Job.objects.filter(dedupe_key=key, state__in=WAITING).exclude(pk=job.pk).exists():
        return False
    title = {"title_code": title_code, "title_params": dict(title_params)}
    if not rows.update(scope=scope, dedupe_key=key, rev=F("rev") + 1, **title):
        return False
    job.refresh_from_db()
    return True


def find_kind(name: str) -> registry.JobKind:
    """Return the registered kind; UsageError names those that exist."""
    try:
        return registry.kind(name)
    except KeyError as error:
        raise UsageError(str(error.args[0]), code="unknown_kind", kind=name) from None


def dedupe_key(kind: str, scope: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the key that two requests for the same work share."""
    text = json.dumps([scope, config], sort_keys=True, separators=(",", ":"))
    return f"{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _existing(job: Job) -> Job | None:
    if job.idempotency_key:
        first = Job.objects.filter(idempotency_key=job.idempotency_key).first()
        if first is not None:
            return first
    if not job.dedupe_key:
        return None
    waiting = Job.objects.filter(dedupe_key=job.dedupe_key, state__in=WAITING)
    with transaction.atomic():  # inside the caller's transaction, the twin cannot start before what the caller wrote
        twin = waiting.select_for_update().first()
    if twin is None:
        return None
    if job.priority > twin.priority:
        waiting.filter(pk=twin.pk, priority__lt=job.priority).update(priority=job.priority)
    if twin.not_before and (job.not_before is None or job.not_before < twin.not_before):
        rows = waiting.filter(pk=twin.pk, state=JobState.SCHEDULED)
        rows.update(not_before=job.not_before or clock.system.now())
    twin.refresh_from_db()
    return twin


def _insert(job: Job, kind: registry.JobKind) -> None:
    job.save(force_insert=True)
    info = registry.JobInfo(job.pk, job.kind, job.scope, job.config, job.trigger, job.actor)
    Stage.objects.bulk_create(
        Stage(
            job=job,
            seq=seq,
            name=stage.name,
            workers=max(1, stage.workers_for(info)),
            on_error=stage.on_error,
            stop_after=stage.stop_after,
        )
        for seq, stage in enumerate(kind.stages, start=1)
    )
    lanes = {lane.key: lane.mode for lane in kind.lanes(job.scope)} or {"general": registry.Lane("general").mode}
    JobLane.objects.bulk_create(JobLane(job=job, key=key, mode=mode) for key, mode in lanes.items())


def command(
    job: Job | None,
    verb: Verb,
    *,
    actor: str,
    source: Source,
    args: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Command:
    """Ask for ``verb`` on a job (None: the engine); applied within a second by whoever conducts.

    Raises IllegalTransition (or another Conflict) when it is refused, after having kept the refused Command; the
    error carries its id. A second call with the same ``idempotency_key`` returns the first Command.
    """
    if idempotency_key:
        first = Command.objects.filter(idempotency_key=idempotency_key).first()
        if first is not None:
            return first
    asked = Command(
        job=job, verb=verb, args=dict(args or {}), actor=actor, source=source, idempotency_key=idempotency_key or None
    )
    try:
        verbs.check(asked)
    except Conflict as error:
        asked.state, asked.applied_at = CommandState.REFUSED, clock.system.now()
        asked.result_code, asked.result_params = error.code, error.params
        asked.save(force_insert=True)
        error.params |= {"command": asked.pk}
        raise
    try:
        with transaction.atomic():
            asked.save(force_insert=True)
    except IntegrityError:  # the same request came twice at once
        return Command.objects.get(idempotency_key=idempotency_key)
    return asked


def pause(job: Job, *, actor: str, source: Source) -> Command:
    """Ask a job to stop at the next safe point and rest."""
    return command(job, Verb.PAUSE, actor=actor, source=source)


def resume(job: Job, *, actor: str, source: Source) -> Command:
    """Ask a paused (or pausing, or interrupted) job to go on."""
    return command(job, Verb.RESUME, actor=actor, source=source)


def cancel(job: Job, *, actor: str, source: Source) -> Command:
    """Ask a job to end here; what was done stays done."""
    return command(job, Verb.CANCEL, actor=actor, source=source)


def retry_failed(job: Job, *, actor: str, source: Source) -> Command:
    """Ask to do the failed, interrupted and cancelled items again."""
    return command(job, Verb.RETRY_FAILED, actor=actor, source=source)


def retry_items(job: Job, items: Iterable[int], *, actor: str, source: Source) -> Command:
    """Ask to do these items (ids) again, as far as they did not succeed."""
    return command(job, Verb.RETRY_ITEM, actor=actor, source=source, args={"items": list(items)})


def force_retry_items(job: Job, items: Iterable[int], *, actor: str, source: Source) -> Command:
    """Ask to do these items (ids) again even if they succeeded, without the stage's "unchanged" tests."""
    return command(job, Verb.FORCE_RETRY_ITEM, actor=actor, source=source, args={"items": list(items)})


def run_now(job: Job, *, actor: str, source: Source) -> Command:
    """Ask a scheduled job not to wait any longer."""
    return command(job, Verb.RUN_NOW, actor=actor, source=source)


def set_priority(job: Job, priority: int, *, actor: str, source: Source) -> Command:
    """Ask for another place in the queue (more comes first)."""
    return command(job, Verb.SET_PRIORITY, actor=actor, source=source, args={"priority": int(priority)})


def force_unlock(job: Job, *, actor: str, source: Source) -> Command:
    """Ask to declare a job's worker dead, once its lease is older than twice its length."""
    return command(job, Verb.FORCE_UNLOCK, actor=actor, source=source)


def pause_all(*, actor: str, source: Source) -> Command:
    """Ask the whole engine to rest: nothing starts, running jobs stop at the next safe point."""
    return command(None, Verb.PAUSE_ALL, actor=actor, source=source)


def resume_all(*, actor: str, source: Source) -> Command:
    """Ask the whole engine to go on."""
    return command(None, Verb.RESUME_ALL, actor=actor, source=source)


def run_again(job: Job, *, trigger: Trigger = Trigger.MANUAL, actor: str = "") -> Submitted:
    """Submit a new job for the same scope; the old one stays as history."""
    return submit(job.kind, job.scope, config=job.config, trigger=trigger, actor=actor, rerun_of=job)

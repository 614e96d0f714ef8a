"""Set-based changes to the stages, groups and items of a job that no slice holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import F, Q, QuerySet

from .choices import ItemState, StageState
from .models import Event, Item, Job, Stage

OPEN_ITEMS = (ItemState.PENDING, ItemState.RUNNING, ItemState.RETRY_WAIT, ItemState.INTERRUPTED)
OPEN_STAGES = (StageState.PENDING, StageState.PLANNING, StageState.RUNNING)


def has_open(job_id: int) -> bool:
    """Tell whether a stage of the job is not finished."""
    return Stage.objects.filter(job_id=job_id, state__in=OPEN_STAGES).exists()


def cancel_open(job_id: int, now: dt.datetime) -> None:
    """Cancel what is not finished; what was done stays done (console.md B.2 rows 7 and 13)."""
    items = Item.objects.filter(stage__job_id=job_id, state__in=OPEN_ITEMS)
    items.update(state=ItemState.CANCELED, finished=now, not_before=None, rev=F("rev") + 1)
    stages = Stage.objects.filter(job_id=job_id, state__in=OPEN_STAGES)
    stages.update(state=StageState.CANCELED, finished=now, rev=F("rev") + 1)
    recount(job_id)


def interrupt_running(job_id: int, now: dt.datetime) -> int:
    """Mark the items that a dead worker left running, count the crash, and return how many there were."""
    items = Item.objects.filter(stage__job_id=job_id, state=ItemState.RUNNING)
    keys = list(items.values_list("stage_id", "key")[:20])
    count = items.update(state=ItemState.INTERRUPTED, crashes=F("crashes") + 1, rev=F("rev") + 1)
    Event.objects.bulk_create(
        Event(job_id=job_id, stage_id=stage, item_key=key, at=now, code="item_interrupted") for stage, key in keys
    )
    recount(job_id)
    return count


def reopen(job_id: int, states: Sequence[ItemState], *, only: Iterable[int] | None, force: bool) -> int:
    """Make items in ``states`` (of the ids ``only``) pending again, with their stages; return how many.

    Later stages are planned once more, since new outcomes may give them new items; planning twice is harmless.
    """
    items = Item.objects.filter(stage__job_id=job_id, state__in=states)
    if only is not None:
        items = items.filter(pk__in=list(only))
    touched = set(items.values_list("stage_id", flat=True).distinct())
    count = items.update(
        state=ItemState.PENDING,
        attempt=0,
        crashes=0,
        not_before=None,
        error_code="",
        error_params=None,
        force=force,
        finished=None,
        rev=F("rev") + 1,
    )
    if only is None:
        unfinished = Q(state__in=(StageState.FAILED, StageState.CANCELED, *OPEN_STAGES))
        touched |= set(Stage.objects.filter(unfinished, job_id=job_id).values_list("pk", flat=True))
    _reopen_stages(Stage.objects.filter(job_id=job_id), touched)
    recount(job_id)
    return count


def _reopen_stages(stages: QuerySet[Stage], touched: set[int]) -> None:
    first = stages.filter(pk__in=touched).order_by("seq").first()
    if first is None:
        return
    fields = {"finished": None, "rev": F("rev") + 1}
    stages.filter(pk__in=touched, planned=True).update(state=StageState.RUNNING, **fields)
    stages.filter(pk__in=touched, planned=False).update(state=StageState.PENDING, **fields)
    later = stages.filter(seq__gt=first.seq)
    later.update(state=StageState.PENDING, planned=False, plan_cursor=None, **fields)
    Job.objects.filter(pk=first.job_id).update(total_final=not stages.filter(planned=False).exists())


_COUNT = """
UPDATE {table} SET
  total = (SELECT count(*) FROM jobs_item i WHERE i.{key} = {table}.id),
  done = (SELECT count(*) FROM jobs_item i WHERE i.{key} = {table}.id AND i.state = 'succeeded'),
  failed = (SELECT count(*) FROM jobs_item i WHERE i.{key} = {table}.id AND i.state = 'failed'),
  skipped = (SELECT count(*) FROM jobs_item i WHERE i.{key} = {table}.id AND i.state = 'skipped'){more},
  rev = rev + 1
WHERE {where}
"""
_RUNNING = ",\n  running = (SELECT count(*) FROM jobs_item i WHERE i.group_id = jobs_group.id AND i.state = 'running')"
_OF_JOB = "(SELECT id FROM jobs_stage WHERE job_id = %s)"
_SUM = "(SELECT coalesce(sum({column}), 0) FROM jobs_stage WHERE job_id = jobs_job.id)"


def recount(job_id: int) -> None:
    """Count the items anew into groups, stages and job (rare: after a command or a crash)."""
    group = _COUNT.format(table="jobs_group", key="group_id", more=_RUNNING, where=f"stage_id IN {_OF_JOB}")
    stage = _COUNT.format(table="jobs_stage", key="stage_id", more="", where="job_id = %s")
    sums = ", ".join(f"{column} = {_SUM.format(column=column)}" for column in ("total", "done", "failed", "skipped"))
    with connection.cursor() as cursor:
        cursor.execute(group, [job_id])
        cursor.execute(stage, [job_id])
        cursor.execute(f"UPDATE jobs_job SET {sums}, rev = rev + 1 WHERE id = %s", [job_id])

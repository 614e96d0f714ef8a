"""Set-based changes to the stages, groups and items of a job that no slice holds.

A changed row takes the job's new ``rev``, as those that a slice writes do, so that the page finds it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from django.db.models import Count, F, Model, Q, QuerySet
from django.db.models.functions import Least

from .choices import ItemState, JobState, StageState
from .models import Event, Group, Item, Job, Stage

OPEN_ITEMS = (ItemState.PENDING, ItemState.RUNNING, ItemState.RETRY_WAIT, ItemState.INTERRUPTED)
OPEN_STAGES = (StageState.PENDING, StageState.PLANNING, StageState.RUNNING)
COUNTED = {ItemState.SUCCEEDED: "done", ItemState.FAILED: "failed", ItemState.SKIPPED: "skipped"}


def has_open(job_id: int) -> bool:
    """Tell whether a stage of the job is not finished."""
    return Stage.objects.filter(job_id=job_id, state__in=OPEN_STAGES).exists()


def end_of_cancel(job_id: int) -> JobState:
    """Return what a job becomes that is cancelled: completed when all was done already, and nothing had failed."""
    wanting = Q(state__in=OPEN_STAGES) | Q(failed__gt=0)
    return JobState.CANCELED if Stage.objects.filter(wanting, job_id=job_id).exists() else JobState.COMPLETED


def cancel_open(job_id: int, now: dt.datetime) -> None:
    """Cancel what is not finished; what was done stays done (rows 7 and 13 of docs/engine.md)."""
    rev = _next_rev(job_id)
    items = Item.objects.filter(stage__job_id=job_id, state__in=OPEN_ITEMS)
    items.update(state=ItemState.CANCELED, finished=now, not_before=None, rev=rev)
    stages = Stage.objects.filter(job_id=job_id, state__in=OPEN_STAGES)
    stages.update(state=StageState.CANCELED, finished=now, rev=rev)
    _nothing_runs(job_id, rev)


def interrupt_running(job_id: int, now: dt.datetime) -> int:
    """Mark the items that a dead worker left running, count the crash, and return how many there were."""
    rev = _next_rev(job_id)
    items = Item.objects.filter(stage__job_id=job_id, state=ItemState.RUNNING)
    keys = list(items.values_list("stage_id", "key")[:20])
    count = items.update(state=ItemState.INTERRUPTED, crashes=F("crashes") + 1, rev=rev)
    Event.objects.bulk_create(
        Event(job_id=job_id, stage_id=stage, item_key=key, at=now, code="item_interrupted") for stage, key in keys
    )
    _nothing_runs(job_id, rev)
    return count


def reopen(job_id: int, states: Sequence[ItemState], *, only: Iterable[int] | None, force: bool) -> int:
    """Make items in ``states`` (of the ids ``only``) pending again, with their stages; return how many.

    Later stages are planned once more, since new outcomes may give them new items; planning twice is harmless, but
    for a stage of which items have been pruned: it would do those again.
    """
    rev = _next_rev(job_id)
    items = Item.objects.filter(stage__job_id=job_id, state__in=states)
    if only is not None:
        items = items.filter(pk__in=list(only))
    counts = items.order_by().values_list("stage_id", "group_id", "state").annotate(Count("pk"))
    touched = _uncount(job_id, list(counts), rev)
    _unsum(items.filter(state=ItemState.SUCCEEDED))
    count = items.update(
        state=ItemState.PENDING,
        attempt=0,
        crashes=0 if force else Least("crashes", 1),  # what died may have been done: it is looked at, alone
        not_before=None,
        error_code="",
        error_params=None,
        result=None,
        force=force,
        finished=None,
        rev=rev,
    )
    if only is None:
        unfinished = Q(state__in=(StageState.FAILED, StageState.CANCELED, *OPEN_STAGES))
        touched |= set(Stage.objects.filter(unfinished, job_id=job_id).values_list("pk", flat=True))
    _reopen_stages(job_id, touched, rev)
    return count


def _reopen_stages(job_id: int, touched: set[int], rev: int) -> None:
    stages = Stage.objects.filter(job_id=job_id)
    first = stages.filter(pk__in=touched).order_by("seq").first()
    if first is None:
        return
    again = stages.filter(pk__in=touched)
    again.filter(planned=True).update(state=StageState.RUNNING, finished=None, rev=rev)
    again.filter(planned=False).update(state=StageState.PENDING, finished=None, rev=rev)
    later = [stage.pk for stage in stages.filter(seq__gt=first.seq) if stage.total == stage.items.count()]
    anew = {"state": StageState.PENDING, "planned": False, "plan_cursor": None, "finished": None}
    stages.filter(pk__in=later).update(**anew, rev=rev)
    Job.objects.filter(pk=job_id).update(total_final=not stages.filter(planned=False).exists())


def _uncount(job_id: int, counts: Iterable[tuple[int, int | None, str, int]], rev: int) -> set[int]:
    """Take items that are no longer finished out of the counters; return the stages that they belong to.

    Not counted anew, because items that succeeded long ago may have been pruned.
    """
    moved: dict[tuple[type[Model], int], Counter[str]] = {}
    stages = set()
    for stage, group, state, number in counts:
        stages.add(stage)
        column = COUNTED.get(ItemState(state))
        for model, pk in ((Job, job_id), (Stage, stage), (Group, group)):
            if pk is not None and column:
                moved.setdefault((model, pk), Counter())[column] += number
    for (table, pk), counter in moved.items():
        columns = {column: F(column) - number for column, number in counter.items()}
        table._default_manager.filter(pk=pk).update(**columns, rev=rev)
    return stages


def _unsum(items: QuerySet[Item]) -> None:
    """Take the numbers that items had returned out of the sums of their stages: they will return them again."""
    back: dict[int, Counter[str]] = {}
    for stage, result in items.exclude(result=None).values_list("stage_id", "result").iterator(chunk_size=2000):
        numbers = {key: value for key, value in (result or {}).items() if type(value) in (int, float)}
        back.setdefault(stage, Counter()).update(numbers)
    for stage_row in Stage.objects.filter(pk__in=back):
        sums = back[stage_row.pk]
        stage_row.result = {key: value - sums.get(key, 0) for key, value in stage_row.result.items()}
        stage_row.save(update_fields=["result"])


def _nothing_runs(job_id: int, rev: int) -> None:
    Group.objects.filter(stage__job_id=job_id, running__gt=0).update(running=0, rev=rev)


def _next_rev(job_id: int) -> int:
    Job.objects.filter(pk=job_id).update(rev=F("rev") + 1)
    return Job.objects.values_list("rev", flat=True).get(pk=job_id)

"""The statements on item rows, set-based: the hot path of the engine, measured in tests/benchmarks.

All are called inside a transaction that the fence opened. Only the job's slice writes these rows meanwhile, so that
what was selected is still so when it is updated. JSON and times are adapted here, since raw SQL skips the fields.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import F

from mediasync.core.errors import LostLease

from .choices import ItemState
from .leases import Tally
from .models import Item, Stage
from .outcomes import Claimed, Result
from .registry import ItemInfo

SELECT = """
    SELECT id, key, payload, cursor, attempt, crashes, force, group_id, error_code
    FROM jobs_item WHERE stage_id = %s AND state = %s ORDER BY id LIMIT %s
"""
MARK = """
    UPDATE jobs_item SET state = 'running', attempt = attempt + 1, started = %s, finished = NULL, rev = %s
    WHERE stage_id = %s AND state = %s AND id BETWEEN %s AND %s
"""
SUCCEEDED = "UPDATE jobs_item SET state = 'succeeded', finished = %s, rev = %s WHERE id = %s AND state = 'running'"
RECORD = """
    UPDATE jobs_item
    SET state = %s, attempt = %s, not_before = %s, cursor = COALESCE(%s, cursor), result = %s, error_code = %s,
        error_params = %s, force = (force AND %s), finished = %s, rev = %s
    WHERE id = %s AND state IN ('running', 'interrupted')
"""
CURSOR = """
    UPDATE jobs_item
    SET crashes = CASE WHEN crashes > 1 AND (cursor IS NULL OR cursor <> %s) THEN 1 ELSE crashes END, cursor = %s
    WHERE id = %s
"""
FINISHED = (ItemState.SUCCEEDED, ItemState.SKIPPED, ItemState.FAILED)


def when(moment: dt.datetime | None) -> Any:
    """Return a time as the database takes it."""
    return None if moment is None else connection.ops.adapt_datetimefield_value(moment)


def select(stage_id: int, state: ItemState, limit: int) -> list[Claimed]:
    """Return the first items in that state, as they will be once marked (attempt + 1)."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [stage_id, state.value, limit])
        rows = cursor.fetchall()
    return [
        Claimed(
            ItemInfo(pk, key, _load(payload), _load(saved), attempt + 1, crashes, bool(force), f"{stage_id}:{key}"),
            group_id,
            error_code,
        )
        for pk, key, payload, saved, attempt, crashes, force, group_id, error_code in rows
    ]


def mark_running(stage_id: int, state: ItemState, items: Sequence[Claimed], now: dt.datetime, rev: int) -> None:
    """Mark what ``select`` returned (or a prefix of it): the attempt is counted before the work."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, [when(now), rev, stage_id, state.value, items[0].info.id, items[-1].info.id])
        if cursor.rowcount != len(items):
            raise LostLease(f"{len(items)} items were to be marked, {cursor.rowcount} were.", stage=stage_id)


def record(results: Iterable[Result], now: dt.datetime, rev: int) -> None:
    """Write what became of items that ran.

    Raises LostLease when an item is no longer as we left it: somebody else has settled it.
    """
    moment = when(now)
    plain: list[tuple[Any, ...]] = []
    full: list[tuple[Any, ...]] = []
    for each in results:
        info = each.item.info
        if each.state == ItemState.SUCCEEDED and each.result is None and info.attempt == 1 and not info.force:
            plain.append((moment, rev, info.id))
            continue
        done = each.state in FINISHED
        full.append(
            (
                *(each.state.value, each.attempt, when(each.not_before), each.cursor, each.result, each.code),
                *(each.params, not done, moment if done else None, rev, info.id),
            )
        )
    with connection.cursor() as cursor:
        for statement, rows in ((SUCCEEDED, plain), (RECORD, full)):
            if rows:
                cursor.executemany(statement, rows)
                if cursor.rowcount != len(rows):
                    raise LostLease(f"{len(rows)} items were to be recorded, {cursor.rowcount} were.")


def claimed_of(rows: Iterable[Item]) -> list[Claimed]:
    """Return item rows (as they are, no attempt added) in the form that results need."""
    return [
        Claimed(
            ItemInfo(*(row.pk, row.key, row.payload, row.cursor, row.attempt, row.crashes, row.force, row.idem_key)),
            row.group_id,
            row.error_code,
        )
        for row in rows
    ]


def groups_of(items: Iterable[Claimed]) -> Counter[int]:
    """Count the items a group."""
    return Counter(each.group_id for each in items if each.group_id is not None)


def move_stage(stage_id: int, moved: Tally, sums: dict[str, int | float], rev: int) -> None:
    """Move the counters of the stage, and store the sums of what its items returned."""
    Stage.objects.filter(pk=stage_id).update(
        done=F("done") + moved.done,
        failed=F("failed") + moved.failed,
        skipped=F("skipped") + moved.skipped,
        result=sums,
        rev=rev,
    )


def move_groups(deltas: Iterable[tuple[int, int, int, int, int]], rev: int) -> None:
    """Move the counters of groups: (group, done, failed, skipped, running)."""
    rows = [(done, failed, skipped, running, rev, pk) for pk, done, failed, skipped, running in deltas]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE jobs_group SET done = done + %s, failed = failed + %s, skipped = skipped + %s,"
                " running = running + %s, rev = %s WHERE id = %s",
                rows,
            )


def save_cursors(cursors: Iterable[tuple[int, str]]) -> None:
    """Keep what running items said at their last checkpoint: (item, JSON).

    An item that gets on between its crashes does not die of one thing, so of its crashes only one stays.
    """
    rows = [(text, text, pk) for pk, text in cursors]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(CURSOR, rows)


def wake(stage_id: int, now: dt.datetime, rev: int) -> int:
    """Make items pending whose time to be tried again has come."""
    rows = Item.objects.filter(stage_id=stage_id, state=ItemState.RETRY_WAIT, not_before__lte=now)
    return rows.update(state=ItemState.PENDING, rev=rev)


def any_left(stage_id: int) -> bool:
    """Tell whether an item is neither finished nor waiting for its next attempt."""
    states = (ItemState.PENDING, ItemState.RUNNING, ItemState.INTERRUPTED)
    return Item.objects.filter(stage_id=stage_id, state__in=states).exists()


def next_retry(stage_id: int) -> dt.datetime | None:
    """Return when the first of the waiting items is due."""
    rows = Item.objects.filter(stage_id=stage_id, state=ItemState.RETRY_WAIT).order_by("not_before")
    return rows.values_list("not_before", flat=True).first()


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)

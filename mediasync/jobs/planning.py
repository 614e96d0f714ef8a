"""Planning: what a stage's ``plan`` yields becomes item rows, block by block, from a cursor that survives a kill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import F

from .choices import StageState
from .leases import Lease, Tally, fence, patiently
from .models import Group, Item, Job, Stage
from .outcomes import dumps
from .registry import JSON, NewItem, Planned

BLOCK = 5_000  # items a transaction, unless a second has passed
KEYS = 500  # group keys a query: below SQLite's limit of variables
CACHE = 50_000  # group ids kept in memory
INSERT = """
    INSERT INTO jobs_item (stage_id, group_id, key, state, attempt, crashes, payload, error_code, force, rev)
    VALUES (%s, %s, %s, 'pending', 0, 0, %s, '', FALSE, %s)
    ON CONFLICT (stage_id, key) DO NOTHING
"""


class Planner:
    """Stores the blocks of one stage; ``run`` returns whether it came to the end."""

    def __init__(self, row: Stage, lease: Lease) -> None:
        self.row = row
        self.lease = lease
        self._groups: dict[str, int] = {}

    def run(self, blocks: Iterable[Planned], enough: Callable[[bool], bool]) -> bool:
        """Store blocks until there are no more, or ``enough(resumable)`` says that it is time to go."""
        for items, cursor in _joined(blocks, self.lease.clock.monotonic):
            self.row.total += patiently(self.lease, partial(self._store, items, cursor), undo=self._groups.clear)
            if enough(cursor is not None):
                return False
        return True

    def close(self, *, last: bool) -> None:
        """Note, in one transaction, that the total is final."""
        patiently(self.lease, lambda: self._close(last))
        self.row.planned, self.row.state = True, StageState.RUNNING

    def _close(self, last: bool) -> None:
        rows = Stage.objects.filter(pk=self.row.pk)
        rows.update(planned=True, plan_cursor=None, state=StageState.RUNNING, rev=fence(self.lease).rev)
        Job.objects.filter(pk=self.lease.job_id).update(total_final=last)

    def _store(self, items: Sequence[NewItem], cursor: JSON) -> int:
        """Insert a block and return how many of its items are new."""
        rev = fence(self.lease).rev
        groups = self._group_ids(items, rev)
        rows = [
            (
                *(self.row.pk, groups.get(item.group), item.key),
                *(None if item.payload is None else dumps(item.payload), rev),
            )
            for item in items
        ]
        added = self._insert(rows)
        if added == len(rows):
            self._count(Counter(groups[item.group] for item in items if item.group), rev)
        else:  # some were planned before: count the groups again
            self._recount({groups[item.group] for item in items if item.group}, rev)
        if added:
            fence(self.lease, Tally(total=added))
        Stage.objects.filter(pk=self.row.pk).update(total=F("total") + added, plan_cursor=cursor, rev=rev)
        return added

    @staticmethod
    def _insert(rows: Sequence[tuple[Any, ...]]) -> int:
        if not rows:
            return 0
        with connection.cursor() as cursor:
            cursor.executemany(INSERT, rows)
            return int(cursor.rowcount)

    def _group_ids(self, items: Sequence[NewItem], rev: int) -> dict[str, int]:
        """Return the ids of the groups, making those that are missing."""
        labels = {item.group: item.group_label for item in items if item.group}
        if len(self._groups) > CACHE:
            self._groups.clear()
        missing = [key for key in labels if key not in self._groups]
        if missing:
            Group.objects.bulk_create(
                [Group(stage=self.row, key=key, label=labels[key][:300], rev=rev) for key in missing],
                ignore_conflicts=True,
                batch_size=KEYS,
            )
        for start in range(0, len(missing), KEYS):
            found = Group.objects.filter(stage=self.row, key__in=missing[start : start + KEYS])
            self._groups.update(found.values_list("key", "pk"))
        return self._groups

    @staticmethod
    def _count(added: Counter[int], rev: int) -> None:
        if added:
            with connection.cursor() as cursor:
                statement = "UPDATE jobs_group SET total = total + %s, rev = %s WHERE id = %s"
                cursor.executemany(statement, [(number, rev, pk) for pk, number in added.items()])

    @staticmethod
    def _recount(groups: Iterable[int], rev: int) -> None:
        for pk in groups:
            Group.objects.filter(pk=pk).update(total=Item.objects.filter(group_id=pk).count(), rev=rev)


def _joined(blocks: Iterable[Planned], monotonic: Callable[[], float]) -> Iterator[tuple[list[NewItem], JSON]]:
    """Join small blocks: a transaction each would cost more than the rows."""
    items: list[NewItem] = []
    cursor: JSON = None
    waiting, since = False, monotonic()
    for block in blocks:
        items.extend(block.items)
        cursor, waiting = block.cursor, True
        if len(items) >= BLOCK or monotonic() - since >= 1.0:
            yield items, cursor
            items, waiting, since = [], False, monotonic()
    if waiting:
        yield items, cursor

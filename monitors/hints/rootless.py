"""Hints that lie under no root: they go to scanning by themselves, where a mapping or a library knows them.

Scanning stands above us: ``mediasync/wiring.py`` says who knows (``use``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence

from django.db import transaction

from mediasync.core.paths import join
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger
from monitors.models import Hint
from monitors.selectors import BLOCK

from .noting import lock

KIND = "scan"  # the job that tells servers of paths
MOST = 2000  # paths in one job

Knows = Callable[[Collection[str]], set[str]]


def _nobody(paths: Collection[str]) -> set[str]:
    return set()


_knows: Knows = _nobody


def use(knows: Knows) -> None:
    """Say who tells which local paths (absolute, stored text) some server would understand."""
    global _knows
    _knows = knows


def settle(now: dt.datetime) -> list[jobs.Submitted]:
    """Pass on what is due and known, and drop the rest; returns the job, if any."""
    due = Hint.objects.filter(root=None, state=Hint.State.WAITING, due_at__lte=now)
    return pass_on(list(due.order_by("due_at", "id")[:MOST]))


def pass_on(hints: Sequence[Hint]) -> list[jobs.Submitted]:
    """Have servers told of what these waiting hints name, as far as anybody knows it; never a full scan."""
    if not hints:
        return []
    paths = {hint.pk: join(hint.path, hint.name) for hint in hints}
    doubtful = {hint.pk for hint in hints if hint.distrusted}
    known = _knows(set(paths.values()))
    with transaction.atomic():
        waiting = lock(list(paths))
        mine = {pk for pk in waiting - doubtful if paths[pk] in known}
        _mark(waiting & doubtful, state=Hint.State.DROPPED, code="hint_distrusted")
        _mark(waiting - doubtful - mine, state=Hint.State.DROPPED, code="hint_no_root")
        if not mine:
            return []
        scope = {"paths": sorted({paths[pk] for pk in mine})}
        actor = ", ".join(sorted({hint.source for hint in hints if hint.pk in mine}))[:150]
        submitted = jobs.submit(KIND, scope, trigger=Trigger.WEBHOOK, actor=actor)
        _mark(mine, state=Hint.State.PASSED, job_id=submitted.job.pk)
    return [submitted]


def _mark(ids: Collection[int], **fields: object) -> None:
    rows = list(ids)
    for start in range(0, len(rows), BLOCK):
        Hint.objects.filter(pk__in=rows[start : start + BLOCK]).update(**fields)

"""Give hints that are ready to a job: the one of their root that has not begun, or a new one.

A job that waits for its turn is widened, so however much comes, one job a root waits for it; what comes while a job
runs makes the next one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction

from mediasync.jobs import services as jobs
from mediasync.jobs.choices import WAITING, Trigger
from mediasync.jobs.models import Job
from monitors.models import Hint
from monitors.selectors import BLOCK, lane_of, look_kind

from .noting import lock
from .resting import Ready

MOST_PATHS = 2000  # hints in one job; the rest goes into the next one
FULL_SECONDS = 5.0  # until it is tried again
TRIGGERS = {
    **dict.fromkeys(("watch", "inotify", "polling", "clouddrive", "drive_changes", "drive_activity"), Trigger.WATCHER),
    **dict.fromkeys(("crawl", "manual"), Trigger.MANUAL),
}  # every other source is a webhook


def dispatch(root_id: int, ready: Sequence[Ready], now: dt.datetime) -> list[jobs.Submitted]:
    """Submit (or widen) the job of hints of one root; what its sender may be wrong about goes into one of its own.

    What a job that waits cannot take any more goes on waiting itself.
    """
    done = []
    for distrusted in (False, True):
        part = [each for each in ready if each.hint.distrusted == distrusted]
        if part and (submitted := _give(root_id, part, now, hold=distrusted)):
            done.append(submitted)
    return done


def _give(root_id: int, ready: Sequence[Ready], now: dt.datetime, *, hold: bool) -> jobs.Submitted | None:
    """Give hints to a job: both are written, or neither."""
    scope = {"root": root_id, "paths": _sorted(each.paths for each in ready), "shallow": True}
    if deep := _sorted(each.deep for each in ready):
        scope["deep"] = deep
    if hold:
        scope["hold"] = True
    with transaction.atomic():
        mine = lock([each.hint.pk for each in ready])
        if not mine:
            return None
        waiting = _waiting(root_id, hold=hold)
        if waiting is not None and len(waiting.scope["paths"]) >= MOST_PATHS:
            _put_off(mine, now + dt.timedelta(seconds=FULL_SECONDS))
            return None
        if waiting is not None and jobs.widen(waiting, _union(waiting.scope, scope)):
            submitted = jobs.Submitted(waiting, deduplicated=True)
        else:
            trigger = TRIGGERS.get(ready[0].hint.source, Trigger.WEBHOOK)
            actor = ", ".join(sorted({each.hint.source for each in ready}))[:150]
            submitted = jobs.submit(look_kind(), scope, trigger=trigger, actor=actor)
        _take([each for each in ready if each.hint.pk in mine], submitted.job)
    return submitted


def _sorted(parts: Iterable[Iterable[str]]) -> list[str]:
    return sorted({path for part in parts for path in part})


def _waiting(root_id: int, *, hold: bool) -> Job | None:
    """Return the job of hints of a root that has not begun."""
    rows = Job.objects.filter(state__in=WAITING, kind=look_kind(), lanes__key=lane_of(root_id)).exclude(dedupe_key="")
    usual = {"root", "paths", "shallow", "deep", "hold"}
    for job in rows.order_by("id"):
        if job.scope.get("shallow") and usual.issuperset(job.scope) and bool(job.scope.get("hold")) == hold:
            return job
    return None


def _union(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    lists = {
        key: _sorted([old.get(key) or (), new.get(key) or ()])  # type: ignore[list-item]
        for key in ("paths", "deep")
    }
    return old | {key: value for key, value in lists.items() if value}


def _put_off(ids: Iterable[int], due: dt.datetime) -> None:
    """Let hints wait a while: were they due all the time, those of other roots would not get their turn."""
    rows = sorted(ids)
    for start in range(0, len(rows), BLOCK):
        Hint.objects.filter(pk__in=rows[start : start + BLOCK]).update(due_at=due, code="hint_job_full")


def _take(ready: Sequence[Ready], job: Job) -> None:
    """Write down which job looks."""
    plain = [each.hint.pk for each in ready if not each.code]
    for start in range(0, len(plain), BLOCK):
        rows = Hint.objects.filter(pk__in=plain[start : start + BLOCK])
        rows.update(state=Hint.State.TAKEN, job_id=job.pk, code="", params={})
    for each in ready:
        if each.code:
            rows = Hint.objects.filter(pk=each.hint.pk)
            rows.update(state=Hint.State.TAKEN, job_id=job.pk, code=each.code, params=dict(each.params))

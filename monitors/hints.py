"""Hints: "look here". They are stored, they settle, and then one job a root looks.

A hint is due at ``min(last + debounce, first + max wait)``: a folder that keeps changing is looked at in the end. The
same folder is one waiting row, however many speak of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Value, When

from mediasync.core.clock import Clock, system
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger

from .models import Hint, Root
from .selectors import BLOCK, look_kind, root_of, waiting_look

# Seconds without news after which a hint is due, by source (the most specific that fits wins), and the longest wait.
DEBOUNCE = {"": 10, "watch": 15, "clouddrive": 30}
MAX_WAIT = 120
MOST_PATHS = 2000  # folders in one job; the rest goes into the next one
KEEP_DAYS = 7  # how long a hint that was followed is shown

TRIGGERS = {"watch": Trigger.WATCHER, "crawl": Trigger.MANUAL}  # every other source is a webhook


def add(root_id: int, paths: Iterable[str], source: str, *, raw: str = "", clock: Clock = system) -> int:
    """Store "look at these folders" (below the root) and return how many rows wait for it.

    Safe against other processes: what a job took in between becomes a new waiting row. ``hits`` is only a measure: when
    two processes meet at that moment, one row may stand for both.
    """
    wanted = sorted(set(paths))
    for start in range(0, len(wanted), BLOCK):
        missing = wanted[start : start + BLOCK]
        while missing:
            missing = _add_block(root_id, missing, source, raw, clock.now())
    return len(wanted)


def _add_block(root_id: int, paths: Sequence[str], source: str, raw: str, now: dt.datetime) -> list[str]:
    """Insert what is new, touch what waits, and return those paths whose row was taken between the two."""
    due = now + dt.timedelta(seconds=DEBOUNCE.get(source, DEBOUNCE[""]))
    longest = dt.timedelta(seconds=MAX_WAIT)
    with transaction.atomic():
        Hint.objects.bulk_create(
            [
                Hint(root_id=root_id, path=path, source=source, raw=raw, hits=0, first_at=now, last_at=now, due_at=due)
                for path in paths
            ],
            ignore_conflicts=True,
        )
        waiting = Hint.objects.filter(root_id=root_id, path__in=paths, state=Hint.State.WAITING)
        last_due = ExpressionWrapper(F("first_at") + Value(longest), output_field=DateTimeField())
        touched = waiting.update(
            hits=F("hits") + 1,
            last_at=now,
            due_at=Case(When(first_at__lte=due - longest, then=last_due), default=Value(due)),
        )
        if touched == len(paths):
            return []
        return sorted(set(paths) - set(waiting.values_list("path", flat=True)))


def add_path(path: str, source: str, *, clock: Clock = system) -> Root | None:
    """Store a hint for an absolute local folder; None (and a row that says so) if it lies under no root."""
    found = root_of(path, Root.objects.filter(enabled=True))
    if found is None:
        now = clock.now()
        Hint.objects.create(
            source=source, raw=path, path=path, state=Hint.State.DROPPED, first_at=now, last_at=now, due_at=now
        )
        return None
    root, below = found
    add(root.pk, [below], source, raw=path, clock=clock)
    return root


def settle(clock: Clock = system) -> list[jobs.Submitted]:
    """Turn the due hints of each root into one job, and return those jobs.

    Hints of a root that is switched off or DOWN go on waiting, and so do those of a root whose last such job has not
    begun: they are gathered meanwhile.
    """
    due = Hint.objects.filter(state=Hint.State.WAITING, due_at__lte=clock.now(), root__enabled=True)
    due = due.exclude(root__guard=Root.Guard.DOWN)
    by_root: dict[int, list[Hint]] = defaultdict(list)
    for hint in due.order_by("due_at")[: 10 * MOST_PATHS]:
        if len(by_root[hint.root_id or 0]) < MOST_PATHS:
            by_root[hint.root_id or 0].append(hint)
    return [_submit(root_id, hints) for root_id, hints in by_root.items() if waiting_look(root_id) is None]


def _submit(root_id: int, hints: Sequence[Hint]) -> jobs.Submitted:
    """Give hints to a job: both are written, or neither."""
    paths = sorted({hint.path for hint in hints})
    trigger = TRIGGERS.get(hints[0].source, Trigger.WEBHOOK)
    actor = ", ".join(sorted({hint.source for hint in hints}))[:150]
    with transaction.atomic():
        scope = {"root": root_id, "paths": paths, "shallow": True}
        submitted = jobs.submit(look_kind(), scope, trigger=trigger, actor=actor)
        for start in range(0, len(hints), BLOCK):
            rows = Hint.objects.filter(pk__in=[hint.pk for hint in hints[start : start + BLOCK]])
            rows.filter(state=Hint.State.WAITING).update(state=Hint.State.TAKEN, job_id=submitted.job.pk)
    return submitted


def forget(clock: Clock = system) -> int:
    """Delete what was followed or dropped more than ``KEEP_DAYS`` ago and return how many rows that were."""
    old = Hint.objects.exclude(state=Hint.State.WAITING)
    return old.filter(last_at__lt=clock.now() - dt.timedelta(days=KEEP_DAYS)).delete()[0]

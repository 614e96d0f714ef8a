"""Hints: "look here". They are stored, they settle, and then one job a root looks.

A hint is due at ``min(last + debounce, first + max wait)``: a folder that keeps changing is looked at in the end. The
same folder is one waiting row, however many speak of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction

from mediasync.core.clock import Clock, system
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger

from .delays import delays_of
from .models import Hint, Root
from .notices import Source
from .noting import Said, Spot, note
from .selectors import BLOCK, look_kind, waiting_look

MOST_PATHS = 2000  # folders in one job; the rest goes into the next one
KEEP_DAYS = 7  # how long a hint that was followed is shown

TRIGGERS = {"watch": Trigger.WATCHER, "crawl": Trigger.MANUAL}  # every other source is a webhook


def add(
    root_id: int,
    paths: Iterable[str],
    source: str | Source,
    *,
    names: Iterable[tuple[str, str]] = (),
    reference: str = "",
    group: str = "",
    clock: Clock = system,
) -> int:
    """Store "look at these folders" (below the root) and return how many rows wait for it.

    ``names``: (folder, name) which must be visible, and whose size must rest, before. Safe against other processes:
    what a job took in between becomes a new waiting row.
    """
    who = source if isinstance(source, Source) else Source(source, source)
    spots = [Spot(path, group=group) for path in paths] + [Spot(*pair, group=group) for pair in names]
    return note(root_id, spots, Said(who.name, reference, clock.now(), *delays_of(who)))


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

"""Hints: "look here". They are stored, they settle, and then one job a root looks.

A hint is due at ``min(last + debounce, first + max wait)``: a folder that keeps changing is looked at in the end. The
same folder (or name in it) is one waiting row, however many speak of it. When it is due, what it names must be visible
and its size at rest (``resting.py``); then ``dispatch.py`` gives it to a job.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from django.db import DatabaseError, transaction

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Conflict
from mediasync.core.paths import to_bytes
from mediasync.jobs import services as jobs
from monitors.filters import Filter, make_keep
from monitors.models import Hint, Root

from . import rootless, visible
from .delays import delays_of
from .dispatch import MOST_PATHS, dispatch
from .notices import Source
from .noting import Said, Spot, lock, note
from .resting import Ready, judge, unasked, whole

logger = logging.getLogger(__name__)
LATER = 60.0  # seconds until a root whose hints could not be followed gets another turn
KEEP_DAYS = 7  # how long a hint that was followed is shown


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
    """Look at what is due, give what is ready to one job a root, and return those jobs; never waits for a mount.

    Hints of a root that is switched off or DOWN go on waiting.
    """
    now = clock.now()
    done = []
    for root, due in _due(now):
        try:
            done += dispatch(root.pk, _ready(root, due, now), now)
        except DatabaseError:
            raise
        except Exception:  # one root must not stop the others
            logger.exception("the hints of %s cannot be followed just now", root)
            later = now + dt.timedelta(seconds=LATER)
            Hint.objects.filter(root=root, state=Hint.State.WAITING, due_at__lt=later).update(due_at=later)
    return done + rootless.settle(now)


def _due(now: dt.datetime) -> list[tuple[Root, list[Hint]]]:
    """Return what is due by time, root by root; not of those at which somebody is looking just now."""
    due = Hint.objects.filter(state=Hint.State.WAITING, due_at__lte=now, root__enabled=True)
    due = due.exclude(root__guard=Root.Guard.DOWN).exclude(root__in=visible.busy())
    by_root: dict[int, list[Hint]] = defaultdict(list)
    for hint in due.order_by("due_at", "group", "id")[: 10 * MOST_PATHS]:  # the halves of a rename side by side
        if len(by_root[hint.root_id or 0]) < MOST_PATHS:
            by_root[hint.root_id or 0].append(hint)
    roots = Root.objects.select_related("account").in_bulk(by_root)
    return [(roots[pk], hints) for pk, hints in by_root.items() if pk in roots]


def _ready(root: Root, due: Sequence[Hint], now: dt.datetime) -> list[Ready]:
    """Return what may be crawled; of the rest it is written down when to look again, and why."""
    waited_for = _waited_for(root, due)
    named = {hint.pk for hint in waited_for}
    ready = [unasked(hint) if hint.name else whole(hint) for hint in due if hint.pk not in named]
    later: list[Hint] = []
    facts = visible.facts_of(root, waited_for) if waited_for else {}
    for hint in waited_for:
        if hint.pk not in facts:
            continue
        verdict = judge(hint, facts[hint.pk], now)
        if isinstance(verdict, Ready):
            ready.append(verdict)
            continue
        if hint.size != verdict.size:
            hint.size, hint.size_at = verdict.size, now
        hint.looks, hint.due_at, hint.code = hint.looks + 1, verdict.due, verdict.code
        later.append(hint)
    _put_off(later, "looks", "size", "size_at", "due_at", "code")
    return _with_both_halves(root, ready, {hint.pk for hint in due}, now)


def _waited_for(root: Root, due: Sequence[Hint]) -> list[Hint]:
    """Return those that name what must be there first: not what the root's filter leaves out."""
    keep = make_keep(Filter.of(root).spec())
    found = []
    for hint in due:
        name = to_bytes(hint.name.rpartition("/")[2])
        below = to_bytes(f"{hint.path}/{hint.name}" if hint.path else hint.name)
        if name and (keep(name, False, below) or keep(name, True, below)):
            found.append(hint)
    return found


def _with_both_halves(root: Root, ready: Sequence[Ready], due: AbstractSet[int], now: dt.datetime) -> list[Ready]:
    """Keep back what another half of the same rename, which is not ready, must be looked at with.

    It is due again at the very moment of the other half, and stays due while the other one, which is ``due`` too, is
    being looked at: at any other moment the two could miss each other for ever.
    """
    groups = {each.hint.group for each in ready} - {""}
    if not groups:
        return list(ready)
    mine = {each.hint.pk for each in ready}
    others = Hint.objects.filter(root=root, state=Hint.State.WAITING).exclude(group="")
    until: dict[str, dt.datetime] = {}
    for pk, group, due_at in others.values_list("pk", "group", "due_at").iterator():
        if group in groups and pk not in mine:
            its_turn = now + dt.timedelta(seconds=1)  # of one for which this round had no room
            when = due_at if pk in due or due_at > now else its_turn
            until[group] = max(when, until.get(group, now))
    late = [each.hint for each in ready if until.get(each.hint.group, now) > now]
    for hint in late:
        hint.due_at, hint.code = until[hint.group], "hint_group"
    _put_off(late, "due_at", "code")
    return [each for each in ready if each.hint.group not in until]


def _put_off(hints: Sequence[Hint], *fields: str) -> None:
    """Write down when to look again; a row that somebody else writes just now is due again at once."""
    with transaction.atomic():
        mine = lock([hint.pk for hint in hints])
        Hint.objects.bulk_update([hint for hint in hints if hint.pk in mine], fields)


def look_now(hint: Hint, clock: Clock = system) -> jobs.Submitted | None:
    """Look at what a waiting hint names without waiting any longer; None if that leads to no job.

    Raises Conflict if it does not wait any more, or its root is switched off.
    """
    row = Hint.objects.select_related("root").filter(pk=hint.pk, state=Hint.State.WAITING).first()
    if row is None:
        raise Conflict("The hint does not wait any more.", code="hint_not_waiting")
    if row.root is not None and not row.root.enabled:
        raise Conflict("Its root is switched off.", code="hint_root_off")
    submitted = dispatch(row.root.pk, [whole(row)], clock.now()) if row.root else rootless.pass_on([row])
    return submitted[0] if submitted else None


def forget(clock: Clock = system) -> int:
    """Delete what was followed or dropped more than ``KEEP_DAYS`` ago and return how many rows that were."""
    old = Hint.objects.exclude(state=Hint.State.WAITING)
    return old.filter(last_at__lt=clock.now() - dt.timedelta(days=KEEP_DAYS)).delete()[0]

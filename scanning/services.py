"""Changing things: noting what servers are to be told, and having it delivered."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from django.db import transaction
from django.db.models import F

from mediasync.core import clock as clocks
from mediasync.core import foreign
from mediasync.core.errors import Conflict
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import WAITING, JobState, Trigger
from mediasync.jobs.models import Job
from mediasync.servers.models import Server
from mediasync.servers.selectors import Places

from . import mapping, selectors
from .facts import Fact, again
from .models import PathMapping, ScanRequest
from .requests import CHUNK, Counts, Wanted, chunks, request_many
from .telling import Listener, nothing_is_new
from .units import Exists, Unit, names_below

State = ScanRequest.State
MOST = 5000  # requests that one piece of news is compared with
REPLAYABLE = (State.FAILED, State.NO_LIBRARY, State.DROPPED, *selectors.ASKED)


def wishes(
    facts: Iterable[Sequence[Fact]],
    servers: Iterable[Server],
    source: str,
    is_new: Exists = nothing_is_new,
    on_rules: Callable[[mapping.Rules], None] = lambda rules: None,
) -> dict[Server, list[Wanted]]:
    """Return what each server is to be told; each element of ``facts`` stands for one change. Writes nothing."""
    groups = list(facts)
    found = {}
    for server in servers:
        listener = Listener(server)
        found[server] = [each for group in groups for each in listener.wanted(group, source, is_new)]
        on_rules(listener.rules)
    return found


def note(wanted: Mapping[Server, Sequence[Wanted]], now: dt.datetime, *, at_once: bool = False) -> dict[str, int]:
    """Write wishes down and have them delivered; call it in the transaction that makes them due. Returns counts."""
    total = defaultdict[str, int](int)
    for server, wishes_ in wanted.items():
        if not wishes_:
            continue
        counts: Counts = request_many(server, wishes_, now, at_once=at_once)
        total["requests"] += counts.new
        total["joined"] += counts.joined
        total["no_library"] += sum(not each.library and not each.error for each in wishes_)
        total["unmapped"] += sum(bool(each.error) for each in wishes_)
        deliver(server.pk)
    return dict(total)


def deliver(server_id: int) -> int | None:
    """Have the waiting requests of a server sent when they are due; return the job, None if nothing waits.

    While the server's breaker is open it is not tried: changes meanwhile wake nobody.
    """
    due = selectors.next_time(server_id)
    if due is None:
        return None
    closed_until = Server.objects.values_list("cooldown_until", flat=True).get(pk=server_id)
    return _submit(server_id, max(due, closed_until or due))


def prove(server_id: int) -> int | None:
    """Have it asked whether a server knows what it was told; return the job, None if there is nothing to ask.

    While the server's breaker is open it is not tried either.
    """
    due = selectors.next_look(server_id)
    if due is None:
        return None
    closed_until = Server.objects.values_list("cooldown_until", flat=True).get(pk=server_id)
    due = max(due, closed_until or due)
    return jobs.submit("verify", {"server": server_id}, trigger=Trigger.CHAINED, not_before=due).job.pk


def look_soon(server_id: int, paths: Iterable[str]) -> int:
    """Bring the first questions forward that a server has just answered by itself; ``paths`` are what it took in.

    Returns how many. Without this they would wait until it surely has begun (``verifying.FIRST``).
    """
    now, keys = clocks.system.now(), set[tuple[str, ...]]()
    for path in paths:
        with suppress(ValueError):  # "smb://…"
            key = foreign.split(path).key
            keys |= {key[:length] for length in range(1, len(key) + 1)}
    rows = selectors.unproved(server_id).filter(checks=0, verify_at__gt=now).order_by("verify_at")
    ids = [pk for pk, path in rows.values_list("id", "path")[:MOST] if foreign.split(path).key in keys]
    with transaction.atomic():
        for chunk in chunks(ids, CHUNK):
            ScanRequest.objects.filter(pk__in=chunk, checks=0).update(verify_at=now)
        if ids:
            prove(server_id)
    return len(ids)


def pass_on(server_id: int, job_id: int, until: dt.datetime, kind: str = "deliver") -> bool:
    """Leave the rest to another delivery that waits; False if there is none.

    A delivery that sleeps does not stand for new requests, as it has begun: without this, each change that comes while
    a server is away would leave one more of them behind.
    """
    others = Job.objects.filter(kind=kind, lanes__key=selectors.lane_of(server_id), state__in=WAITING)
    heir = others.exclude(pk=job_id).order_by("id").first()
    if heir is None:
        return False
    Job.objects.filter(pk=heir.pk, state=JobState.SCHEDULED, not_before__gt=until).update(not_before=until)
    return True


def _submit(server_id: int, due: dt.datetime) -> int:
    return jobs.submit("deliver", {"server": server_id}, trigger=Trigger.CHAINED, not_before=due).job.pk


def deliver_all() -> None:
    """Have everything delivered that waits for any server."""
    for server in selectors.enabled_servers():
        deliver(server.pk)


def count_uses(rules: mapping.Rules) -> None:
    """Add the uses of mapping rules to their rows."""
    for pk, hits in rules.used.items():
        PathMapping.objects.filter(pk=pk).update(hits=F("hits") + hits)
    rules.used.clear()


# -- Buttons


def save_rule(rule: PathMapping, *, enabled: bool | None = None) -> None:
    """Store a mapping rule and look again at what had no library or no rule."""
    rule.enabled = rule.enabled if enabled is None else enabled
    rule.save()
    look_for_homes()


def replay(row: ScanRequest) -> ScanRequest:
    """Ask for the same again, now; the row keeps its answer unless it could not be sent as things were.

    The path is translated anew, since rules and libraries may have changed. Raises Conflict when no library has it.
    """
    now = clocks.system.now()
    listener = Listener(row.server)
    if row.local_path:
        fact = again(row.local_path, row.update, row.is_dir, row.change_id)
        wanted = [each for each in listener.wanted([fact], row.source) if each.library]
    else:
        unit = Unit(row.path, "", row.update, row.is_dir)
        wanted = [Wanted(unit, each.pk, row.source) for each in listener.places.libraries_for(row.path)]
    if not wanted:
        raise Conflict(f"No library of {row.server} has {row.path}.", code="no_library", path=row.path)
    with transaction.atomic():
        request_many(row.server, wanted, now, at_once=True)
        if row.state in (State.FAILED, State.NO_LIBRARY):
            ScanRequest.objects.filter(pk=row.pk, state=row.state).update(state=State.DROPPED, answer="replayed")
        deliver(row.server_id)
    return row


def send_now(row: ScanRequest) -> None:
    """Make a waiting request due at once."""
    now = clocks.system.now()
    with transaction.atomic():
        rows = ScanRequest.objects.filter(pk=row.pk, state=State.WAITING)
        if not rows.update(due_at=now, next_try_at=None, top_level=row.top_level or _may_be_collected(row)):
            raise Conflict("It does not wait any more.", code="not_waiting")
        deliver(row.server_id)


def _may_be_collected(row: ScanRequest) -> bool:
    """Tell whether a delivery could find that this looks through a whole location, and put it off for that."""
    location = Places(row.server).location_of(row.path)
    if location is None or row.server.kind == Server.Kind.PLEX:
        return row.update == ScanRequest.Update.DELETED
    return len(names_below(Unit(row.path, "", row.update, row.is_dir), location)) <= 1


def look_again(row: ScanRequest) -> None:
    """Ask once more, from the beginning, whether the server knows what it was told."""
    now = clocks.system.now()
    with transaction.atomic():
        rows = ScanRequest.objects.filter(pk=row.pk, state__in=selectors.ASKED)
        if not rows.update(state=State.SENT, verify_at=now, checks=0, verified_at=None, reason=""):
            raise Conflict("It was not sent.", code="not_sent")
        prove(row.server_id)


def drop(row: ScanRequest) -> None:
    """Forget a request that was not sent."""
    rows = ScanRequest.objects.filter(pk=row.pk, state__in=(State.WAITING, State.NO_LIBRARY, State.FAILED))
    if not rows.update(state=State.DROPPED, answer="dropped_by_hand"):
        raise Conflict("It is being sent, or was.", code="not_waiting")


def look_for_homes(server: Server | None = None, *, only_old: bool = False) -> None:
    """Look again at what had no library or no rule: libraries or rules have changed.

    ``only_old`` leaves the rest to the delivery that is about to look at what is new.
    """
    for each in [server] if server else list(selectors.enabled_servers()):
        with transaction.atomic():
            if not only_old:
                _take_in_unmapped(each)
            rows = selectors.homeless(each.pk)
            if rows.filter(attempts__gt=0).exists() or (rows.exists() and not only_old):
                rows.update(attempts=0, next_try_at=None)
                deliver(each.pk)


def _take_in_unmapped(server: Server) -> None:
    """Let what no rule translated stand among what has no library, one row a path."""
    for row in ScanRequest.objects.filter(server=server, state=State.FAILED, answer="unmatched", library=None):
        known = selectors.homeless(server.pk).filter(path=row.path).exists()
        state = State.DROPPED if known else State.NO_LIBRARY
        ScanRequest.objects.filter(pk=row.pk).update(state=state, answer="joined" if known else "", attempts=0)

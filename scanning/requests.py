"""Write down what servers are to be told, joining what waits already.

Only waiting rows are joined, and a unique index allows one of each: a change that comes while its row is being sent
therefore opens a new one, which is the one follow-up that is needed. Any number of processes may call this at once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Least

from mediasync.core.errors import Conflict
from mediasync.servers.models import Server

from .models import ScanRequest
from .units import Unit

State, Update = ScanRequest.State, ScanRequest.Update
CHUNK = 400  # paths in one statement; SQLite before 3.32 takes 999 parameters
PRUNE = 2000  # rows deleted in one transaction
TRIES = 20  # lost races for a chunk, each against another process that made progress
T = TypeVar("T")
COLUMNS = (
    *("server_id", "library_id", "path", "local_path", '"update"', "is_dir", "top_level", "source", "change_id"),
    *("version", "hits", "first_at", "last_at", "due_at", "state", "attempts", "sent_path", "answer"),
    *("checks", "reason"),
)
INSERT = f"INSERT INTO scanning_scanrequest ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that a server is to be told. ``hits`` is how many changes it stands for."""

    unit: Unit
    library: int | None  # None: no library has it
    source: str = ""
    change: int | None = None
    error: str = ""  # a code: why it can never be told as things are
    hits: int = 1

    @property
    def state(self) -> str:
        if self.error:
            return State.FAILED
        return State.WAITING if self.library else State.NO_LIBRARY

    @property
    def key(self) -> tuple[int, str]:
        return self.library or 0, self.unit.path


@dataclass(slots=True)
class Counts:
    """What became of the wishes."""

    new: int = 0
    joined: int = 0


def request(server: Server, wanted: Wanted, now: dt.datetime, *, at_once: bool = False) -> ScanRequest:
    """Note one wish and return the waiting row that stands for it."""
    request_many(server, [wanted], now, at_once=at_once)
    rows = ScanRequest.objects.filter(server=server, library=wanted.library, path=wanted.unit.path)
    return rows.get(state=wanted.state)


def request_many(server: Server, wanted: Iterable[Wanted], now: dt.datetime, *, at_once: bool = False) -> Counts:
    """Note wishes for one server, in a few statements for any number.

    They are due after ``server.debounce`` seconds of rest, at the latest ``server.max_wait`` after the first; what
    makes a server look through a whole location is collected for ``server.root_window``; ``at_once`` waits for nothing.
    """
    counts = Counts()
    by_state: defaultdict[str, dict[tuple[int, str], Wanted]] = defaultdict(dict)
    for each in wanted:
        rows = by_state[each.state]
        seen = rows.get(each.key)
        rows[each.key] = _together(seen, each) if seen else each
    for state, rows in by_state.items():
        for chunk in chunks([rows[key] for key in sorted(rows)], CHUNK):
            _save(_Writer(server, state, now, at_once), chunk, counts)
    return counts


def after(old: str, new: str) -> str:
    """Return what a server must be told when ``new`` follows an ``old`` that it was not told about yet."""
    if new == Update.DELETED:
        return new
    return Update.CREATED if old == Update.CREATED else Update.MODIFIED


def _together(first: Wanted, second: Wanted) -> Wanted:
    unit = replace(second.unit, update=after(first.unit.update, second.unit.update))
    return replace(second, unit=unit, hits=first.hits + second.hits)


def _save(write: _Writer, wanted: Sequence[Wanted], counts: Counts) -> None:
    """Update what waits, insert the rest; begin again if another process inserted one of them in between."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                waiting = write.locked(wanted)
                write.join([(waiting[each.key], each) for each in wanted if each.key in waiting])
                write.insert([each for each in wanted if each.key not in waiting])
        except IntegrityError:
            continue
        counts.joined += len(waiting)
        counts.new += len(wanted) - len(waiting)
        return
    raise Conflict("Requests could not be noted: others note the same all the time.", code="busy")


@dataclass(frozen=True, slots=True)
class _Writer:
    server: Server
    state: str
    now: dt.datetime
    at_once: bool

    def locked(self, wanted: Sequence[Wanted]) -> dict[tuple[int, str], int]:
        """Return the ids of rows that wait for the same, which nobody can take from us until the commit."""
        rows = ScanRequest.objects.select_for_update().order_by("id")
        rows = rows.filter(server=self.server, state=self.state, path__in={each.unit.path for each in wanted})
        return {(library or 0, path): pk for pk, library, path in rows.values_list("id", "library_id", "path")}

    def join(self, pairs: Sequence[tuple[int, Wanted]]) -> None:
        """Add the hits; rows that change alike share a statement."""
        alike: defaultdict[tuple[int, str, bool], list[int]] = defaultdict(list)
        for pk, each in pairs:
            alike[each.hits, each.unit.update, each.unit.top_level].append(pk)
        for (hits, update, top_level), ids in alike.items():
            rows = ScanRequest.objects.filter(pk__in=ids)
            rest, longest = self._windows(top_level)
            latest = F("first_at") + Value(longest)
            rows.update(
                version=F("version") + 1,
                hits=F("hits") + hits,
                last_at=self.now,
                due_at=Least(Value(self.now + rest, DateTimeField()), latest, output_field=DateTimeField()),
                top_level=top_level,
                update=_after(update),
            )
        _note_changes(pairs)

    def insert(self, wanted: Sequence[Wanted]) -> None:
        """Insert rows by plain SQL: model instances would cost four times more."""
        now = _stored(self.now)
        due = {top: _stored(self.now + min(self._windows(top))) for top in (False, True)}
        rows = []
        for each in wanted:
            unit = each.unit
            rows.append(
                (
                    *(self.server.pk, each.library, unit.path, unit.local, unit.update, unit.is_dir, unit.top_level),
                    *(
                        each.source,
                        each.change,
                        1,
                        each.hits,
                        now,
                        now,
                        due[unit.top_level],
                        self.state,
                        0,
                        "",
                        each.error,
                        0,
                        "",
                    ),
                )
            )
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(INSERT, rows)

    def _windows(self, top_level: bool) -> tuple[dt.timedelta, dt.timedelta]:
        """Return how long to rest after the last change, and how long to wait at most after the first."""
        if self.at_once:
            return dt.timedelta(0), dt.timedelta(0)
        if top_level:
            return (dt.timedelta(seconds=self.server.root_window),) * 2
        return dt.timedelta(seconds=self.server.debounce), dt.timedelta(seconds=self.server.max_wait)


def _stored(moment: dt.datetime) -> Any:
    """Return a time as the database takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def _after(update: str) -> Value | Case:
    """``after``, for the database."""
    if update == Update.DELETED:
        return Value(update)
    return Case(When(update=Update.CREATED, then=Value(Update.CREATED)), default=Value(Update.MODIFIED))


def _note_changes(pairs: Sequence[tuple[int, Wanted]]) -> None:
    rows = [(each.change, pk) for pk, each in pairs if each.change is not None]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE scanning_scanrequest SET change_id = %s WHERE id = %s", rows)


def put_back(rows: QuerySet[ScanRequest], **values: object) -> None:
    """Let rows that were being sent wait again; where a newer one waits for the same, that one takes them over."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                _take_over(list(rows.filter(state=State.SENDING)))
                rows.filter(state=State.SENDING).update(state=State.WAITING, **values)
        except IntegrityError:
            continue
        return
    raise Conflict("Requests could not be put back: others note the same all the time.", code="busy")


def prune(server: Server, now: dt.datetime) -> int:
    """Forget up to PRUNE requests of a server whose time is over; return how many. KEEP_… in the settings say when."""
    long_ago = now - dt.timedelta(days=settings.KEEP_JOBS_DAYS)
    very_long_ago = now - dt.timedelta(days=settings.KEEP_FAILED_DAYS)
    old = Q(state__in=(State.SENT, State.VERIFIED, State.GONE, State.DROPPED), due_at__lt=long_ago)
    old |= Q(state__in=(State.FAILED, State.NO_LIBRARY, State.NOT_FOUND), due_at__lt=very_long_ago)
    rows = ScanRequest.objects.filter(old, server=server).exclude(sent_at__gte=long_ago)  # it may have waited for weeks
    ids = list(rows.values_list("id", flat=True)[:PRUNE])
    return ScanRequest.objects.filter(pk__in=ids).delete()[0]


def _take_over(rows: Sequence[ScanRequest]) -> None:
    for chunk in chunks(rows, CHUNK):
        newer = ScanRequest.objects.filter(
            server_id=chunk[0].server_id, state=State.WAITING, path__in={row.path for row in chunk}
        )
        waiting = {(row.library_id, row.path): row for row in newer.select_for_update()}
        for row in chunk:
            if (twin := waiting.get((row.library_id, row.path))) is None:
                continue
            ScanRequest.objects.filter(pk=twin.pk).update(
                hits=F("hits") + row.hits, first_at=row.first_at, update=after(row.update, twin.update)
            )
            ScanRequest.objects.filter(pk=row.pk).update(state=State.DROPPED, answer="joined")


def chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]

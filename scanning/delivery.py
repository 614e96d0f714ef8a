"""Send what is due to one server: row first, then the request, then the answer into the row.

Whatever dies in between leaves a row that says "being sent"; the next delivery puts it back and sends it again, which
does no harm. Only the delivery job of a server sends for it, so one server never waits for another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.db.models import F, Min, QuerySet

from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Permanent, Snooze, Transient, Unreachable, WorkError
from mediasync.core.ratelimit import backoff
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import Context
from mediasync.servers import limits
from mediasync.servers import services as servers
from mediasync.servers.clients.base import Answer, Client
from mediasync.servers.models import Library, Server
from mediasync.servers.selectors import Places

from . import homeless, parcels, verifying
from .models import ScanRequest
from .parcels import Looks, Parcel, Round
from .requests import PRUNE, prune, put_back
from .selectors import next_time, ripe

State = ScanRequest.State
FIRST_WAIT, LONGEST_WAIT = 5.0, 900.0  # seconds of back-off
HOLD = dt.timedelta(seconds=60)  # when to look again at what a guard keeps
PATIENCE = dt.timedelta(seconds=3)  # a shorter pause is waited for, a longer one ends the slice
LOOK_AGAIN = dt.timedelta(seconds=10)  # after which new requests get their turn
NAP = 0.2  # seconds between two looks for a stop
PRUNES = 20  # blocks of old requests forgotten at one time
PAUSED = dt.timedelta(seconds=5)
# How soon to look again at a library that is being scanned (Plex), and for how long at most.
LEAST_BUSY, MOST_BUSY = dt.timedelta(seconds=2), dt.timedelta(seconds=30)
STILL_SCANNING = dt.timedelta(minutes=15)


class Delivery:
    """One run for one server. ``ctx`` is the running item's."""

    def __init__(self, server: Server, client: Client, ctx: Context, clock: Clock, sight: Callable[[], Looks]) -> None:
        self.server, self.client, self.ctx, self.clock = server, client, ctx, clock
        self._sight = sight
        self.requests = 0  # calls that the server accepted
        self.sent = 0  # rows that they answered

    def counts(self) -> dict[str, int]:
        """Return what was done so far."""
        return {"sent": self.sent, "questions": self.requests}

    def run(self) -> None:
        """Send until nothing waits; raises Snooze when the next thing is due later."""
        with self.ctx.transaction():
            put_back(ScanRequest.objects.filter(server=self.server))  # of a delivery that died
        self._prune()
        while (later := self._round()) is not None:
            if later - self.ctx.now() > PATIENCE:
                raise Snooze("Nothing is due yet.", until=later, code="delivery_waits")
            self._wait(later)

    def _prune(self) -> None:
        """Forget old requests, in small transactions, so that others can write in between."""
        for _ in range(PRUNES):
            with self.ctx.transaction():
                if prune(self.server, self.ctx.now()) < PRUNE:
                    return

    def _round(self) -> dt.datetime | None:
        """Send all that may be sent now; return when to look again, None if nothing waits."""
        self._read_libraries()
        homeless.settle(self.server, self.ctx)
        found = self._bundle()
        self._set_aside(found)
        pending, enough = found.parcels, self.ctx.now() + LOOK_AGAIN
        while pending:
            pending, later = self._pass(pending)
            if pending and later is not None:
                if later - self.ctx.now() > PATIENCE or self.ctx.now() > enough:
                    return later
                self._wait(later)
        return next_time(self.server.pk)

    def _read_libraries(self) -> None:
        """Read the libraries anew if they are old: a path may lie in another one than it did when it was noted."""
        now = self.ctx.now()
        due = ripe(self.server.pk, now).filter(due_at__lte=now).exists()
        if not due or not servers.are_old(self.server, now) or limits.ready(self.server, now) is not None:
            return
        try:
            servers.load_libraries(self.server, self.client, now)
        except (Unreachable, AccessDenied) as error:
            self._failed((), error)
        except WorkError as error:
            limits.failed(self.server, error, now)
        else:
            limits.succeeded(self.server, now)

    def _pass(self, pending: Sequence[Parcel]) -> tuple[list[Parcel], dt.datetime | None]:
        """Send one parcel a library, as its pace allows; return the others and when the next may go."""
        closed: dict[Library | None, dt.datetime] = {}
        rest = []
        for parcel in pending:
            self.ctx.checkpoint({"sent": self.sent})
            if parcel.library not in closed and (gate := self._gate(parcel)) is not None:
                closed[parcel.library] = gate
            if parcel.library in closed:
                rest.append(parcel)
            else:
                rest += self._send(parcel)
        return rest, min(closed.values(), default=None)

    def _wait(self, until: dt.datetime) -> None:
        """Wait at least a nap, at most until then, and stop as soon as that is asked for."""
        while True:
            self.ctx.checkpoint({"sent": self.sent})
            self.clock.sleep(NAP)
            if self.ctx.now() >= until:
                return

    def _bundle(self) -> Round:
        places, sight, now = Places(self.server), self._sight(), self.ctx.now()
        if self.client.unit == "directory":
            return parcels.for_directories(self.server, places, sight, now)
        return parcels.for_files(self.server, places, sight, now, self.client.batch)

    def _set_aside(self, found: Round) -> None:
        if not (found.held or found.collect or found.later or found.vanished or found.lost):
            return
        with self.ctx.transaction():
            for code, ids in found.held.items():
                _rows(ids).update(next_try_at=self.ctx.now() + HOLD, answer=code)
            window = dt.timedelta(seconds=self.server.root_window)
            _rows(found.collect).update(top_level=True, due_at=F("first_at") + window)
            for due, ids in found.later.items():
                _rows(ids).update(due_at=due)
            _rows(found.vanished).update(state=State.DROPPED, answer="vanished")
            homeless.take_in(_rows(found.lost))

    def _gate(self, parcel: Parcel) -> dt.datetime | None:
        """Take the right to ask now, or return when it may be had."""
        with self.ctx.transaction():
            now = self.ctx.now()
            until = limits.take(self.server, parcel.library, now) or limits.ready(self.server, now)
        if until is None and parcel.library is not None and self._scans(parcel.library):
            until = self._until_idle(parcel, parcel.library)
        return until

    def _scans(self, library: Library) -> bool:
        """Tell whether the server scans a library now: a scan that comes meanwhile may be dropped without a word."""
        try:
            return self.client.busy(library.key)
        except (Unreachable, AccessDenied) as error:
            self._failed((), error)
        except WorkError:
            pass  # whatever it is, the answer to the scan itself shows it
        return False

    def _until_idle(self, parcel: Parcel, library: Library) -> dt.datetime | None:
        """Return when to look again at a library that is being scanned, None once it was waited for long enough."""
        now: dt.datetime = self.ctx.now()
        sent = Library.objects.values_list("last_scan_at", flat=True).filter(pk=library.pk).first()
        due: dt.datetime | None = _rows(parcel.ids).aggregate(at=Min("due_at"))["at"]
        since: dt.datetime = max(at for at in (sent, due, now - STILL_SCANNING) if at is not None)
        waited = now - since
        if waited >= STILL_SCANNING:
            return None
        with self.ctx.transaction():
            _rows(parcel.ids).update(answer="library_busy")
        return now + min(max(waited / 4, LEAST_BUSY), MOST_BUSY)

    # -- One request

    def _send(self, parcel: Parcel) -> list[Parcel]:
        """Send one parcel; return what is to be sent in its place."""
        rows = self._claim(parcel)
        if not rows:
            return []
        self.ctx.progress(parcel.path or rows[0].path, sent=self.sent)
        try:
            answer = self.client.scan(parcel.targets(rows))
        except Permanent as error:
            return self._refused(parcel, rows, error)
        except WorkError as error:
            self._failed(rows, error)
        else:
            self._sent(parcel, rows, answer)
        return []

    def _claim(self, parcel: Parcel) -> list[ScanRequest]:
        with self.ctx.transaction():
            sent_path = {"sent_path": parcel.path or F("path")}
            _rows(parcel.ids).update(state=State.SENDING, job_id=self.ctx.job.id, **sent_path)
            mine = ScanRequest.objects.filter(pk__in=parcel.ids, state=State.SENDING, job_id=self.ctx.job.id)
            return list(mine.select_related("library"))

    def _sent(self, parcel: Parcel, rows: Sequence[ScanRequest], answer: Answer) -> None:
        now = self.ctx.now()
        with self.ctx.transaction():
            _sending(rows).update(
                state=State.SENT,
                sent_at=now,
                attempts=F("attempts") + 1,
                next_try_at=None,
                answer_status=answer.status,
                answer=answer.text[:1000],
                verify_at=verifying.first_look(self.server, now),
            )
            Library.objects.filter(pk__in={row.library_id for row in rows}).update(last_scan_at=now)
            limits.succeeded(self.server, now)
        self.requests += 1
        self.sent += len(rows)

    def _refused(self, parcel: Parcel, rows: Sequence[ScanRequest], error: Permanent) -> list[Parcel]:
        if isinstance(error, AccessDenied):
            self._failed(rows, error)
        if len(rows) > 1 and not parcel.path:  # one of many is wrong: find it by halves
            with self.ctx.transaction():
                put_back(_sending(rows))
            half = len(rows) // 2
            return [replace(parcel, ids=[row.pk for row in part]) for part in (rows[:half], rows[half:])]
        text = f"{error} {error.params.get('answer', '')}".strip()
        with self.ctx.transaction():
            _sending(rows).update(
                state=State.FAILED,
                attempts=F("attempts") + 1,
                answer_status=error.params.get("status"),
                answer=text[:1000],
            )
            limits.failed(self.server, error, self.ctx.now())
        self.ctx.log("request_refused", Level.WARNING, path=parcel.path or rows[0].path, error=text)
        return []

    def _failed(self, rows: Sequence[ScanRequest], error: WorkError) -> None:
        """Let them wait again: for ever if the server is away, with growing pauses if it only cannot just now."""
        now = self.ctx.now()
        values: dict[str, object] = {"answer": str(error)[:1000], "answer_status": error.params.get("status")}
        if isinstance(error, Transient) and not isinstance(error, Unreachable):
            tried = max(row.attempts for row in rows) + 1
            wait = max(error.retry_after or 0.0, backoff(tried, first=FIRST_WAIT, most=LONGEST_WAIT))
            values |= {"attempts": F("attempts") + 1, "next_try_at": now + dt.timedelta(seconds=wait)}
        with self.ctx.transaction():
            put_back(_sending(rows), **values)
            limits.failed(self.server, error, now)
        if isinstance(error, AccessDenied):
            self.ctx.log("server_paused", Level.ERROR, server=self.server.name, error=str(error))
            raise Snooze(str(error), until=now + PAUSED, code="server_paused", server=self.server.name)
        if isinstance(error, Unreachable):
            wait = backoff(self.server.fails, first=FIRST_WAIT, most=LONGEST_WAIT)
            until = max(self.server.cooldown_until or now, now + dt.timedelta(seconds=wait))
            raise Snooze(str(error), until=until, code="server_offline", server=self.server.name)


def _rows(ids: Sequence[int]) -> QuerySet[ScanRequest]:
    return ScanRequest.objects.filter(pk__in=ids, state=State.WAITING)


def _sending(rows: Sequence[ScanRequest]) -> QuerySet[ScanRequest]:
    return ScanRequest.objects.filter(pk__in=[row.pk for row in rows], state=State.SENDING)

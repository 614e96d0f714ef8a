"""Ask a server whether it knows what it was told: sent is not done (docs/scans.md).

A server is asked once its library is idle again, about many requests at a time, and again after growing pauses. When
the two disagree, we look here first: what has vanished meanwhile need not be known, and what is back need not be gone.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence

from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Permanent, Snooze, Transient, WorkError
from mediasync.core.ratelimit import backoff
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import Context
from mediasync.servers import limits
from mediasync.servers.clients.base import Client
from mediasync.servers.models import Library, Server

from . import selectors, services
from .models import ScanRequest
from .parcels import Looks
from .requests import put_back
from .telling import Listener
from .verdicts import Look, settle

State = ScanRequest.State
# Jellyfin and Emby only begin after 60 s without another change (LibraryMonitorDelay); Plex begins at once.
FIRST = {Server.Kind.PLEX: 10.0, Server.Kind.EMBY: 75.0, Server.Kind.JELLYFIN: 75.0}  # seconds
BUSY = dt.timedelta(seconds=30)  # when to look again at a library that is being scanned
STILL = dt.timedelta(hours=6)  # for so long a scan is waited for
PATIENCE = dt.timedelta(seconds=3)  # a shorter pause is waited for, a longer one ends the slice
FIRST_WAIT, LONGEST_WAIT = 5.0, 900.0  # seconds of back-off
PAUSED = dt.timedelta(seconds=5)
NAP = 0.2  # seconds
MOST = 1000  # requests in one round
COLUMNS = ("state", "verify_at", "checks", "verified_at", "changed_at", "reason")


def first_look(server: Server, now: dt.datetime) -> dt.datetime | None:
    """Return when to ask first about what is sent now; None if this server is not asked."""
    return now + dt.timedelta(seconds=FIRST.get(Server.Kind(server.kind), 75.0)) if server.verify else None


class Verification:
    """One run for one server. ``ctx`` is the running item's."""

    def __init__(self, server: Server, client: Client, ctx: Context, clock: Clock, sight: Callable[[], Looks]) -> None:
        self.server, self.client, self.ctx, self.clock = server, client, ctx, clock
        self._sight = sight
        self.questions = 0
        self.settled: defaultdict[str, int] = defaultdict(int)  # by state

    def counts(self) -> dict[str, int]:
        """Return what was done so far."""
        return {"questions": self.questions, **self.settled}

    def run(self) -> None:
        """Ask until nothing is left to ask; raises Snooze when the next question is due later."""
        while (later := selectors.next_look(self.server.pk)) is not None:
            if later - self.ctx.now() > PATIENCE:
                raise Snooze("Nothing is to be asked yet.", until=later, code="proof_waits")
            self._wait(later)
            try:
                self._round()
            except Snooze:
                raise
            except WorkError as error:
                self._away(error)

    def _round(self) -> None:
        due = selectors.unproved(self.server.pk).filter(verify_at__lte=self.ctx.now())
        rows = list(due.select_related("library").order_by("verify_at", "id")[:MOST])
        listener, sight = Listener(self.server), self._sight()
        by_library: defaultdict[Library | None, list[ScanRequest]] = defaultdict(list)
        for row in rows:
            by_library[row.library].append(row)
        for library, theirs in by_library.items():
            if library is None:  # it is gone from the server, and so is what was in it
                for row in theirs:
                    settle(row, row.state, "no_library")
                self.save(theirs)
            else:
                self._library(library, theirs, listener, sight)

    def _library(self, library: Library, rows: Sequence[ScanRequest], listener: Listener, sight: Looks) -> None:
        look = Look(self, library, listener, sight)
        try:
            self.turn()
            look.busy = self.client.busy(library.key)
            with self.ctx.transaction():  # it answers: the next question need not wait for what this one showed
                limits.succeeded(self.server, self.ctx.now())
            rows = self._put_off(rows) if look.busy else rows
            if rows:
                look.at(rows)
        except (AccessDenied, Snooze):
            raise
        except Permanent as error:  # it says what no server of its kind says
            with self.ctx.transaction():
                limits.failed(self.server, error, self.ctx.now())
            self.ctx.log("proof_refused", Level.WARNING, library=library.title, error=str(error))
            look.unclear(rows)

    def _put_off(self, rows: Sequence[ScanRequest]) -> list[ScanRequest]:
        """Let rows wait for the end of the scan; return those that have waited too long for it."""
        now = self.ctx.now()
        waiting = [row for row in rows if row.sent_at is not None and now - row.sent_at < STILL]
        for row in waiting:
            row.verify_at, row.reason = now + BUSY, "still_scanning"
        self.save(waiting)
        return [row for row in rows if row not in waiting]

    # -- What a look uses

    def turn(self) -> None:
        """Wait until the server may be asked once more; raises Snooze if that takes long."""
        while True:
            with self.ctx.transaction():
                now = self.ctx.now()
                until = limits.take(self.server, None, now) or limits.ready(self.server, now)
            if until is None:
                self.questions += 1
                return
            if until - now > PATIENCE:
                raise Snooze("The server is not asked just now.", until=until, code="proof_waits")
            self._wait(until)

    def save(self, rows: Sequence[ScanRequest]) -> None:
        """Write down what was found out."""
        with self.ctx.transaction():
            ScanRequest.objects.bulk_update(rows, COLUMNS, batch_size=100)
            limits.succeeded(self.server, self.ctx.now())
        for row in rows:
            if row.verify_at is None:
                self.settled[row.state] += 1

    def tell_again(self, rows: Sequence[ScanRequest]) -> None:
        """Let rows wait to be sent once more, now: they are the same requests, so they keep when they began."""
        if not rows:
            return
        with self.ctx.transaction():
            these = ScanRequest.objects.filter(pk__in=[row.pk for row in rows])
            these.filter(state=State.SENT).update(state=State.SENDING, verify_at=None)
            put_back(these, due_at=self.ctx.now(), checks=0)
            services.deliver(self.server.pk)

    # -- How

    def _wait(self, until: dt.datetime) -> None:
        while self.ctx.now() < until:
            self.ctx.checkpoint()
            self.clock.sleep(NAP)
        self.ctx.checkpoint()

    def _away(self, error: WorkError) -> None:
        """Sleep until the server may be there again; what is due stays due."""
        now = self.ctx.now()
        with self.ctx.transaction():
            limits.failed(self.server, error, now)
        if isinstance(error, AccessDenied):
            raise Snooze(str(error), until=now + PAUSED, code="server_paused", server=self.server.name)
        wait = backoff(max(self.server.fails, 1), first=FIRST_WAIT, most=LONGEST_WAIT)
        wait = max(wait, (error.retry_after or 0.0) if isinstance(error, Transient) else 0.0)
        until = max(self.server.cooldown_until or now, now + dt.timedelta(seconds=wait))
        raise Snooze(str(error), until=until, code="server_offline", server=self.server.name)

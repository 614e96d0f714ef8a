"""Ask a server for what is new. Messages only say when and for what; what is recorded is what the server answers.

Plex says when it took an item in. Emby and Jellyfin may say the date of the file instead, so there an item is new if it
was not known before: the first look stores the ids of all items, and from then on those are asked for that were saved
since the last look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from itertools import islice

from django.utils import timezone

from mediasync.core.clock import Clock
from mediasync.core.errors import MediasyncError, Snooze
from mediasync.servers import limits
from mediasync.servers.clients.base import Client, RecentItem
from mediasync.servers.models import Listener, Server

from . import arrivals

BATCH = 50  # items a question
OVERLAP = dt.timedelta(minutes=10)  # asked for again each time: clocks differ, and so do ends of transactions


class Asking:
    """The questions of one listener. ``row`` holds how far they have come, in the database."""

    def __init__(self, server: Server, client: Client, row: Listener, clock: Clock) -> None:
        self.server, self.client, self.row, self.clock = server, client, row, clock

    def everything(self) -> int:
        """Ask for all that is new since the last time; the first time nothing is. Returns the number of arrivals."""
        self._may_ask()
        start = self.clock.now()
        self._read()
        try:
            if self.row.begun_at is None:
                self._begin(start)
                count = 0
            else:
                until = min(start, self.row.asked_until or start)  # the clock may have been set back
                count = self._since(max(self.row.begun_at, until - OVERLAP))
        except MediasyncError as error:
            limits.failed(self.server, error, self.clock.now())
            raise
        limits.succeeded(self.server, self.clock.now())
        self._store(asked_until=start, asked_at=self.clock.now())
        return count

    def about(self, keys: Collection[str], made: Collection[str] = ()) -> int:
        """Ask for these items and record the new ones; ``made``: the server said that they are."""
        self._read()
        wanted = list(keys) if self.client.dates_arrivals else arrivals.unknown(self.server, list(keys))
        if not wanted or self.row.begun_at is None:
            return 0
        self._may_ask()
        try:
            count = self._ask(wanted, made)
        except MediasyncError as error:
            limits.failed(self.server, error, self.clock.now())
            raise
        self._store(asked_at=self.clock.now())
        return count

    def _may_ask(self) -> None:
        if until := limits.ready(self.server, self.clock.now()):
            raise Snooze(code="listener_waits", until=until)

    def _begin(self, start: dt.datetime) -> None:
        """Learn what there is already, and call none of it new."""
        if self.client.dates_arrivals:
            self.client.recent(start)  # shows whether it answers
        else:
            keys = self.client.keys(None)
            while chunk := list(islice(keys, arrivals.CHUNK)):
                arrivals.remember(self.server, chunk)
        self._store(begun_at=start)

    def _since(self, since: dt.datetime) -> int:
        if self.client.dates_arrivals:
            found = self.client.recent(since.replace(microsecond=0))
            return len(arrivals.record(self.server, self._new(found), self.clock.now()))
        new = arrivals.unknown(self.server, list(self.client.keys(since)))
        return sum(self._ask(new[start : start + BATCH]) for start in range(0, len(new), BATCH))

    def _ask(self, keys: Sequence[str], made: Collection[str] = ()) -> int:
        learn = not self.client.dates_arrivals
        found = self.client.items(keys)
        new = found if learn else self._new(found, made)
        count = len(arrivals.record(self.server, new, self.clock.now(), learn=learn))
        if learn:
            arrivals.remember(self.server, keys)  # folders and missing episodes too: not to be asked for again
        return count

    def _new(self, items: Sequence[RecentItem], made: Collection[str] = ()) -> list[RecentItem]:
        since = (self.row.begun_at or timezone.now()).replace(microsecond=0)  # Plex counts in seconds
        return [item for item in items if item.key in made or item.added_at >= since]

    def _read(self) -> None:
        """Read how far we are: a person may have said that all begins anew."""
        self.row.refresh_from_db(fields=["begun_at", "asked_until"])

    def _store(self, **values: dt.datetime) -> None:
        Listener.objects.filter(pk=self.row.pk).update(**values)
        for name, value in values.items():
            setattr(self.row, name, value)

"""Write newly added items down, once each, and tell others of them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal

from mediasync.core import paths
from mediasync.core.texts import plain
from mediasync.servers.clients.base import RecentItem
from mediasync.servers.models import Arrival, KnownItem, Library, Listener, Server
from mediasync.servers.selectors import Places

logger = logging.getLogger(__name__)

CHUNK = 500  # rows a statement
KEEP = dt.timedelta(days=400)

arrived = Signal()
"""Sent with ``server`` and ``arrivals`` (the rows), inside the transaction that stores them: a receiver may write rows,
which then are there exactly if the arrivals are, and does nothing else."""


def record(server: Server, items: Iterable[RecentItem], now: dt.datetime, *, learn: bool = False) -> list[Arrival]:
    """Store those items that were never recorded; ``learn``: they are known items from now on, too.

    An item in a library that is left out is no arrival.
    """
    made: list[Arrival] = []
    homes = Homes(server)
    for chunk in chunks(_once(items)):
        with transaction.atomic():
            have = set(_of(Arrival, server, [item.key for item in chunk]))
            new = [item for item in chunk if item.key not in have]
            rows = [row for item in new if (row := _row(server, item, homes, now)) is not None]
            Arrival.objects.bulk_create(rows)
            if learn:
                remember(server, [item.key for item in chunk])
            if rows:
                Listener.objects.filter(server=server).update(arrivals=F("arrivals") + len(rows))
                _tell(server, rows)
        made += rows
    return made


def unknown(server: Server, keys: Sequence[str]) -> list[str]:
    """Return those ids that the server is not known to have, in their order."""
    known = set(_of(KnownItem, server, keys))
    return [key for key in dict.fromkeys(keys) if _fits(key) and key not in known]


def remember(server: Server, keys: Collection[str]) -> None:
    """Store that the server has these items."""
    rows = (KnownItem(server=server, key=key) for key in dict.fromkeys(keys) if _fits(key))
    KnownItem.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)


def forget(now: dt.datetime) -> int:
    """Delete arrivals that are really old; return how many."""
    return Arrival.objects.filter(heard_at__lt=now - KEEP).delete()[0]


def chunks(things: Iterable[RecentItem]) -> Iterator[list[RecentItem]]:
    """Yield lists that one statement can name."""
    found: list[RecentItem] = []
    for thing in things:
        found.append(thing)
        if len(found) == CHUNK:
            yield found
            found = []
    if found:
        yield found


class Homes:
    """Which library an item lies in: as the server says, else by its path."""

    def __init__(self, server: Server) -> None:
        self._by_key = {library.key: library for library in Library.objects.filter(server=server)}
        self._places = Places(server, left_out=True)

    def of(self, item: RecentItem) -> Library | None:
        if item.library_key in self._by_key:
            return self._by_key[item.library_key]
        try:
            found = self._places.libraries_for(item.path)
        except ValueError:
            return None
        return next((library for library in found if library.enabled), found[0] if found else None)


def _once(items: Iterable[RecentItem]) -> Iterator[RecentItem]:
    """Yield each item once: one with several files is said for each of them."""
    seen: set[str] = set()
    for item in items:
        if _fits(item.key) and item.key not in seen:
            seen.add(item.key)
            yield item


def _fits(key: str) -> bool:
    """Tell whether it can be the id of an item."""
    return 0 < len(key) <= 100


def _of(model: type[Arrival] | type[KnownItem], server: Server, keys: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        yield from model._default_manager.filter(server=server, key__in=part).values_list("key", flat=True)


def _row(server: Server, item: RecentItem, homes: Homes, now: dt.datetime) -> Arrival | None:
    home = homes.of(item)
    if home is not None and not home.enabled:
        return None
    return Arrival(
        server=server,
        library=home,
        key=item.key,
        kind=item.kind[:30],
        title=plain(item.title)[:300] or paths.for_people(item.path)[-300:],
        show=plain(item.show)[:300],
        season=item.season,
        episode=item.episode,
        year=item.year,
        path=plain(item.path),
        picture=item.picture[:500],
        added_at=item.added_at,
        heard_at=now,
    )


def _tell(server: Server, rows: list[Arrival]) -> None:
    for receiver, answer in arrived.send_robust(sender=Arrival, server=server, arrivals=rows):
        if isinstance(answer, Exception):
            logger.error("%s could not be told of arrivals", receiver, exc_info=answer)

"""The desk of a feed: what it hears becomes hints, and how it is becomes its row.

Most of it is gathered in memory and written by the watcher's own thread twice a second (``flush``). Only a cursor is
written by the feed itself (``commit``), in one transaction with all that it stands for, gaps and looks too. So what a
crash loses is what a feed without a cursor heard last, and after a start those have their roots crawled.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Stop
from monitors.hints import intake
from monitors.hints.notices import Notice, Source
from monitors.models import FeedState

from .base import KEEP, Feed
from .looks import Look, store

logger = logging.getLogger(__name__)

State = FeedState.State
AWAY = (OperationalError, InterfaceError)  # the database is locked or does not answer: later it will
RETRY_SECONDS = 1.0
OK_SECONDS = 10.0  # between two writes of ``ok_at``


@dataclass(slots=True)
class News:
    """What is to be written."""

    looks: dict[Look, None] = field(default_factory=dict)
    gaps: dict[int, str] = field(default_factory=dict)  # root id → code
    missed: int = 0  # gaps
    events: int = 0
    fields: dict[str, Any] = field(default_factory=dict)  # of the row

    def __bool__(self) -> bool:
        return bool(self.looks or self.gaps or self.missed or self.events or self.fields)

    def before(self, later: News) -> None:
        """Take in what came later."""
        self.looks |= later.looks
        self.gaps |= later.gaps
        self.missed += later.missed
        self.events += later.events
        self.fields |= later.fields


class FeedDesk:
    """See ``base.Desk``. ``row`` is the feed's own, with the number of its start: a later start fences this one."""

    def __init__(self, feed: Feed, row: FeedState, stop: threading.Event, clock: Clock = system) -> None:
        self.feed, self.clock = feed, clock
        self.ok = False  # it has worked since it was started
        self._row, self._start, self._stop = row.pk, row.starts, stop
        self._cursor: Any = row.cursor
        self._said = (row.state, row.code, row.params)
        self._facts: dict[str, Any] = row.facts
        self._ok_at = float("-inf")
        self._lock = threading.Lock()  # of what is in memory
        self._writing = threading.Lock()  # one transaction at a time: nothing overtakes what it stands for
        self._news = News()

    # -- For the feed

    @property
    def cursor(self) -> Any:
        return self._cursor

    def rest(self, seconds: float) -> bool:
        return self._stop.wait(seconds)

    def commit(
        self,
        notices: Iterable[Notice] = (),
        *,
        cursor: Any = KEEP,
        reference: str = "",
        also: Callable[[], object] | None = None,
    ) -> None:
        told = list(notices)
        while True:
            try:
                self._commit(told, cursor, reference, also)
            except AWAY:
                connection.close()
                if self.rest(RETRY_SECONDS):
                    raise Stop from None
            else:
                return

    def _commit(self, told: list[Notice], cursor: Any, reference: str, also: Callable[[], object] | None) -> None:
        fields: dict[str, Any] = {} if cursor is KEEP else {"cursor": cursor}
        with self._writing:
            news = self._take()
            news.events += len(told)
            if told:
                fields["event_at"] = self.clock.now()
            try:
                with transaction.atomic():
                    self._write(news, fields, must=True)
                    if also:
                        also()
                    if told:
                        intake.take_in(told, self.source, reference=reference, clock=self.clock)
            except BaseException:
                news.events -= len(told)
                self._put_back(news)
                raise
            if cursor is not KEEP:
                self._cursor = cursor

    def look(
        self,
        root_id: int,
        paths: Iterable[str],
        names: Iterable[tuple[str, str]] = (),
        *,
        group: str = "",
        deep: Iterable[str] = (),
    ) -> None:
        found = [Look(root_id, path, "", group) for path in paths]
        found += [Look(root_id, path, name, group) for path, name in names]
        found += [Look(root_id, path, "", group, True) for path in deep]
        with self._lock:
            self._news.looks.update(dict.fromkeys(found))
            self._news.events += len(found)
            self._news.fields["event_at"] = self.clock.now()

    def gap(self, code: str, root_ids: Iterable[int] | None = None) -> None:
        roots = self.feed.root_ids if root_ids is None else root_ids
        logger.info("%s of %s: %s, so all of it is looked at", self.feed.kind, self.feed.name, code)
        with self._lock:
            self._news.gaps.update(dict.fromkeys(roots, code))
            self._news.missed += 1

    def fine(self, **facts: Any) -> None:
        self.ok = True
        due = self.clock.monotonic() - self._ok_at >= OK_SECONDS
        if due or self._said[0] != State.FINE or any(self._facts.get(name) != value for name, value in facts.items()):
            self._ok_at = self.clock.monotonic()
            self._facts |= facts
            self.say(State.FINE, "", {}, ok_at=self.clock.now(), facts=dict(self._facts))

    def trouble(self, code: str, **params: Any) -> None:
        self.say(State.TROUBLE, code, params)

    def resting(self, code: str, seconds: float, **params: Any) -> bool:
        self.say(State.RESTING, code, params)
        return self.rest(seconds)

    def heard(self, name: str) -> None:
        with self._lock:
            self._news.fields["heard"] = {"name": name, "at": self.clock.now().isoformat()}

    # -- For the supervisor

    @property
    def source(self) -> Source:
        """Who says what the feed hears."""
        kind = self.feed.kind if self.feed.account_id else "watch"
        return Source(name=kind, kind=kind, account_id=self.feed.account_id)

    def say(self, state: State, code: str, params: Mapping[str, Any], **more: Any) -> None:
        """Set the state that people see."""
        said = (state, code, dict(params))
        with self._lock:
            if said != self._said:
                more |= {"state": state, "code": code, "params": said[2]}
            if said[:2] != self._said[:2]:
                more["since"] = self.clock.now()
            self._said = said
            self._news.fields |= more

    def flush(self, wait: float = 0.0) -> None:
        """Write what was gathered; what cannot be written now is kept for the next time.

        ``wait``: seconds for the feed's own transaction to end; it writes the same.
        """
        if not self._writing.acquire(timeout=wait):
            return
        try:
            if news := self._take():
                try:
                    with transaction.atomic():
                        self._write(news, {})
                except BaseException:
                    self._put_back(news)
                    raise
        finally:
            self._writing.release()

    def _take(self) -> News:
        with self._lock:
            news, self._news = self._news, News()
        return news

    def _put_back(self, news: News) -> None:
        with self._lock:
            news.before(self._news)
            self._news = news

    def _write(self, news: News, fields: dict[str, Any], *, must: bool = False) -> None:
        """Write looks as hints and the rest to the row; ``must``: raise Stop if the row is another's by now."""
        mine = FeedState.objects.select_for_update().filter(pk=self._row, starts=self._start)
        if news.gaps:
            behind = mine.values_list("behind", flat=True).first() or []
            fields = {**fields, "behind": sorted({*behind, *news.gaps})}
        counts = {name: F(name) + by for name, by in (("events", news.events), ("gaps", news.missed)) if by}
        wanted = {**news.fields, **fields, **counts} or {"starts": self._start}
        if not FeedState.objects.filter(pk=self._row, starts=self._start).update(**wanted):
            if must:
                raise Stop
            return
        store(news.looks, self.source, self.clock)

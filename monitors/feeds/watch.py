"""The loop of ``manage.py watch``: feeds run, what they say becomes hints, and hints that have settled become jobs."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable

from django.db import connection, connections, transaction
from django.db.models import Q

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Snooze
from mediasync.jobs.choices import Trigger
from monitors import guards, history, services
from monitors.hints import services as hints
from monitors.hooks import payloads
from monitors.models import FeedState, Root

from .beside import MAKERS, Beside
from .desk import AWAY
from .lead import lead, resign
from .supervisor import Supervisor

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
LEAD_SECONDS = 5.0
FEEDS_SECONDS = 5.0  # how often it is asked which feeds there should be
GUARDS_SECONDS = 30.0  # how often a root that is DOWN is looked at again
FORGET_SECONDS = 3600.0
CATCH_UP_CRAWLS, CATCH_UP_SECONDS = 3, 300.0  # so many crawls of a root in that time because of gaps, and no more


class Watcher:
    """``tick`` does whatever is due; ``leads``: it is this process that watches."""

    def __init__(self, clock: Clock = system, supervisor: Supervisor | None = None, me: str = "") -> None:
        self.clock, self.me, self.leads = clock, me, False
        self.feeds = supervisor or Supervisor(clock)
        self._beside: list[Beside] = []
        self._last: dict[str, float] = {}
        self._caught: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=CATCH_UP_CRAWLS))  # root id → when
        self._checks: dict[int, list[guards.Verdict | None]] = {}
        self._said = False

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop; a database that does not answer is waited for."""
        while not stop.is_set():
            try:
                self.tick()
            except AWAY as error:
                logger.warning("the database does not answer, trying again: %s", error)
                connection.close()
            stop.wait(TICK_SECONDS)
        self.close()

    def close(self) -> None:
        """End all feeds, store what they said last, and let another watcher begin."""
        if self.leads:
            self._end_beside()
            self.feeds.close()
            resign(self.me)

    def tick(self) -> None:
        """Do what is due; a step that fails does not stop the next one."""
        if self._due("lead", LEAD_SECONDS):
            self._lead()
        if not self.leads:
            return
        if self._due("feeds", FEEDS_SECONDS):
            self._try(self.feeds.sync)
        feeds = self.feeds
        for step in (feeds.look_after, self._asked, feeds.flush, self._catch_up, self._payloads, self._settle):
            self._try(step)
        for each in self._beside:
            self._try(each.tick)
        if self._due("guards", GUARDS_SECONDS):
            self._try(self.check_guards)
        self._try(self.record_guards)
        if self._due("forget", FORGET_SECONDS):
            self._try(self._forget)

    def _lead(self) -> None:
        led, self.leads = self.leads, lead(self.clock, self.me)
        if led and not self.leads:
            logger.warning("another watcher has taken over; this one ends its feeds and waits in reserve")
            self._end_beside()
            self.feeds.close(say=False)
        elif not self.leads and not self._said:
            logger.info("another watcher is at work; this one waits in reserve")
        elif self.leads and not led:
            logger.info("this watcher is at work")
            self._beside = [make(self.clock) for make in MAKERS.values()]
        self._said = not self.leads

    def _end_beside(self) -> None:
        for each in self._beside:
            self._try(each.close)
        self._beside = []

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except AWAY:
            raise
        except Exception:
            logger.exception("the watcher could not %s", getattr(step, "__name__", step))

    def _asked(self) -> None:
        """Start feeds anew for which a person asked."""
        if pks := set(FeedState.objects.filter(restart=True).values_list("pk", flat=True)):
            self.feeds.restart(pks)
            FeedState.objects.filter(pk__in=pks).update(restart=False)

    def _catch_up(self) -> None:
        """Crawl roots of which events may have been missed: at once, unless it was so again and again just now."""
        for pk in list(FeedState.objects.filter(~Q(behind=[])).values_list("pk", flat=True)):
            with transaction.atomic():
                row = FeedState.objects.select_for_update().filter(pk=pk).first()
                if row is None:
                    continue
                late = [root for root in row.behind if self._often(root)]
                due = Root.objects.filter(pk__in=set(row.behind) - set(late), enabled=True)
                for root in due:
                    if root.guard == Root.Guard.DOWN:  # it is crawled when it recovers: now, it seems
                        self._last.pop("guards", None)
                        continue
                    services.request_crawl(root, trigger=Trigger.WATCHER, actor="watch")
                    self._caught[root.pk].append(self.clock.monotonic())
                if late != row.behind:
                    FeedState.objects.filter(pk=pk).update(behind=late)

    def _often(self, root_id: int) -> bool:
        """Tell whether a root was crawled so often lately because of gaps that the next crawl must wait."""
        caught = self._caught[root_id]
        return len(caught) == CATCH_UP_CRAWLS and self.clock.monotonic() - caught[0] < CATCH_UP_SECONDS

    def _payloads(self) -> None:
        payloads.parse_waiting(self.clock)

    def _settle(self) -> None:
        for submitted in hints.settle(self.clock):
            logger.info("job %s looks at %s", submitted.job.pk, submitted.job.title_params)

    def _forget(self) -> None:
        hints.forget(self.clock)
        payloads.forget(self.clock)
        history.forget_changes(self.clock)

    def check_guards(self) -> None:
        """Look, each in a thread of its own, at roots that are DOWN; a look may take long."""
        for root in Root.objects.filter(enabled=True, guard=Root.Guard.DOWN).select_related("account"):
            if root.pk not in self._checks:
                found = self._checks[root.pk] = []
                threading.Thread(target=_check, args=(root, found), daemon=True).start()

    def record_guards(self) -> None:
        """Write down what the looks showed."""
        for root_id, found in list(self._checks.items()):
            if found:
                del self._checks[root_id]
                root = Root.objects.filter(pk=root_id, guard=Root.Guard.DOWN).first()
                if root is not None and found[0] is not None:
                    guards.record(root, found[0], self.clock)

    def _due(self, what: str, seconds: float) -> bool:
        now = self.clock.monotonic()
        if now - self._last.get(what, -seconds) < seconds:
            return False
        self._last[what] = now
        return True


def _check(root: Root, found: list[guards.Verdict | None]) -> None:
    verdict = None
    try:
        verdict = guards.check(root)
    except Snooze:
        pass  # its account may not be asked just now
    except Exception:
        logger.exception("could not look whether %s is back", root)
    finally:
        found.append(verdict)
        connections.close_all()

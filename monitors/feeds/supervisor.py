"""Keep the feeds running: one thread each, started, ended and started anew as they are wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from django.db import connections
from django.db.models import F

from mediasync.core.clock import Clock, system
from mediasync.core.errors import LostLease, MediasyncError, Snooze, Stop, Transient
from mediasync.jobs import registry
from monitors.models import FeedState, Root

from . import KINDS, Wanted
from .base import Feed
from .desk import AWAY, FeedDesk

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 5.0, 900.0, 60.0  # seconds
BEAT_SECONDS = 10.0
State = FeedState.State
Name = tuple[str, str]  # kind and key


class Runner:
    """One feed and its thread; ``again_at`` says when (monotonic) it starts anew after it ended."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self.feed, self.clock = feed, clock
        self.pause, self.again_at = FIRST_PAUSE, 0.0
        self.row = _row(feed)
        self.start()

    def start(self) -> None:
        """Start a thread; whatever an earlier one still holds, it can store nothing any more."""
        now = self.clock.now()
        fields = {"starts": F("starts") + 1, "beat_at": now, "restart": False}
        if self.row.state not in (State.TROUBLE, State.RESTING):  # those stay until it works
            fields |= {"state": State.STARTING, "code": "", "since": now}
        FeedState.objects.filter(pk=self.row.pk).update(**fields)
        self.row.refresh_from_db()
        self._ending, self._wait = threading.Event(), None
        self.desk = FeedDesk(self.feed, self.row, self._ending, self.clock)
        self._begun = self.clock.monotonic()
        self.thread = threading.Thread(target=self._run, name=f"{self.feed.kind} {self.feed.key}", daemon=True)
        self.thread.start()

    def look_after(self) -> None:
        """Start it anew once it has ended and its pause is over."""
        if self.thread.is_alive() or self._ending.is_set():
            return
        now = self.clock.monotonic()
        if not self.again_at:
            if self.desk.ok and now - self._begun >= HEALTHY_AFTER:
                self.pause = FIRST_PAUSE
            wait = self._wait if self._wait is not None else self.pause
            self.pause = min(LONGEST_PAUSE, 2 * self.pause)
            self.again_at = now + wait
        elif now >= self.again_at:
            self.again_at = 0.0
            self.desk.flush()
            self.row.refresh_from_db()
            self.start()

    def end(self, wait: float = 1.0) -> None:
        """Ask the thread to end and store what it said; one that hangs is left behind, and can store nothing."""
        self._ending.set()
        self.thread.join(wait)
        self.desk.flush(wait)

    _wait: float | None = None

    def _run(self) -> None:
        try:
            self.feed.run(self.desk)
        except (Stop, LostLease):
            pass
        except Snooze as error:
            self._wait = max(1.0, (error.until - self.clock.now()).total_seconds())
            self._failed(error, State.RESTING)
        except MediasyncError as error:
            self._wait = error.retry_after if isinstance(error, Transient) else None
            self._failed(error, State.TROUBLE)
        except AWAY as error:
            self._wait = FIRST_PAUSE
            logger.warning("%s of %s: the database does not answer: %s", self.feed.kind, self.feed.name, error)
        except Exception as error:
            logger.exception("%s of %s", self.feed.kind, self.feed.name)
            self.desk.trouble("feed_failed", error=f"{type(error).__name__}: {error}"[:300])
        finally:
            connections.close_all()

    def _failed(self, error: MediasyncError, state: State) -> None:
        text = str(error) if str(error) != error.code else ""
        params = {**error.params, "error": error.params.get("error", text)}
        if self.row.code != error.code:
            logger.warning("%s of %s: %s", self.feed.kind, self.feed.name, registry.text(error.code, params))
        self.desk.say(state, error.code, params)


class Supervisor:
    """All feeds of this process."""

    def __init__(self, clock: Clock = system, kinds: Mapping[str, Wanted] | None = None) -> None:
        self.clock = clock
        self.runners: dict[Name, Runner] = {}
        self._kinds = KINDS if kinds is None else kinds
        self._problems: dict[str, str] = {}
        self._beat = float("-inf")

    def sync(self) -> None:
        """Let those feeds run that there should be now."""
        wanted, unknown = self._wanted()
        for name, runner in list(self.runners.items()):
            feed = wanted.get(name)
            if name[0] not in unknown and (feed is None or feed.depends != runner.feed.depends):
                runner.end()
                del self.runners[name]
        for name, feed in wanted.items():
            if name not in self.runners:
                self.runners[name] = Runner(feed, self.clock)
        self._forget(wanted, unknown)
        if self.clock.monotonic() - self._beat >= BEAT_SECONDS:
            self._beat = self.clock.monotonic()
            mine = [runner.row.pk for runner in self.runners.values()]
            FeedState.objects.filter(pk__in=mine).update(beat_at=self.clock.now())

    def look_after(self) -> None:
        """Start those anew that ended and whose pause is over."""
        for runner in self.runners.values():
            runner.look_after()

    def restart(self, pks: set[int]) -> None:
        """Start feeds anew because a person asks for it, without a pause."""
        for runner in self.runners.values():
            if runner.row.pk in pks:
                runner.end()
                runner.pause, runner.again_at = FIRST_PAUSE, 0.0
                runner.row.refresh_from_db()
                runner.start()

    def flush(self) -> None:
        """Write what the feeds said."""
        for runner in self.runners.values():
            runner.desk.flush()

    def close(self, *, say: bool = True) -> None:
        """End all feeds and (``say``) tell people that nobody listens any more."""
        for wait in (0.0, 0.6):
            for runner in self.runners.values():
                runner.end(wait / len(self.runners))
        if say:
            mine = [runner.row.pk for runner in self.runners.values()]
            off = {"state": State.OFF, "code": "feed_nobody", "params": {}, "since": self.clock.now()}
            FeedState.objects.filter(pk__in=mine).update(**off)
        self.runners.clear()

    def _wanted(self) -> tuple[dict[Name, Feed], set[str]]:
        """Return the feeds that there should be, and the kinds that cannot say."""
        roots = list(Root.objects.filter(enabled=True).select_related("account").order_by("pk"))
        wanted: dict[Name, Feed] = {}
        unknown: set[str] = set()
        for kind, ask in self._kinds.items():
            try:
                wanted |= {(feed.kind, feed.key): feed for feed in ask(roots)}
            except AWAY:
                raise
            except Exception as error:
                unknown.add(kind)
                if self._problems.get(kind) != str(error):
                    self._problems[kind] = str(error)
                    logger.exception("no feeds of the kind %s", kind)
        return wanted, unknown

    def _forget(self, wanted: Mapping[Name, Feed], unknown: set[str]) -> None:
        """Remove the rows of feeds that are no more."""
        rows = FeedState.objects.exclude(kind__in=unknown).values_list("pk", "kind", "key")
        if old := [pk for pk, kind, key in rows if (kind, key) not in wanted]:
            FeedState.objects.filter(pk__in=old).delete()


def _row(feed: Feed) -> FeedState:
    row, _made = FeedState.objects.update_or_create(
        kind=feed.kind,
        key=feed.key,
        defaults={"account_id": feed.account_id, "root_id": feed.root_ids[0] if len(feed.root_ids) == 1 else None},
    )
    return row

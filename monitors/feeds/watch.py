"""Turn what the kernel says of local roots into hints, and due hints into jobs.

Roots on FUSE and network file systems are left to their schedules: the kernel says nothing of what others do there.
Events of the last second are only in memory; what a crash loses is found by the next crawl.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable

from django.db import DatabaseError, InterfaceError, connection

from mediasync.core.clock import Clock, system
from mediasync.core.paths import to_bytes
from mediasync.jobs.choices import Trigger
from monitors import guards, hints, history, services
from monitors.filesystems import place_of
from monitors.filters import Filter, make_keep
from monitors.models import Root

from .tree import INSTANCES, LIMIT, Tree

logger = logging.getLogger(__name__)

ROOTS_SECONDS = 5.0  # how often the list of roots is read
GUARDS_SECONDS = 30.0  # how often a root that is DOWN is looked at again
FORGET_SECONDS = 3600.0
TICK_SECONDS = 1.0

Key = tuple[str, str]  # path and filter: another one means other watches


class Inbox:
    """Folders that were mentioned since the last look, by root."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: dict[int, set[str]] = defaultdict(set)

    def put(self, root_id: int, paths: Iterable[str]) -> None:
        with self._lock:
            self._paths[root_id].update(paths)

    def take(self) -> dict[int, set[str]]:
        with self._lock:
            taken, self._paths = self._paths, defaultdict(set)
        return dict(taken)


class RootWatch:
    """The thread that watches one root. ``ended`` says that it must be made anew."""

    def __init__(self, root: Root, inbox: Inbox) -> None:
        self.root_id, self.name, self.key = root.pk, root.name, key_of(root)
        self.behind = threading.Event()  # something may have happened that we did not hear of
        self._path, self._inbox = to_bytes(root.path), inbox
        self._keep = make_keep(Filter.of(root).spec())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {root.pk}", daemon=True)
        self.folders = 0
        self.built = threading.Event()
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self, wait: float = 1.0) -> None:
        """Ask the thread to end; it is not waited for if it builds a big tree or hangs."""
        self._stopping.set()
        self._thread.join(wait)

    def _run(self) -> None:
        try:
            tree = Tree(self._path, self._keep, self._stopping.is_set)
        except OSError as error:
            if error.errno == errno.EMFILE:
                logger.error(INSTANCES, self.name)
            elif error.errno == errno.ENOSPC:
                logger.error(LIMIT, 0, self.name)
            else:
                logger.debug("cannot watch %s: %s", self.name, error)
                return
            self._stopping.wait()  # until the root or its filter changes: a second try would fail as well
            return
        try:
            self._watch(tree)
        finally:
            tree.close()

    def _watch(self, tree: Tree) -> None:
        logger.info("watching %s: %d folders", self.name, len(tree))
        self.behind.set()  # nobody listened until now
        said = False
        while not self._stopping.is_set() and tree.is_there(self._path):
            self.folders = len(tree)
            self.built.set()
            if tree.full and not said:
                said = True
                logger.error(LIMIT, len(tree), self.name)
            if changed := tree.changed(0.5):
                self._inbox.put(self.root_id, changed)
            if tree.overflowed:
                logger.warning("events of %s were lost; all of it will be looked at", self.name)
                tree.rebuild()
                self.behind.set()


class Watcher:
    """The loop of ``manage.py watch``. ``tick`` does whatever is due."""

    def __init__(self, clock: Clock = system) -> None:
        self.clock, self.inbox = clock, Inbox()
        self.watches: dict[int, RootWatch] = {}
        self._unwatched: dict[int, str] = {}
        self._last: dict[str, float] = {}
        self._checks: dict[int, list[guards.Verdict]] = {}

    def run(self, stop: threading.Event) -> None:
        """Tick each second until told to stop; a database that does not answer is waited for."""
        while not stop.is_set():
            try:
                self.tick()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the database does not answer, trying again: %s", error)
                connection.close()
            stop.wait(TICK_SECONDS)
        self.close()

    def close(self) -> None:
        """Stop all threads and store what they said last."""
        for wait in (0.0, 0.6):
            for watch in self.watches.values():
                watch.stop(wait / len(self.watches))
        self.flush()

    def tick(self) -> None:
        if self._due("roots", ROOTS_SECONDS):
            self.sync_roots()
        self.flush()
        for submitted in hints.settle(self.clock):
            logger.info("job %s looks at %s", submitted.job.pk, submitted.job.title_params)
        if self._due("guards", GUARDS_SECONDS):
            self.check_guards()
        self.record_guards()
        if self._due("forget", FORGET_SECONDS):
            hints.forget(self.clock)
            history.forget_changes(self.clock)

    def flush(self) -> None:
        """Store what the threads said; what cannot be stored now is kept for the next time."""
        taken = self.inbox.take()
        try:
            for watch in self.watches.values():
                if watch.behind.is_set():
                    self._catch_up(watch)
            for root_id in Root.objects.filter(pk__in=taken).values_list("pk", flat=True):
                hints.add(root_id, taken[root_id], "watch", clock=self.clock)
        except (DatabaseError, InterfaceError):
            for root_id, paths in taken.items():
                self.inbox.put(root_id, paths)
            raise

    @staticmethod
    def _catch_up(watch: RootWatch) -> None:
        """Have all of a root looked at."""
        watch.behind.clear()
        try:
            if root := Root.objects.filter(pk=watch.root_id).exclude(guard=Root.Guard.DOWN).first():
                services.request_crawl(root, trigger=Trigger.WATCHER, actor="watch")
        except (DatabaseError, InterfaceError):
            watch.behind.set()
            raise

    def sync_roots(self) -> None:
        """Begin and end watches so that they fit the roots of now."""
        roots = {root.pk: root for root in Root.objects.filter(enabled=True, watch=True) if self._is_local(root)}
        for root_id, watch in list(self.watches.items()):
            root = roots.get(root_id)
            if root is None or watch.ended or watch.key != key_of(root):
                watch.stop()
                del self.watches[root_id]
                if root is None:
                    logger.info("no longer watching %s", watch.name)
        for root_id, root in roots.items():
            if root_id not in self.watches:
                self.watches[root_id] = RootWatch(root, self.inbox)

    def _is_local(self, root: Root) -> bool:
        place = place_of(to_bytes(root.path))
        if place.is_remote and self._unwatched.get(root.pk) != place.type:
            logger.info("%s lies on %s, which tells of no changes: it is crawled by schedule", root.name, place.type)
        self._unwatched[root.pk] = place.type
        return not place.is_remote

    def check_guards(self) -> None:
        """Look, each in a thread of its own, at roots that are DOWN; a look may take long."""
        for root in Root.objects.filter(enabled=True, guard=Root.Guard.DOWN):
            if root.pk not in self._checks:
                found = self._checks[root.pk] = []
                threading.Thread(target=lambda r=root, f=found: f.append(guards.check(r)), daemon=True).start()

    def record_guards(self) -> None:
        """Write down what the looks showed."""
        for root_id, found in list(self._checks.items()):
            if found:
                del self._checks[root_id]
                root = Root.objects.filter(pk=root_id).first()
                if root is not None and root.guard == Root.Guard.DOWN:
                    guards.record(root, found[0], self.clock)

    def _due(self, what: str, seconds: float) -> bool:
        now = self.clock.monotonic()
        if now - self._last.get(what, -seconds) < seconds:
            return False
        self._last[what] = now
        return True


def key_of(root: Root) -> Key:
    """Return what the watches of a root depend on."""
    return root.path, repr(Filter.of(root))

"""Hear CloudDrive2's push messages: one stream for each account.

It sends nothing again, so after each connection the roots are crawled once. A stream that is silent is proved alive by
a small question, which costs no request to a cloud. Changes made in the cloud by others come only where CloudDrive2
itself hears of them.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from mediasync.core.errors import MediasyncError, Snooze
from mediasync.core.paths import normalise
from monitors import services
from monitors.accounts import clouddrive, limits
from monitors.accounts.clouddrive_rpc import Push, Pushes
from monitors.hints.notices import Notice
from monitors.models import Account, Root

from .base import Desk, Feed
from .choosing import choose

TICK = 0.5  # seconds
SILENT = 60.0  # seconds without a message after which it is asked whether it is still there
MOST = 1000  # messages in one transaction
AHEAD = 10_000  # messages that wait for us; more stay with the sender


def wanted(roots: Sequence[Root]) -> Iterable[Feed]:
    """Return a feed for each account whose roots hear by it."""
    mine: defaultdict[int, list[Root]] = defaultdict(list)
    for root in roots:
        if choose(root)[0] == Root.Feed.CLOUDDRIVE and root.account is not None and root.account.enabled:
            mine[root.account.pk].append(root)
    for its in mine.values():
        account = its[0].account
        if account is not None and account.kind == Account.Kind.CLOUDDRIVE:
            yield PushFeed(account, its)


class PushFeed:
    """The feed ``clouddrive`` of one account."""

    kind = "clouddrive"

    def __init__(self, account: Account, roots: Sequence[Root]) -> None:
        self.account = account
        self.key, self.name = f"account {account.pk}", account.name
        self.root_ids = tuple(sorted(root.pk for root in roots))
        self.account_id: int | None = account.pk
        options = tuple(sorted((name, str(value)) for name, value in account.options.items()))
        # A root more needs no other stream, but its crawl after the connection.
        self.depends: Hashable = (options, account.secrets_sealed, self.root_ids)

    def run(self, desk: Desk) -> None:
        """See ``Feed.run``."""
        limits.take(self.account, pace=False)
        try:
            own = clouddrive.connection(self.account)
            stream = own.pushes()
        except MediasyncError as error:
            limits.failed(self.account, error)
            raise
        hearing = Hearing(stream)
        try:
            self._prove(own)
            desk.gap("feed_connected")  # only now: what happens from here on is heard
            desk.fine(address=own.access.address)
            self._follow(desk, own, hearing)
        finally:
            stream.cancel()
            hearing.join()

    def _follow(self, desk: Desk, own: Any, hearing: Hearing) -> None:
        heard_at = time.monotonic()
        while not desk.rest(0):
            pushes = hearing.take(TICK)
            if pushes:
                heard_at = time.monotonic()
                if self._handle(desk, pushes):
                    return
            elif hearing.ended.is_set():
                self._ended(hearing.error)
                return
            elif time.monotonic() - heard_at > SILENT:
                self._prove(own)
                desk.fine(address=own.access.address)
                heard_at = time.monotonic()

    def _prove(self, own: Any) -> None:
        try:
            own.alive()
        except MediasyncError as error:
            limits.failed(self.account, error)
            raise
        limits.succeeded(self.account)

    def _ended(self, error: Exception | None) -> None:
        """Raise why the stream broke; one that ended well is opened again."""
        if error is not None:
            limits.failed(self.account, error)
            raise error

    def _handle(self, desk: Desk, pushes: Sequence[Push]) -> bool:
        """Make hints of messages; True if CloudDrive2 says that it ends."""
        if notices := [notice for push in pushes for notice in notices_of(push)]:
            desk.commit(notices)
        if any(push.what == "mount" for push in pushes):
            self._check_guards()
        return any(push.what == "exit" for push in pushes)

    def _check_guards(self) -> None:
        for root in Root.objects.filter(account=self.account, enabled=True).select_related("account"):
            try:
                services.check_guard(root)
            except Snooze:
                continue  # the next crawl asks again


class Hearing:
    """Reads a stream in a thread of its own, as nothing can wait for a message and for the end of the feed at once."""

    def __init__(self, stream: Pushes) -> None:
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._inbox: queue.Queue[Push] = queue.Queue(AHEAD)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(stream,), name="clouddrive pushes", daemon=True)
        self._thread.start()

    def take(self, wait: float) -> list[Push]:
        """Return what was heard, after at most ``wait`` seconds."""
        found: list[Push] = []
        try:
            found.append(self._inbox.get(timeout=wait))
            while len(found) < MOST:
                found.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return found

    def join(self) -> None:
        """Wait until the thread has ended; the stream is cancelled already."""
        self._leaving.set()
        self._thread.join(5.0)

    def _run(self, stream: Pushes) -> None:
        try:
            for push in stream:
                while not self._leaving.is_set():
                    try:
                        self._inbox.put(push, timeout=TICK)
                        break
                    except queue.Full:
                        continue
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()


def notices_of(push: Push) -> Iterator[Notice]:
    """Yield what a message says; a rename is what is no longer there and what is there now, of one group."""
    if push.what != "change":
        return
    group = uuid.uuid4().hex if push.change == "rename" else ""
    old = _path(push.path)
    if push.change == "create":
        if old:
            yield Notice(old, "upsert", push.is_dir)
        return
    if old:
        yield Notice(old, "delete", push.is_dir, group=group)
    if push.change == "rename" and (new := _path(push.new_path)):
        yield Notice(new, "upsert", push.is_dir, group=group)


def _path(text: str) -> str:
    """Return a path as we store it; "" for what none can be."""
    try:
        return normalise(text) if "\0" not in text else ""
    except ValueError:
        return ""

"""The feed ``inotify``: what the kernel says of a root on a local disk.

What happened in the last second is only in memory; after every start the root is crawled, so nothing stays unseen.
"""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from mediasync.core.errors import NeedsOperator, Transient
from mediasync.core.paths import to_bytes
from monitors.filters import Filter, make_keep
from monitors.models import Root

from . import inotify
from .base import Desk
from .choosing import choose
from .tree import Heard, Tree

logger = logging.getLogger(__name__)

WAIT = 0.5  # seconds for an event
RETRY_SECONDS = 600.0  # how often it is tried again to watch what no watch was left for
MISSING_SECONDS = 10.0
LIMIT, INSTANCES = "feed_watch_limit", "feed_instance_limit"  # codes; the root is polled, too


class Kernel:
    """See ``base.Feed``."""

    kind = "inotify"
    account_id: int | None = None

    def __init__(self, root: Root) -> None:
        self.key, self.name, self.root_ids = f"root {root.pk}", root.name, (root.pk,)
        self.depends: Hashable = (root.path, repr(Filter.of(root)))
        self._root_id, self._path = root.pk, to_bytes(root.path)
        self._keep = make_keep(Filter.of(root).spec())
        self._tag = uuid.uuid4().hex[:20]  # cookies are only unique for a while

    def run(self, desk: Desk) -> None:
        tree = self._tree(desk)
        try:
            if desk.rest(0):
                return  # it may not be complete
            logger.info("watching %s: %d folders", self.name, len(tree))
            desk.gap("gap_start")
            self._say(desk, tree)
            tried, limit = 0.0, inotify.bound("watches")[0]
            while not desk.rest(0) and tree.is_there(self._path):
                self._tell(desk, tree.changed(WAIT))
                tried += WAIT  # at least
                if tree.overflowed:
                    logger.warning("events of %s were lost; all of it will be looked at", self.name)
                    tree.rebuild()
                    desk.gap("gap_overflow")
                elif tree.full and (tried >= RETRY_SECONDS or inotify.bound("watches")[0] != limit):
                    tried, limit = 0.0, inotify.bound("watches")[0]
                    tree.rebuild()
                    if not tree.full:
                        desk.gap("gap_partly")
                    self._say(desk, tree)
                if not tree.full:
                    self._say(desk, tree)
        finally:
            tree.close()
        if not desk.rest(0):
            raise self._missing()

    def _tree(self, desk: Desk) -> Tree:
        try:
            return Tree(self._path, self._keep, lambda: desk.rest(0))
        except OSError as error:
            if error.errno == errno.EMFILE:
                limit, setting = inotify.bound("instances")
                raise NeedsOperator(
                    "", code=INSTANCES, limit=limit, wanted=max(1024, 2 * limit), setting=setting
                ) from None
            if error.errno == errno.ENOSPC:
                raise NeedsOperator("", code=LIMIT, **_numbers(0, 1)) from None
            raise self._missing() from None

    def _missing(self) -> Transient:
        return Transient("The folder is not there.", code="guard_missing", retry_after=MISSING_SECONDS)

    def _say(self, desk: Desk, tree: Tree) -> None:
        if tree.full:
            facts = _numbers(len(tree), tree.unwatched)
            desk.fine(watches=len(tree), limit=facts["limit"], unwatched=tree.unwatched)
            desk.trouble(LIMIT, **facts)
        else:
            desk.fine(watches=len(tree), limit=inotify.bound("watches")[0], unwatched=0)

    def _tell(self, desk: Desk, heard: Heard) -> None:
        for name in heard.tests:
            desk.heard(name)
        root, moved = self._root_id, set[str]()
        for cookie, ends in heard.moves.items():
            moved |= ends
            arrived = [path for path, each in heard.arrived.items() if each == cookie]
            desk.look(root, ends, group=f"{self._tag}-{cookie}", deep=arrived)
        alone = [path for path, cookie in heard.arrived.items() if cookie not in heard.moves]
        if heard.folders - moved or heard.names or alone:
            desk.look(root, heard.folders - moved, heard.names, deep=alone)


def wanted(roots: Sequence[Root]) -> Iterator[Kernel]:
    """Yield the feed of each root that the kernel tells of."""
    for root in roots:
        if choose(root)[0] == Kernel.kind and root.mounted:
            yield Kernel(root)


def _numbers(watched: int, unwatched: int) -> dict[str, Any]:
    """Return what a person needs to raise the limit: twice what is held and wanted, as a power of two."""
    limit, setting = inotify.bound("watches")
    needed = inotify.used_by_others() + watched + unwatched
    return {
        "watched": watched,
        "folders": watched + unwatched,
        "limit": limit,
        "setting": setting,
        "needed": needed,
        "wanted": 1 << max(19, (2 * needed - 1).bit_length()),
    }

"""The feed ``polling``: ask folders for their times, those that change often more often, within a budget.

For file systems whose changes the kernel does not hear of. What differs from the snapshot becomes a hint; as it is
the snapshot that is compared with, a gap in polling costs time, and no crawl. Where a folder's time says nothing of
what is in it, folders are listed instead. A mount that hangs stops only this feed: a process of its own asks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Transient
from mediasync.core.paths import to_bytes, to_text
from monitors import guards
from monitors.filters import Filter
from monitors.listers import Crew, lister_of
from monitors.models import Directory, FeedState, Root
from monitors.walk import Known

from . import hot
from .base import Desk
from .choosing import choose
from .kernel import INSTANCES, LIMIT, Kernel

logger = logging.getLogger(__name__)

CYCLE_SECONDS = 10.0
HOT_SHARE = 0.7  # of the budget, at most; the rest goes round all folders
RESTS_SECONDS = 30.0  # between two looks at the same hot folder
TELL_AGAIN_SECONDS = 900.0  # what was told, and the crawl has not changed, is told again after it
DOWN_SECONDS = 30.0
COLUMNS = ("pk", "path", "mtime_ns", "signature")


class Polling:
    """See ``base.Feed``."""

    kind = "polling"
    account_id: int | None = None

    def __init__(self, root: Root, clock: Clock = system) -> None:
        self.key, self.name, self.root_ids = f"root {root.pk}", root.name, (root.pk,)
        place = (root.path, root.lister, root.account_id, root.remote_path, root.mounted, root.parallel)
        how = (root.poll_budget, root.feed_every, root.directory_mtime_moves)
        self.depends: Hashable = (place, how, repr(Filter.of(root)))
        self._root, self._clock = root, clock
        self._every = root.feed_every or CYCLE_SECONDS
        self._count = max(1, round(root.poll_budget * self._every / 60))  # folders in a cycle
        self._after: str | None = None  # where the round is
        self._looked: dict[str, float] = {}  # hot folder → when (monotonic)
        self._told: dict[str, tuple[object, float]] = {}  # folder → what was known when it was told of, and when

    def run(self, desk: Desk) -> None:
        self._check()
        lister = lister_of(self._root)
        forget = getattr(lister, "forget", None)  # of those that remember what they were told
        with lister.crew(lambda count: 0) as crew:
            while True:
                begun = time.monotonic()
                if forget:
                    forget()
                self.cycle(desk, crew)
                if desk.rest(max(0.5, self._every - (time.monotonic() - begun))):
                    return

    def cycle(self, desk: Desk, crew: Crew) -> None:
        """Look once at as many folders as the budget allows."""
        root, now = self._root, self._clock.now()
        seen = hot.learn(root.pk, desk.cursor, now)
        if seen != desk.cursor:
            desk.commit(cursor=seen)
        scores = hot.scores(root.pk, now)
        known = self._hottest(scores)
        known += self._next(self._count - len(known), {each[0] for each in known})
        differ = self._differ(desk, crew, known)
        if differ is None:
            return
        if told := self._new(differ):
            self._check()  # of a mount that went away, everything differs
            desk.look(root.pk, told)
        folders = Root.objects.filter(pk=root.pk).values_list("directories", flat=True).first() or 0
        round_seconds = round(folders * 60 / max(1, root.poll_budget) / (1 - HOT_SHARE if scores else 1))
        desk.fine(folders=folders, hot=len(scores), budget=root.poll_budget, round_seconds=round_seconds)

    def _check(self) -> None:
        verdict = guards.check(self._root)
        if verdict.down:
            root = Root.objects.get(pk=self._root.pk)
            guards.record(root, verdict, self._clock)
            raise Transient("The root is down.", code=verdict.code, retry_after=DOWN_SECONDS, **verdict.params)

    def _hottest(self, scores: dict[str, float]) -> list[Known]:
        """Return the hot folders whose turn it is: that changed often, and were not looked at for long."""
        now = self._clock.monotonic()
        waits = {path: now - self._looked.get(path, now - 3600.0) for path in scores}
        turn = sorted((path for path in scores if waits[path] >= RESTS_SECONDS), key=lambda p: -scores[p] * waits[p])
        chosen = turn[: max(1, int(self._count * HOT_SHARE))]
        self._looked = {path: at for path, at in self._looked.items() if path in scores} | dict.fromkeys(chosen, now)
        return _known(Directory.objects.filter(root=self._root, path__in=chosen, error="").values_list(*COLUMNS))

    def _next(self, count: int, but: set[int]) -> list[Known]:
        """Return the next folders of the round over all of them."""
        if count <= 0:
            return []
        rows = Directory.objects.filter(root=self._root, error="").order_by("path")
        rows = rows if self._after is None else rows.filter(path__gt=self._after)
        found = list(rows.values_list(*COLUMNS)[:count])
        self._after = found[-1][1] if len(found) == count else None
        return _known(row for row in found if row[0] not in but)

    def _differ(self, desk: Desk, crew: Crew, known: list[Known]) -> list[Known] | None:
        """Return what differs from the snapshot; None if the feed is to end."""
        if self._root.directory_mtime_moves:
            moved: list[Known] = []
            for part in crew.stat([known]):
                moved += part
                if desk.rest(0):
                    return None
            return moved
        ids: set[int] = set()
        for _listed, found in crew.check([known]):
            ids |= {each[0] for each in found if each[3] is not None or each[5]}
            if desk.rest(0):
                return None
        return [each for each in known if each[0] in ids]

    def _new(self, differ: Sequence[Known]) -> list[str]:
        """Return the folders to tell of: a crawl that has not come yet is not asked for again and again.

        A folder that was listed just after it changed is known with the time 0: whatever its time says, it is told of.
        """
        now, out = self._clock.monotonic(), []
        self._told = {path: each for path, each in self._told.items() if now - each[1] < TELL_AGAIN_SECONDS}
        for _pk, below, *known in differ:
            path = to_text(below)
            if path not in self._told or self._told[path][0] != known or not known[0]:
                self._told[path] = (known, now)
                out.append(path)
        return out


def wanted(roots: Sequence[Root]) -> Iterator[Polling]:
    """Yield the feed of each root that is polled: as its feed, or beside one that lacks watches."""
    partly = FeedState.objects.filter(kind=Kernel.kind, code__in=(LIMIT, INSTANCES))
    lacking = set(partly.values_list("root_id", flat=True))
    for root in roots:
        kind = choose(root)[0]
        if kind == Polling.kind or (kind == Kernel.kind and root.pk in lacking):
            yield Polling(root)


def _known(rows: Iterable[tuple[int, str, int, int]]) -> list[Known]:
    return [(pk, to_bytes(path), mtime, signature) for pk, path, mtime, signature in rows]

"""A list of files in memory that is searched like a server: same titles first, then alike ones; kept for a while."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from rapidfuzz import fuzz, process

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Permanent, Transient

from ..matching import score, title_of
from ..sources.base import Reach, TrackMeta
from .base import Candidate

FRESH = 900.0  # seconds
LONG = 5.0  # seconds: who fails faster holds up nobody
SOON = 60.0  # seconds until a list is asked for again that could not be had
KEPT = 8  # lists in memory
ALIKE, MOST_ALIKE = 60.0, 50  # of 100, and titles: even with the same artist and length, less is hardly weak


class Shelf:
    """Candidates by what they are called; ISRC and MusicBrainz ids find them too."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_title: dict[str, list[Candidate]] = defaultdict(list)
        self._by_id: dict[str, list[Candidate]] = defaultdict(list)
        self.size = 0
        for each in candidates:
            self.size += 1
            self._by_title[title_of(each.title)].append(each)
            for number in (each.isrc, each.mbid):
                if number:
                    self._by_id[number.casefold()].append(each)
        self._titles = list(self._by_title)

    def search(self, want: TrackMeta, limit: int) -> Sequence[Candidate]:
        """Return what may be the song, the surest first."""
        found = {each.key: each for number in (want.isrc, want.mbid) for each in self._by_id.get(number.casefold(), ())}
        title = title_of(want.title)
        if title in self._by_title:
            found |= {each.key: each for each in self._by_title[title]}
        elif title:
            alike = process.extract(title, self._titles, scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_ALIKE)
            found |= {each.key: each for name, *_rest in alike for each in self._by_title[name]}
        return sorted(found.values(), key=lambda each: -score(want, each))[:limit]


_shelves: OrderedDict[Any, tuple[float, Shelf | Exception]] = OrderedDict()
_locks: dict[Hashable, threading.Lock] = {}
_guard = threading.Lock()


def kept(
    reach: Reach, key: Hashable, build: Callable[[], Iterable[Candidate]], *, clock: Clock = clocks.system
) -> Shelf:
    """Return the shelf of ``key``, built when there is none or it is old; one thread builds, the others wait.

    Where that took long and failed, those who waited (and who come in the next minute) hear the same.

    Each start of a job (``reach.occasion``) has its own: what was added just before it is found.
    """
    key = (reach.occasion, key)
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        known = _shelves.get(key)
        age = math.inf if known is None else clock.monotonic() - known[0]
        if known is not None and isinstance(known[1], Shelf) and 0 <= age < FRESH:
            return known[1]
        if known is not None and isinstance(known[1], Exception) and 0 <= age < SOON:
            raise known[1].with_traceback(None)
        shelf: Shelf | Exception
        began = clock.monotonic()
        try:
            shelf = Shelf(build())
        except (Transient, Permanent) as error:
            if clock.monotonic() - began < LONG:
                raise
            shelf = error
        with _guard:
            _shelves[key] = clock.monotonic(), shelf
            _shelves.move_to_end(key)
            while len(_shelves) > KEPT:
                _locks.pop(_shelves.popitem(last=False)[0], None)
        if isinstance(shelf, Exception):
            raise shelf
        return shelf


def forget(job: int | None = None) -> None:
    """Forget the shelves of a job, or all: the next search looks again."""
    with _guard:
        for key in list(_shelves):
            if job is None or (key[0] and key[0][0] == job):
                del _shelves[key]
                _locks.pop(key, None)

"""Find and fetch one song: ask all sources, try the trusted candidates in order, note the weak ones."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError

from mediasync.core.errors import (
    AccessDenied,
    LostLease,
    NeedsOperator,
    Permanent,
    Snooze,
    Transient,
    Unreachable,
    WorkError,
)
from mediasync.jobs.choices import Level
from mediasync.jobs.leases import DatabaseGone
from mediasync.jobs.registry import Context

from . import fetching, keeping, reviews, rooms
from .asking import forget_failure, hitches, note_failure, occasion, refusals
from .checking import Facts, examine
from .downloads.base import Candidate, sound
from .downloads.base import DownloadSource as FileSource
from .errors import Unavailable
from .matching import Scored, rank, score
from .models import DownloadSource, FileLocation, Song
from .reach import file_source
from .songs import want_of

logger = logging.getLogger(__name__)

SEARCH = "search"  # what was being done when a source refused us
LIMIT = 10  # candidates that each source is asked for
OURS = (NeedsOperator, Snooze, LostLease, DatabaseGone, DatabaseError, InterfaceError)  # no fault of a candidate


class Hunt:
    """One song in one item."""

    def __init__(self, ctx: Context, song: Song, rows: Sequence[DownloadSource]) -> None:
        self.ctx, self.song = ctx, song
        self.when = occasion(ctx.job.id)
        self.want = want_of(song)
        self.rows: Mapping[str, DownloadSource] = {row.name: row for row in rows}
        self.places = {name: place for place, name in enumerate(self.rows)}
        self.hitch: Transient | None = None  # the last error after which trying again may help
        self.failed = 0
        self.unasked: set[str] = set()  # sources that did not answer, or refuse us
        self._made: dict[str, FileSource] = {}
        self._kept = ExitStack()

    def run(self) -> FileLocation:
        """Fetch the song and return where it is now.

        Raises Transient (somebody could not be asked), AccessDenied (all of them refuse us), Permanent (weak_match,
        song_not_found, not_all_asked, none_worked) and NeedsOperator (no room).
        """
        with self._kept:
            chosen, refused = reviews.answers(self.song)
            found = self._try((each for each in chosen if each.source in self.rows), chosen=True)
            if found is not None:
                return found
            scored = self._search(refused)
            found = self._try(each.candidate for each in rank(scored))
            if found is not None:
                return found
        raise self._nothing([each for each in scored if each.weak])

    def _nothing(self, weak: list[Scored]) -> WorkError:
        """Write down that the song was looked for, with what a person could choose, and return why it is not here."""
        if refusals.of(self.when).keys() >= set(self.rows):
            return AccessDenied("No source lets us in.", code="source_denied")
        with self.ctx.transaction():
            if self.hitch is None:
                Song.objects.filter(pk=self.song.pk, resolved=False).update(resolved=True)
            count = reviews.note(self.song, weak)
        if self.hitch is not None:
            return self.hitch
        if self.failed:
            return Permanent("No candidate could be fetched.", code="none_worked", count=self.failed)
        if weak:
            return Permanent("What was found may be another song: have a look.", code="weak_match", count=count)
        if self.unasked:
            names = ", ".join(sorted(self.unasked))
            return Permanent(f"It was not found, but {names} could not be asked.", code="not_all_asked", names=names)
        return Permanent("No source has this song.", code="song_not_found")

    def _search(self, refused: Collection[tuple[str, str]]) -> list[Scored]:
        scored = []
        for name in self.rows:
            if name in refusals.of(self.when):
                self.unasked.add(name)
                continue
            if late := hitches.of(self.when).get(name):
                self.hitch = late
                continue
            self.ctx.checkpoint()
            for candidate in self._ask(name):
                if (name, reviews.key_of(candidate)) not in refused:
                    scored.append(Scored(candidate, score(self.want, candidate), self.places[name]))
        return scored

    def _ask(self, name: str) -> Sequence[Candidate]:
        try:
            found = [sound(each) for each in self._source(name).search(self.want, LIMIT)]
        except OURS:
            raise
        except AccessDenied as error:
            self.unasked.add(name)
            self._deny(name, error)
            return []
        except Exception as error:
            if isinstance(error, Unreachable):
                hitches.note(self.when, name, error)
            self.unasked.add(name)
            self._note("search_failed", name, error)
            return []
        forget_failure(self.rows[name], SEARCH, self.ctx)
        return found

    def _try(self, candidates: Iterator[Candidate], *, chosen: bool = False) -> FileLocation | None:
        """Keep the first that can be had; of one that a person chose, its length is not compared with the song's."""
        for candidate in candidates:
            self.ctx.checkpoint()
            if (candidate.size or 0) > fetching.MOST:  # no reason to ask for room
                self._failed(candidate, Unavailable("The file is too large.", code="too_large", size=candidate.size))
                continue
            room = rooms.room(self.ctx.job.scope.get("root"))
            rooms.need(room, candidate.size)
            part: Path | None = None
            try:
                part = fetching.part_for(room.container_name, self.song.pk, candidate)
                duration = candidate.duration or (None if chosen else self.want.duration)
                facts = self._bring(candidate, part, duration)
                if facts is not None:
                    return keeping.keep(self.ctx, self.song, self.want, room, part, facts, candidate)
            except OSError as error:  # of our disk: sources turn theirs into our errors
                _drop(part)
                raise rooms.gone(room, error) from None
        return None

    def _bring(self, candidate: Candidate, part: Path, duration: float | None) -> Facts | None:
        """Fill ``part`` and return what it is; None, with its reason in the log, if this candidate cannot be had."""
        try:
            fetch = self._source(candidate.source).fetch(candidate, part, Teller(self.ctx, self.song, candidate))
            return examine(part, size=fetch.size, digest=fetch.digest, duration=duration)
        except (*OURS, OSError):
            raise
        except Exception as error:
            if not isinstance(error, Transient):  # what was only cut off is gone on with
                _drop(part)
            self._failed(candidate, error)
            return None

    def _failed(self, candidate: Candidate, error: Exception) -> None:
        self.failed += 1
        self._note("candidate_failed", candidate.source, error, title=candidate.title)

    def _source(self, name: str) -> FileSource:
        if name not in self._made:
            lent = file_source(self.rows[name], self.ctx, occasion=self.when)
            self._made[name] = self._kept.enter_context(lent)
        return self._made[name]

    def _deny(self, name: str, error: AccessDenied) -> None:
        """Ask a source that refused our login no more in this job; its page says why."""
        refusals.note(self.when, name, error)
        self.ctx.log("source_dropped", Level.ERROR, source=name, message=str(error))
        note_failure(self.rows[name], SEARCH, error, self.ctx)

    def _note(self, code: str, name: str, error: Exception, **facts: Any) -> None:
        if isinstance(error, Transient):
            self.hitch = error
        elif not isinstance(error, WorkError):
            logger.warning("download source %s", name, exc_info=error)
        why = getattr(error, "code", type(error).__name__)
        self.ctx.log(code, Level.WARNING, source=name, reason=why, message=str(error)[:300], **facts)


class Teller:
    """Says how far a download is, and stops it when that was asked for."""

    def __init__(self, ctx: Context, song: Song, candidate: Candidate) -> None:
        self._ctx = ctx
        self._text = f"{song} ← {candidate.source}"
        self._began = time.monotonic()
        self._first: int | None = None  # bytes that were there from an earlier try

    def __call__(self, done: int, total: int | None) -> None:
        self._first = done if self._first is None else self._first
        seconds = max(0.001, time.monotonic() - self._began)
        self._ctx.progress(self._text, bytes_per_second=(done - self._first) / seconds)
        self._ctx.checkpoint()


def _drop(part: Path | None) -> None:
    for each in (part, part and part.with_suffix(".json")):
        if each is not None:
            try:
                each.unlink(missing_ok=True)
            except OSError:
                logger.warning("a part could not be removed", exc_info=True)

"""One folder: what it should have, what our rows say, what stands there → what is done."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mediasync.core.paths import join, to_bytes
from scanning.models import Link, LinkRule

from . import disk, names, trash
from .batch import Work
from .build import HOPELESS
from .rules import RuleSpec
from .store import Row
from .tree import There, Tree
from .wanted import COPY, IMPOSSIBLE, STRM, SYMLINK, Wanted

OK, CONFLICT = str(Link.State.OK), str(Link.State.CONFLICT)
REMOVED, TRASHED = str(Link.State.REMOVED), str(Link.State.TRASHED)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run may do."""

    may_remove: bool
    today: dt.date
    moved: frozenset[str] = frozenset()  # sources (below the root) that live on under another path


@dataclass(slots=True)
class Settled:
    """What was done in a folder."""

    rows: list[Row] = field(default_factory=list)  # to be written
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)  # (code, name)
    emptied: bool = False  # something was removed: the folder may be empty now
    clean: bool = True  # all in it is right and can be proved by the time of the folder


def new_links(work: Work) -> list[str]:
    """Return name, content, name, content … of what can be made together with its folder."""
    if work.rows:
        return []  # of links that were removed: think before
    return [text for wanted in work.wanted if wanted.how == SYMLINK for text in (wanted.name, wanted.content)]


def made_new(work: Work, lost: Sequence[str]) -> tuple[Settled, list[Wanted]]:
    """Return what was made together with the folder (all but ``lost``), and what needs more thought."""
    rows: list[Row] = []
    rest: list[Wanted] = []
    for wanted in work.wanted:
        name, source, how, content, _body = wanted
        if how != SYMLINK or name in lost:
            rest.append(wanted)
        else:
            rows.append(Row(name, source, how, content, OK))
    return Settled(rows, Counter(made=len(rows)) if rows else Counter()), rest


def settle(spec: RuleSpec, terms: Terms, tree: Tree, work: Work, lost: Sequence[str] | None) -> Settled:
    """Bring one folder into step; ``lost`` as for a Settler. The quick way first: all was made with the folder."""
    if lost is not None and not work.rows:
        done, rest = made_new(work, lost)
        if not rest:
            return done
    return Settler(spec, terms, tree, work, lost).run()


class Settler:
    """Settles one folder; errors of the target (full, read-only) are the system's and end the batch."""

    def __init__(self, spec: RuleSpec, terms: Terms, tree: Tree, work: Work, lost: Sequence[str] | None) -> None:
        """``lost`` are the names of new links that could not be made; None for a folder that was there before."""
        self.spec, self.terms, self.work, self.lost, self.fresh = spec, terms, work, lost, lost is not None
        self.path = work.place.path
        self.base = tree.place(self.path)
        self.there = tree.look(self.path)
        self.temp = disk.temporary(self.base, spec.id)
        self.by_name = {row.name: row for row in work.rows}
        self.used: set[str] = set()
        self.done = Settled()

    def run(self) -> Settled:
        """Make first, remove then."""
        if self.there is There.REAL and not self.fresh:
            disk.remove_quietly(self.temp)
        for wanted in self._take_made(self.lost) if self.lost is not None and not self.work.rows else self.work.wanted:
            if wanted.how == STRM and wanted.content == IMPOSSIBLE:
                self._problem("link_strm_newline", wanted.name)
            elif self.there is not There.REAL:
                self._conflict(wanted)
            else:
                self._settle(wanted)
        for row in self.work.rows:
            if row.name not in self.used and row.state in (OK, CONFLICT):
                self._drop(row)
        return self.done

    def _take_made(self, lost: Sequence[str]) -> list[Wanted]:
        """Take note of the links that were made with their folder; return what needs more thought."""
        self.done, rest = made_new(self.work, lost)
        self.used.update(row.name for row in self.done.rows)
        return rest

    def _settle(self, wanted: Wanted) -> None:
        if wanted.how != SYMLINK:
            self.done.clean = False
        try:
            for name in self._candidates(wanted):
                if self._try(name, wanted):
                    return
            self._conflict(wanted)
        except SourceUnreadable:
            self._problem("link_source_unreadable", wanted.name)
            self.used.add(wanted.name)
        except OSError as error:
            if error.errno not in HOPELESS:
                raise
            self._problem("link_name_impossible", wanted.name)

    def _candidates(self, wanted: Wanted) -> Iterator[str]:
        yield wanted.name
        if self.spec.collision == LinkRule.Collision.NUMBER:
            yield from names.numbered(wanted.name)

    def _try(self, name: str, wanted: Wanted) -> bool:
        """Have the link under this name; False if something that is not ours stands there."""
        if name in self.used:
            return False
        path = self.base + b"/" + to_bytes(name)
        right = None if self.fresh else disk.matches(path, wanted.how, wanted.content)
        if right:
            self._keep("right", name, wanted, wanted.content)
            return True
        if right is False:
            return self._replace(path, name, wanted)
        content = self._make(path, wanted)
        if content is not None:
            self._keep("made", name, wanted, content)
        return content is not None

    def _make(self, path: bytes, wanted: Wanted) -> str | None:
        """Make a link where nothing was a moment ago; return its content, None if something is there by now."""
        if wanted.how == SYMLINK:
            try:
                os.symlink(to_bytes(wanted.content), path)
            except FileExistsError:
                return wanted.content if disk.matches(path, SYMLINK, wanted.content) else None
            return wanted.content
        return None if os.path.lexists(path) else self._put(path, wanted)

    def _put(self, path: bytes, wanted: Wanted) -> str:
        source = to_bytes(self.spec.source(self.path, wanted.source))
        if wanted.how == COPY and not os.access(source, os.R_OK):
            raise SourceUnreadable
        return disk.put(path, wanted, source, self.temp)

    def _replace(self, path: bytes, name: str, wanted: Wanted) -> bool:
        """Put the right link in the place of an old one of ours; False if what is there is not ours."""
        row = self.by_name.get(name)
        if row is None or row.state != OK or not disk.matches(path, row.how, row.content):
            return False
        if self.spec.collision == LinkRule.Collision.KEEP:
            self.done.clean = False
            self._count("kept")
            self.used.add(name)
        else:
            self._keep("replaced", name, wanted, self._put(path, wanted))
        return True

    def _keep(self, what: str, name: str, wanted: Wanted, content: str) -> None:
        self._count(what)
        self.used.add(name)
        row = Row(name, wanted.source, wanted.how, content, OK)
        if what == "made" or self.by_name.get(name) != row:  # one that was made again is news too (repairs.py)
            self.done.rows.append(row)

    def _conflict(self, wanted: Wanted) -> None:
        self._problem("link_conflict", wanted.name)
        self._count("conflicts")
        self.used.add(wanted.name)
        row = Row(wanted.name, wanted.source, wanted.how, wanted.content, CONFLICT)
        if self.by_name.get(wanted.name) != row:
            self.done.rows.append(row)

    def _drop(self, row: Row) -> None:
        """Remove a link that should not be there any more, if it is ours and the guard is OK."""
        path = self.base + b"/" + to_bytes(row.name)
        ours = disk.matches(path, row.how, row.content) if self.there is There.REAL else None
        if self.there is There.BLOCKED or ours is False:
            if row.state != CONFLICT:
                self.done.rows.append(row._replace(state=CONFLICT))
            return
        if not self.terms.may_remove:
            self.done.clean = False
            self._count("held")
            return
        state = REMOVED
        if ours:
            state = self._remove(path, row)
        self.done.emptied = True  # also when a crash left it half done
        self._count("removed")
        self.done.rows.append(row._replace(state=state))

    def _remove(self, path: bytes, row: Row) -> str:
        moved = join(self.path, row.source) if self.path else row.source
        if self.spec.trash_days and moved not in self.terms.moved:
            trash.put_away(to_bytes(self.spec.target), self.path, row.name, self.terms.today)
            return TRASHED
        os.unlink(path)
        return REMOVED

    def _problem(self, code: str, name: str) -> None:
        self.done.clean = False
        self.done.problems.append((code, name))
        if code != "link_conflict":
            self._count("failed")

    def _count(self, what: str) -> None:
        self.done.counts[what] += 1


class SourceUnreadable(Exception):
    """The source of a copy is not there or may not be read just now."""

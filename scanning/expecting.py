"""What a server should know once it has done what it was asked: the files that changed, not merely their folder.

A season folder is known long before its new episode is; so each request is proved by the files of the changes behind
it. A request without a change (a person named the path) is proved by its own path.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mediasync.core import foreign
from mediasync.core.paths import is_within
from mediasync.servers.models import Server
from monitors.models import Change, Root

from . import facts, taken
from .facts import Fact
from .links.selectors import rule_of
from .models import ScanRequest
from .telling import Listener
from .units import DISC_FOLDERS, Unit, cut, is_ignored

Update = ScanRequest.Update
MOST = 20_000  # changes looked at for one round


@dataclass(frozen=True, slots=True)
class Expected:
    """One path that should be known (``here``), or should not be any more. ``local`` is "" for what is not here."""

    path: str  # as the server sees it
    local: str
    here: bool
    is_dir: bool = True
    replaced: bool = False  # the file has new content under its old name


@dataclass(slots=True)
class Proof:
    """What proves one request."""

    paths: dict[str, Expected] = field(default_factory=dict)
    changed_at: dt.datetime | None = None  # when the first change behind it was seen

    def add(self, expected: Expected) -> None:
        """Let the later of two expectations for a path count."""
        self.paths[expected.path] = expected


def proofs(listener: Listener, rows: Sequence[ScanRequest]) -> dict[int, Proof]:
    """Return what proves each of these requests of one server, by their ids."""
    found = {row.pk: Proof() for row in rows}
    by_place: defaultdict[tuple[str, ...], list[ScanRequest]] = defaultdict(list)
    for row in rows:
        by_place[foreign.split(row.path).key].append(row)
    for change, fact in _facts(rows):
        mapped = listener.rules.translate(fact.local).path
        for row in _above(by_place, mapped) if mapped else ():
            if _was_told(row, change):
                proof = found[row.pk]
                proof.add(_expected(listener, row, Unit(mapped or "", fact.local, fact.update, fact.is_dir)))
                proof.changed_at = min(proof.changed_at or change.seen_at, change.seen_at)
    for row in rows:
        if not found[row.pk].paths:
            unit = Unit(row.path, row.local_path, row.update, row.is_dir)
            found[row.pk].add(_expected(listener, row, unit, by_change=False))
    return found


def _facts(rows: Sequence[ScanRequest]) -> Iterator[tuple[Change, Fact]]:
    """Yield what was told in the time of these requests, oldest first."""
    since, until = min(row.first_at for row in rows), max(row.sent_at or row.last_at for row in rows)
    for root in _roots(rows):
        told = Change.objects.filter(root=root, state=Change.State.TOLD)
        changes = list(told.filter(told_at__range=(since, until)).order_by("-id")[:MOST])
        if len(changes) == MOST:  # of the rest, at least the last one behind each request
            wanted = {row.change_id for row in rows if row.change_id} - {change.pk for change in changes}
            changes += told.in_bulk(wanted).values()
        changes.sort(key=lambda change: change.pk)
        for change, group in zip(changes, facts.of_changes(root, changes), strict=True):
            for fact in group:
                yield change, fact


def _roots(rows: Sequence[ScanRequest]) -> list[Root]:
    """Return the roots in which, or in whose folder of links, the requests lie."""
    wanted = {row.local_path for row in rows if row.local_path and row.source != "manual"}
    return [
        root for root in Root.objects.all() if any(is_within(local, top) for top in _tops(root) for local in wanted)
    ]


def _tops(root: Root) -> Iterable[str]:
    rule = rule_of(root.pk)
    return (root.path, rule.target) if rule else (root.path,)


def _was_told(row: ScanRequest, change: Change) -> bool:
    return change.told_at is not None and row.first_at <= change.told_at <= (row.sent_at or row.last_at)


def _above(by_place: Mapping[tuple[str, ...], list[ScanRequest]], path: str) -> Iterator[ScanRequest]:
    """Yield the requests for a path or for a folder above it."""
    try:
        key = foreign.split(path).key
    except ValueError:
        return
    for length in range(len(key), 0, -1):
        yield from by_place.get(key[:length], ())


def _expected(listener: Listener, row: ScanRequest, unit: Unit, *, by_change: bool = True) -> Expected:
    """Return what the server should list for a unit: what it never lists by itself is proved by the folder above."""
    location = listener.places.location_of(unit.path)
    here = unit.update != Update.DELETED
    if location is None:
        return Expected(unit.path, unit.local, here, unit.is_dir)
    shown = cut(unit, location, lambda name: name.casefold() in DISC_FOLDERS or taken.is_extra(name))
    if listener.server.kind == Server.Kind.JELLYFIN:
        shown = cut(shown, location, is_ignored)
    if not shown.is_dir and not taken.takes(row.library.kind if row.library else "", shown.path):
        shown = shown.up() if here else shown
    same = shown == unit
    if not here and not same:  # it was never listed: nothing can be left of it
        return Expected(unit.path, unit.local, here=False, is_dir=unit.is_dir)
    replaced = same and by_change and unit.update == Update.MODIFIED and not unit.is_dir
    return Expected(shown.path, shown.local, here, shown.is_dir, replaced)

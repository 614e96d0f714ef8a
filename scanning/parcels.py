"""Bundle the requests that are due into what one call to a server can say, and set aside what must not be sent."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from django.db.models import Q

from mediasync.core import foreign
from mediasync.servers.clients.base import ScanTarget, Update
from mediasync.servers.models import Library, Server
from mediasync.servers.selectors import Places
from monitors.guards import Verdict

from .batches import directories
from .models import ScanRequest
from .requests import chunks
from .selectors import ripe
from .sight import Unclear
from .units import Unit, climb, cut, names_below

MOST = 5000  # requests looked at in one round
DELETED = ScanRequest.Update.DELETED


class Looks(Protocol):
    """What is asked of ``sight.Sight``."""

    def is_folder(self, local: str) -> bool: ...
    def exists(self, local: str) -> bool: ...
    def verdict(self, local: str) -> Verdict: ...
    def verdict_of_all(self, local: str) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """Requests that one call answers. ``path`` is the directory that is asked for; "" if each row names its own."""

    library: Library | None  # whose pace counts; None: that of the server
    ids: Sequence[int]
    path: str = ""

    def targets(self, rows: Iterable[ScanRequest]) -> list[ScanTarget]:
        """Return what to say, from the rows as they are by now."""
        if self.path and self.library:
            return [ScanTarget(self.path, "Modified", True, self.library.key)]
        found: dict[str, ScanTarget] = {}
        for row in rows:
            key = row.library.key if row.library else ""
            found[row.path] = ScanTarget(row.path, cast(Update, row.update), row.is_dir, key)
        return list(found.values())


@dataclass(slots=True)
class Round:
    """What is to be done with the requests at hand, by their ids."""

    parcels: list[Parcel] = field(default_factory=list)
    held: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by reason
    collect: list[int] = field(default_factory=list)  # make the server look through a whole location: not at once
    later: defaultdict[dt.datetime, list[int]] = field(default_factory=lambda: defaultdict(list))  # with a folder
    vanished: list[int] = field(default_factory=list)  # not there any more, and nobody confirmed a removal
    lost: list[int] = field(default_factory=list)  # their library is gone, or another one has the path by now


def for_directories(server: Server, places: Places, sight: Looks, now: dt.datetime) -> Round:
    """Bundle for a server that takes one existing directory at a time (Plex).

    When all of a location is looked through, what waits for that goes along: one such scan a window.
    """
    found = Round()
    wanted: defaultdict[Library, list[tuple[int, str]]] = defaultdict(list)
    whole: set[tuple[int, str]] = set()
    for row in ripe(server.pk, now).filter(Q(due_at__lte=now) | Q(top_level=True))[:MOST]:  # what is due first
        location = _location(row, places)
        if row.library is None or location is None:
            found.lost.append(row.pk)
            continue
        if row.due_at > now and (row.library.pk, location) not in whole:
            continue
        try:
            unit = _existing(row, location, sight)
            if unit is not None and unit.path == location:
                _clear(sight.verdict_of_all(unit.local) if unit.local else Verdict())
        except Unclear as error:
            found.held[str(error)].append(row.pk)
            continue
        if unit is None:
            found.vanished.append(row.pk)
        elif unit.path == location and not row.top_level:
            found.collect.append(row.pk)
        elif row.due_at <= now or unit.path == location:
            wanted[row.library].append((row.pk, unit.path))
            if unit.path == location:
                whole.add((row.library.pk, location))
    for library, rows in wanted.items():
        found.parcels += [Parcel(library, each.rows, each.path) for each in directories(rows, places.location_of)]
    return found


def _location(row: ScanRequest, places: Places) -> str | None:
    """Return the location that holds the path of a request; None if that is no longer one of its library."""
    return places.location_of(row.path) if row.library in places.libraries_for(row.path) else None


def _clear(verdict: Verdict) -> None:
    if not verdict.ok:
        raise Unclear(verdict.code)


def _unit(row: ScanRequest) -> Unit:
    return Unit(row.path, row.local_path, row.update, row.is_dir)


def _existing(row: ScanRequest, location: str, sight: Looks) -> Unit | None:
    if row.update == DELETED:
        return climb(_unit(row), location, sight.is_folder)
    return _unit(row) if not row.local_path or sight.is_folder(row.local_path) else None


def for_files(server: Server, places: Places, sight: Looks, now: dt.datetime, batch: int) -> Round:
    """Bundle for a server that takes many paths at once (Emby, Jellyfin): all that waits goes along with what is due.

    What makes it look through a whole location keeps waiting for its window, and then takes the others along.
    """
    found = Round()
    rows = list(ripe(server.pk, now)[:MOST])
    chosen = [row for row in rows if row.due_at <= now]
    if any(row.top_level for row in chosen):
        chosen = rows
    elif chosen:
        chosen = _without_new_folders(rows, found)
    ready: list[tuple[ScanRequest, str]] = []
    for row in chosen:
        location = _location(row, places)
        if location is None:
            found.lost.append(row.pk)
        elif code := _obstacle(server, row, location, sight):
            found.held[code].append(row.pk)
        else:
            ready.append((row, location))
    if server.kind == Server.Kind.JELLYFIN:
        ready = _without_neighbours(ready, found, now)
    found.parcels = [Parcel(None, chunk) for chunk in chunks([row.pk for row, _ in ready], batch)]
    return found


def _without_new_folders(rows: Sequence[ScanRequest], found: Round) -> list[ScanRequest]:
    """Leave out new folders that are being collected, and what lies in them: it would be looked for all around."""
    folders = {foreign.split(row.path).key: row.due_at for row in rows if row.top_level}
    kept = []
    for row in rows:
        key = foreign.split(row.path).key
        due = next((folders[key[:length]] for length in range(1, len(key) + 1) if key[:length] in folders), None)
        if due is None:
            kept.append(row)
        elif row.due_at < due:
            found.later[due].append(row.pk)
    return kept


def _without_neighbours(
    ready: Sequence[tuple[ScanRequest, str]], found: Round, now: dt.datetime
) -> list[tuple[ScanRequest, str]]:
    """Leave out several paths right below one location: Jellyfin makes one look at the location of them.

    They are collected as new folders are, but for those that a person asked for now.
    """
    whole = {location for row, location in ready if row.top_level}  # is looked through anyhow
    shallow: defaultdict[str, list[ScanRequest]] = defaultdict(list)
    for row, location in ready:
        if location not in whole and len(names_below(_unit(row), location)) == 1:
            shallow[location].append(row)
    apart = set()
    for neighbours in shallow.values():
        due = [row for row in neighbours if row.due_at <= now]
        apart |= {row.pk for row in neighbours if row.due_at > now}
        if len(due) > 1:
            found.collect += [row.pk for row in due if not _hurried(row)]
    apart |= set(found.collect)
    return [each for each in ready if each[0].pk not in apart]


def _hurried(row: ScanRequest) -> bool:
    """Tell whether it was due as soon as it was noted."""
    return row.due_at <= row.last_at


def _obstacle(server: Server, row: ScanRequest, location: str, sight: Looks) -> str:
    """Return the code of why a path must not be looked at just now, "" if it may.

    Jellyfin takes what it cannot list for gone, so it is never asked below a root in doubt (IOException is swallowed:
    MediaBrowser.Controller/Entities/Folder.cs).
    """
    verdict = sight.verdict(row.local_path) if row.local_path else Verdict()
    careful = row.update == DELETED or server.kind == Server.Kind.JELLYFIN
    if verdict.down or (careful and not verdict.ok):
        return verdict.code
    top = cut(_unit(row), location, lambda _name: True)
    if row.top_level and top.local and not (all_of_it := sight.verdict_of_all(top.local)).ok:
        return all_of_it.code
    return ""

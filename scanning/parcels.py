"""Bundle the requests that are due into what one call to a server can say, and set aside what must not be sent."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from mediasync.servers.clients.base import ScanTarget, Update
from mediasync.servers.models import Library
from mediasync.servers.selectors import Places
from monitors.guards import Verdict

from .batches import directories
from .models import ScanRequest
from .requests import chunks
from .selectors import ripe
from .sight import Unclear
from .units import Unit, climb

MOST = 5000  # requests looked at in one round
DELETED = ScanRequest.Update.DELETED


class Looks(Protocol):
    """What is asked of ``sight.Sight``."""

    def is_folder(self, local: str) -> bool: ...
    def exists(self, local: str) -> bool: ...
    def verdict(self, local: str) -> Verdict: ...


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
    vanished: list[int] = field(default_factory=list)  # not there any more, and nobody confirmed a removal
    lost: list[int] = field(default_factory=list)  # their library is gone


def for_directories(server_id: int, places: Places, sight: Looks, now: dt.datetime) -> Round:
    """Bundle for a server that takes one existing directory at a time (Plex)."""
    found = Round()
    wanted: defaultdict[Library, list[tuple[int, str]]] = defaultdict(list)
    for row in ripe(server_id, now).filter(due_at__lte=now)[:MOST]:
        location = places.location_of(row.path)
        if row.library is None or location is None:
            found.lost.append(row.pk)
            continue
        try:
            path = _existing(row, location, sight)
        except Unclear as error:
            found.held[str(error)].append(row.pk)
            continue
        if path is None:
            found.vanished.append(row.pk)
        elif path == location and not row.top_level:
            found.collect.append(row.pk)
        else:
            wanted[row.library].append((row.pk, path))
    for library, rows in wanted.items():
        found.parcels += [Parcel(library, each.rows, each.path) for each in directories(rows, places.location_of)]
    return found


def _existing(row: ScanRequest, location: str, sight: Looks) -> str | None:
    unit = Unit(row.path, row.local_path, row.update, row.is_dir)
    if row.update == DELETED:
        return climb(unit, location, sight.is_folder).path
    return row.path if not row.local_path or sight.is_folder(row.local_path) else None


def for_files(server_id: int, places: Places, sight: Looks, now: dt.datetime, batch: int) -> Round:
    """Bundle for a server that takes many paths at once (Emby, Jellyfin): all that waits goes along with what is due.

    What makes it look through a whole location keeps waiting for its window, and then takes the others along.
    """
    found = Round()
    rows = list(ripe(server_id, now)[:MOST])
    due = [row for row in rows if row.due_at <= now]
    if due and not any(row.top_level for row in due):
        due = [row for row in rows if not row.top_level]
    elif due:
        due = rows
    ids = []
    for row in due:
        verdict = sight.verdict(row.local_path) if row.local_path else Verdict()
        if row.library is None or places.location_of(row.path) is None:
            found.lost.append(row.pk)
        elif verdict.down or (row.update == DELETED and not verdict.ok):
            found.held[verdict.code].append(row.pk)
        else:
            ids.append(row.pk)
    found.parcels = [Parcel(None, chunk) for chunk in chunks(ids, batch)]
    return found

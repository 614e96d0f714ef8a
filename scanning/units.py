"""What a server is asked about: it differs by kind (docs/scans.md).

*Plex* takes a directory that exists; a missing one is skipped in silence, so a removal climbs to the nearest ancestor
that is still there. *Emby* takes the path itself with the true kind of change. *Jellyfin* takes files in folders it
knows; a new folder right below a location makes it look through the whole location, and so does a vanished one: those
are collected (``top_level``). Jellyfin drops paths of its ignore list in silence, so the folder above is sent.

All here is pure; what needs a disk or the snapshot is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mediasync.core import foreign
from mediasync.servers.models import Server

from .models import ScanRequest

Update = ScanRequest.Update
Exists = Callable[[str], bool]  # is there a folder (or anything) at this local path?

DISC_FOLDERS = frozenset({"bdmv", "certificate", "video_ts", "audio_ts", "hvdvd_ts"})
# jellyfin: Emby.Server.Implementations/Library/IgnorePatterns.cs; its globs ignore case.
_IGNORED = re.compile(
    r"\..*|metadata|ps3_update|ps3_vprm|extrafanart|extrathumbs|lost\+found|subs|temprec|tempsbe|@?eadir|#recycle"
    r"|@recycle|\$recycle\.bin|system volume information|.*\.trickplay|small\.jpg|albumart\.jpg|thumbs\.db"
    r"|.*\.(bts|sync)|(.*\.)?sample(\..{1,5})?",
    re.IGNORECASE,
)
_FOREIGN_BYTE = re.compile("[\U0010dc80-\U0010dcff]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A path as the server and as we see it. ``local`` is "" once the two no longer run in parallel."""

    path: str
    local: str
    update: str
    is_dir: bool
    top_level: bool = False

    def up(self) -> Unit:
        """Return the folder that holds it, as something modified."""
        here, local = foreign.split(self.path), foreign.split(self.local) if self.local else None
        parallel = local is not None and local.names[-1:] == here.names[-1:]
        return Unit(str(here.parent), str(local.parent) if local and parallel else "", Update.MODIFIED, True)


def names_below(unit: Unit, location: str) -> tuple[str, ...]:
    """Return the components of a unit below the location of its library."""
    return foreign.split(unit.path).below(foreign.split(location)) or ()


def cut(unit: Unit, location: str, refused: Callable[[str], bool]) -> Unit:
    """Climb to the folder that holds the first component which is refused."""
    names = names_below(unit, location)
    keep = next((index for index, name in enumerate(names) if refused(name)), len(names))
    for _ in names[keep:]:
        unit = unit.up()
    return unit


def unit_for(kind: str, unit: Unit, location: str, is_new: Exists, exists: Exists) -> Unit:
    """Return what to ask a server of this kind about, when ``unit`` changed in a library folder ``location``.

    ``is_new(local)`` tells whether everything below that folder came with the changes at hand; ``exists(local)``
    whether something is there now.
    """
    created = unit.update == Update.CREATED
    disc = cut(unit, location, lambda name: name.casefold() in DISC_FOLDERS)
    if disc is not unit:
        unit = replace(disc, update=Update.CREATED if created and is_new(disc.local) else Update.MODIFIED)
    if kind == Server.Kind.PLEX:
        return _directory(unit, location, exists)
    unit = cut(unit, location, lambda name: _FOREIGN_BYTE.search(name) is not None)  # JSON cannot say it
    if kind == Server.Kind.JELLYFIN:
        return _known_file(cut(unit, location, is_ignored), location, is_new, exists)
    return unit if names_below(unit, location) else replace(unit, top_level=True)  # all of the location: collected


def is_ignored(name: str) -> bool:
    """Tell whether Jellyfin drops paths with this component."""
    return _IGNORED.fullmatch(name) is not None


def _directory(unit: Unit, location: str, exists: Exists) -> Unit:
    if not unit.is_dir:
        unit = replace(unit.up(), update=unit.update)
    covers_all = not names_below(unit, location)
    if unit.update == Update.DELETED and not covers_all:
        covers_all = not names_below(climb(unit, location, exists), location)
    return replace(unit, is_dir=True, top_level=covers_all)


def _known_file(unit: Unit, location: str, is_new: Exists, exists: Exists) -> Unit:
    depth = len(names_below(unit, location))
    if depth == 0:
        return replace(unit, top_level=True)
    top = unit
    for _ in range(depth - 1):
        top = top.up()
    if unit.update == Update.DELETED:
        gone = bool(top.local) and not exists(top.local)
        return replace(top, update=Update.DELETED, top_level=True) if gone else unit
    if unit.update == Update.CREATED and ((depth == 1 and not unit.is_dir) or is_new(top.local)):
        return replace(top, update=Update.CREATED, top_level=True)
    return unit


def climb(unit: Unit, location: str, exists: Exists) -> Unit:
    """Return the nearest folder that exists, at most the location itself; a unit we cannot look at stays as it is."""
    if not unit.local:
        return unit
    while names_below(unit, location):
        if unit.local and exists(unit.local):
            return unit
        unit = unit.up()
    return unit

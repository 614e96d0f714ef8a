"""Libraries that nothing here can see, as on a NAS that is not mounted: the server itself is asked for the title.

It can only name what it knows already: enough for a new episode of a show, not for a show that is new.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from mediasync.core import clock, foreign
from mediasync.core.errors import WorkError
from mediasync.core.paths import to_bytes
from mediasync.servers import selectors, services
from mediasync.servers.models import Library, Server
from monitors.keep import kind_of
from scanning.facts import exists
from scanning.requests import Wanted
from scanning.telling import nothing_is_new
from scanning.units import Unit, Update, unit_for

from .naming import Named, fits
from .patience import SECONDS, together
from .places import suits

SOURCE = "on-demand"
ABLE = ("fine", "trouble", "unseen")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What servers say of ``far`` libraries: what to ask about a title, ``names`` of others, who was ``silent``."""

    wanted: Mapping[Server, list[Wanted]]
    names: Sequence[str]
    silent: Sequence[Server]
    far: Sequence[Library]


def ask(servers: Iterable[Server], named: Named, kind: str, here: Set[int]) -> Answer:
    """Ask servers at the same time about libraries that are not among ``here``."""
    asked = {server: libraries for server in servers if (libraries := _far(server, kind, here))}
    able = [server for server in asked if selectors.fare(server, clock.system.now()) in ABLE]
    questions = [_question(server, asked[server], named.title) for server in able]
    found = dict(zip(able, together(questions, time.monotonic() + SECONDS), strict=True))
    wanted, names = {}, list[str]()
    for server, answer in found.items():
        units = {library: _units(library, answer[library.pk], named, names) for library in asked[server] if answer}
        wanted[server] = [Wanted(unit, each.pk, SOURCE) for each, mine in units.items() for unit in mine]
    far = [library for libraries in asked.values() for library in libraries]
    return Answer(wanted, names, [server for server in asked if found.get(server) is None], far)


def _far(server: Server, kind: str, here: Set[int]) -> list[Library]:
    rows = Library.objects.filter(server=server, enabled=True).exclude(pk__in=here)
    return [row for row in rows.select_related("server").prefetch_related("paths") if suits(row, kind)]


def _question(server: Server, libraries: Sequence[Library], title: str) -> Callable[[], dict[int, list[str]] | None]:
    keys = {library.pk: library.key for library in libraries}
    try:
        client = services.client_for(server)
    except WorkError as error:
        logger.warning("%s could not be asked for %r: %s", server, title, error)
        return lambda: None

    def question() -> dict[int, list[str]] | None:
        try:
            return {pk: client.titled(key, title) for pk, key in keys.items()}
        except WorkError as error:
            logger.warning("%s could not be asked for %r: %s", server, title, error)
            return None
        finally:
            client.close()

    return question


def _units(library: Library, paths: Iterable[str], named: Named, names: list[str]) -> list[Unit]:
    """Return the folders that go by the title; adds the names of others to ``names``."""
    folders = {}
    for path in paths:
        for place in library.paths.all():
            if found := folder_in(path, place.path, named):
                unit = unit_for(library.server.kind, found, place.path, nothing_is_new, exists)
                folders[unit.path] = unit
            elif name := top_name(path, place.path):
                names.append(name)
    return list(folders.values())


def top_name(path: str, location: str) -> str:
    """Return the first component of a path below a location; "" if it does not lie there."""
    try:
        return (foreign.split(path).below(foreign.split(location)) or ("",))[0]
    except ValueError:  # "smb://…"
        return ""


def folder_in(path: str, location: str, named: Named) -> Unit | None:
    """Return the first component of a path below a location that goes by the title."""
    try:
        whole, top = foreign.split(path), foreign.split(location)
    except ValueError:  # "smb://…"
        return None
    names = whole.below(top) or ()
    for depth, name in enumerate(names, 1):
        if fits(named, name):
            kept = len(whole.names) - len(names) + depth
            is_dir = depth < len(names) or kind_of(to_bytes(name)) != "video"
            return Unit(str(foreign.Split(whole.root, whole.names[:kept])), "", Update.MODIFIED, is_dir)
    return None

"""Libraries that nothing here can see, as on a NAS that is not mounted: the server itself is asked for the title.

It can only name what it knows already: enough for a new episode of a show, not for a show that is new.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Set

from mediasync.core import clock, foreign
from mediasync.core.errors import WorkError
from mediasync.core.paths import to_bytes
from mediasync.servers import selectors, services
from mediasync.servers.clients.base import Client
from mediasync.servers.models import Library, Server
from monitors.keep import kind_of
from scanning.facts import exists
from scanning.requests import Wanted
from scanning.telling import nothing_is_new
from scanning.units import Unit, Update, unit_for

from .naming import Named, fits
from .places import suits

SOURCE = "on-demand"
ABLE = ("fine", "trouble", "unseen")
logger = logging.getLogger(__name__)


def folders_at(server: Server, named: Named, kind: str, here: Set[int]) -> list[Wanted]:
    """Return what to ask of a server about libraries that are not among ``here``; nothing while it is away."""
    rows = (
        Library.objects.filter(server=server, enabled=True)
        .exclude(pk__in=here)
        .select_related("server")
        .prefetch_related("paths")
    )
    libraries = [row for row in rows if suits(row, kind)]
    if not libraries or selectors.fare(server, clock.system.now()) not in ABLE:
        return []
    try:
        client = services.client_for(server)
        try:
            return [each for library in libraries for each in _wanted(client, library, named)]
        finally:
            client.close()
    except WorkError as error:
        logger.warning("%s could not be asked for %r: %s", server, named.title, error)
        return []


def _wanted(client: Client, library: Library, named: Named) -> Iterator[Wanted]:
    locations = [place.path for place in library.paths.all()]
    folders = {}
    for path in client.titled(library.key, named.title):
        for location in locations:
            if found := folder_in(path, location, named):
                unit = unit_for(library.server.kind, found, location, nothing_is_new, exists)
                folders[unit.path] = unit
    for unit in folders.values():
        yield Wanted(unit, library.pk, SOURCE)


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

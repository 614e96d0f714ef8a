"""Ask a linked Plex server which fields of an item a person locked: it says so by name (``Field``)."""

from __future__ import annotations

from mediasync.servers.clients.plex_butler import PlexButler
from mediasync.servers.models import Server
from mediasync.servers.services import access_of

from .locks import Ask


def ask_of(server: Server) -> Ask:
    """Return the question for one server; connections are kept as long as it is."""
    return PlexButler(access_of(server)).locked_fields

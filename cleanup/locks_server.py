"""Ask a linked Plex server which fields of an item a person locked: it says so by name (``Field``)."""

from __future__ import annotations

from collections.abc import Iterable

from mediasync.core.errors import Permanent
from mediasync.core.http import Session
from mediasync.servers import services as servers
from mediasync.servers.models import Server

from .locks import Ask


def ask_of(server: Server) -> Ask:
    """Return the question for one server; connections are kept as long as it is."""
    access = servers.access_of(server)
    session = Session(
        access.url,
        headers={"X-Plex-Token": access.token, "X-Plex-Client-Identifier": "mediasync", "Accept": "application/json"},
        secrets=[access.token],
        connect_timeout=access.connect_timeout,
        read_timeout=access.read_timeout,
        verify=access.verify,
    )

    def ask(item: int) -> Iterable[str]:
        try:
            found = session.get(f"/library/metadata/{item}").json()["MediaContainer"]["Metadata"][0]
            fields = found.get("Field", ())
            return {str(field["name"]) for field in fields if field.get("locked") in (True, 1, "1")}
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise Permanent("The server's answer about an item was not understood.", code="server_answer") from None

    return ask

"""What may be done with servers: tokens, pauses, and the list of their libraries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from mediasync.core import clock, foreign, secrets
from mediasync.core.addresses import check_base_url
from mediasync.core.errors import WorkError

from . import limits
from .clients.base import Access, Client, LibraryInfo, client_class
from .models import BY_HAND, Library, LibraryPath, Server

FRESH = dt.timedelta(minutes=5)
SETTINGS = (
    *("name", "kind", "url", "verify_tls", "ca_file", "connect_timeout", "read_timeout"),
    *("pace", "debounce", "max_wait", "root_window", "unmatched", "enabled"),
    *("verify", "replaced", "trash_limit"),
)
NOT_AGAIN = dt.timedelta(seconds=15)  # a miss makes us read the libraries again, but not each miss of a thousand

libraries_changed = Signal()
"""Sent with ``server`` when it has other libraries or folders than before; mediasync/wiring.py says what follows."""
answered = Signal()
"""Sent with ``server`` when the connection test of a person went well."""


def keys() -> list[str]:
    """Return the keys for secrets, the one that seals first (docs/settings.md, FIELD_KEY)."""
    # SECRET_KEY too: it sealed before FIELD_KEY was set.
    return [key.strip() for key in (*settings.FIELD_KEY.split(","), settings.SECRET_KEY) if key.strip()]


def access_of(server: Server) -> Access:
    """Return how to reach a server; raises secrets.Unreadable if its token was sealed with another key."""
    return Access(
        url=server.url,
        token=secrets.unseal(server.token_sealed, keys()),
        connect_timeout=server.connect_timeout,
        read_timeout=server.read_timeout,
        verify=(server.ca_file or True) if server.verify_tls else False,
    )


def client_for(server: Server) -> Client:
    """Return a client for a server. It keeps connections: use one for a batch of requests, then ``close`` it."""
    return client_class(server.kind)(access_of(server))


def save(server: Server, token: str | None = None) -> Server:
    """Store what people set; a ``token`` that is not None replaces the stored one and ends a pause for the old one.

    Columns that the engine writes meanwhile (limits, pause, what was seen) are left alone.
    """
    server.url = check_base_url(server.url)
    columns = list(SETTINGS)
    if token is not None:
        server.token_sealed = secrets.seal(token.strip(), keys())
        server.fails, server.cooldown_until, server.last_error = 0, None, ""
        columns += ["token_sealed", "fails", "cooldown_until", "last_error"]
        if server.paused and server.paused_reason != BY_HAND:
            server.paused, server.paused_reason = False, ""
            columns += ["paused", "paused_reason"]
    server.save(update_fields=columns if server.pk else None)
    return server


def pause(server: Server, reason: str = BY_HAND) -> bool:
    """Ask nothing of this server any more; requests go on to be collected. False if it was paused already."""
    return bool(Server.objects.filter(pk=server.pk, paused=False).update(paused=True, paused_reason=reason))


def resume(server: Server) -> bool:
    """Let it be asked again, with a closed breaker. False if it was not paused."""
    values = {"paused": False, "paused_reason": "", "fails": 0, "cooldown_until": None}
    return bool(Server.objects.filter(pk=server.pk, paused=True).update(**values))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading the libraries changed."""

    total: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: bool = False  # also if only the folders of a library did


def load_libraries(server: Server, client: Client | None = None, now: dt.datetime | None = None) -> Loaded:
    """Read the libraries of a server and replace what we have, in one transaction.

    An answer with no library at all (a server that is still starting) removes nothing. Raises what the client raises.
    """
    own = client or client_for(server)
    try:
        found = own.libraries()
    finally:
        if client is None:
            own.close()
    loaded = _replace(server, found)
    now = now or clock.system.now()
    Server.objects.filter(pk=server.pk).update(libraries_at=now)
    server.libraries_at = now
    if loaded.changed:
        libraries_changed.send(sender=Server, server=server)
    return loaded


def are_old(server: Server, now: dt.datetime, age: dt.timedelta = FRESH) -> bool:
    """Tell whether the libraries were read longer ago than ``age``, by whomever."""
    server.refresh_from_db(fields=["libraries_at"])
    return server.libraries_at is None or now - server.libraries_at >= age


def refresh_libraries_if_stale(server: Server, force_once: bool = False, now: dt.datetime | None = None) -> bool:
    """Read the libraries if they are older than 5 min (``force_once``: 15 s) and the server may be asked.

    Returns whether what we have is as fresh as that now. While it is False, "no library" proves nothing. Never raises
    for a server that does not answer: that is remembered in its limits.
    """
    now = now or clock.system.now()
    if not are_old(server, now, NOT_AGAIN if force_once else FRESH):
        return True
    if limits.ready(server, now) is not None:
        return False
    try:
        load_libraries(server, now=now)
    except WorkError as error:
        limits.failed(server, error, now)
        return False
    limits.succeeded(server, now)
    return True


def set_library_enabled(library: Library, enabled: bool) -> None:
    """Leave a library out of all scans, or take it in again."""
    if Library.objects.filter(pk=library.pk).update(enabled=enabled) and enabled:
        libraries_changed.send(sender=Server, server=library.server)


@transaction.atomic
def _replace(server: Server, found: Sequence[LibraryInfo]) -> Loaded:
    before = {library.key: library for library in Library.objects.filter(server=server)}
    added, moved = [], False
    for info in found:
        values = {"title": info.title[:200], "kind": info.kind[:50]}
        library, is_new = Library.objects.update_or_create(server=server, key=info.key[:100], defaults=values)
        if is_new:
            added.append(library.title)
        moved = _replace_paths(library, {_tidy(path) for path in info.paths}) or moved
    gone = [library for key, library in before.items() if found and key not in {info.key for info in found}]
    Library.objects.filter(pk__in=[library.pk for library in gone]).delete()
    changed = bool(added or gone or moved)
    return Loaded(len(found), tuple(added), tuple(library.title for library in gone), changed)


def _replace_paths(library: Library, wanted: set[str]) -> bool:
    have = set(library.paths.values_list("path", flat=True))
    library.paths.filter(path__in=have - wanted).delete()
    LibraryPath.objects.bulk_create(LibraryPath(library=library, path=path) for path in sorted(wanted - have))
    return have != wanted


def _tidy(path: str) -> str:
    try:
        return foreign.normalise(path)
    except ValueError:
        return path

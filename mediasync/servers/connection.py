"""The connection test: what works on the way to a server, step by step, within five seconds, without the queue."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from mediasync.core import clock
from mediasync.core.errors import AccessDenied, MediasyncError, Unreachable

from . import limits, services
from .clients.base import Access, ServerInfo, client_class
from .models import BY_HAND, Server

LIMIT = 5.0  # seconds for all of it


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at: ``code`` has a sentence in texts.py."""

    ok: bool
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


def examine(server: Server, now: dt.datetime | None = None) -> list[Step]:
    """Try a server out and remember what was learnt: a success closes its breaker, a refused token pauses it."""
    try:
        access = services.access_of(server)
    except AccessDenied as error:
        return [Step(False, error.code)]
    found = _Found()
    thread = threading.Thread(target=_look, args=(server.kind, access, found), daemon=True, name="connection test")
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        late = Unreachable(f"No answer within {LIMIT:g} s.", code="server_timeout", seconds=LIMIT)
        found = _Found([*found.steps, Step(False, late.code, late.params)], error=late)
    _remember(server, found, now or clock.system.now())
    return found.steps


@dataclass(slots=True)
class _Found:
    steps: list[Step] = field(default_factory=list)
    info: ServerInfo | None = None
    error: MediasyncError | None = None


def _look(kind: str, access: Access, found: _Found) -> None:
    """Fill ``found``; reads and writes no database, as it runs in a thread that may be left behind."""
    parts = urlsplit(access.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        found.steps.append(Step(True, "server_step_name", {"host": parts.hostname, "address": addresses[0][4][0]}))
    except OSError:
        found.steps.append(Step(False, "server_step_no_name", {"host": parts.hostname}))
        found.error = Unreachable("The name of the server cannot be resolved.", code="server_no_name")
        return
    client = None
    try:
        client = client_class(kind)(replace(access, connect_timeout=min(access.connect_timeout, LIMIT)))
        info = client.probe()
        if parts.scheme == "https":
            checked = "server_step_tls" if access.verify else "server_step_tls_unchecked"
            found.steps.append(Step(True, checked))
        found.steps.append(Step(True, "server_step_token"))
        found.steps.append(Step(True, "server_step_version", {"name": info.name, "version": info.version}))
        libraries = client.libraries()
        found.steps.append(Step(bool(libraries), "server_step_libraries", {"number": len(libraries)}))
        found.info = info
    except MediasyncError as error:
        found.error = error
        found.steps.append(Step(False, error.code, error.params))
    finally:
        if client is not None:
            client.close()


def _remember(server: Server, found: _Found, now: dt.datetime) -> None:
    if found.info is not None:
        values = {"version": found.info.version[:100], "machine": found.info.machine[:100]}
        Server.objects.filter(pk=server.pk).update(**values)
        limits.succeeded(server, now)
        if server.paused and server.paused_reason != BY_HAND and services.resume(server):
            found.steps.append(Step(True, "server_step_resumed"))
        services.answered.send(sender=Server, server=server)
    elif isinstance(found.error, AccessDenied):
        limits.failed(server, found.error, now)
    elif found.error is not None:
        Server.objects.filter(pk=server.pk).update(last_error=str(found.error)[:500])

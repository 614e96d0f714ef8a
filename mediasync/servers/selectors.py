"""Which library owns a path (docs/scans.md), and how a server fares."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Literal

from django.db.models import QuerySet

from mediasync.core import foreign

from .models import BY_HAND, Library, LibraryPath, Server


class Places:
    """The locations of one server's libraries (``left_out``: the disabled ones too), read once and asked often."""

    def __init__(self, server: Server, *, left_out: bool = False) -> None:
        self._by_key: dict[tuple[str, ...], list[Library]] = defaultdict(list)
        rows = LibraryPath.objects.filter(library__server=server)
        rows = rows if left_out else rows.filter(library__enabled=True)
        for row in rows.select_related("library").order_by("library_id", "id"):
            try:
                self._by_key[foreign.split(row.path).key].append(row.library)
            except ValueError:  # "smb://…": no path of ours can lie there
                continue

    def libraries_for(self, path: str) -> list[Library]:
        """Return the libraries of the longest location that is ``path`` or lies above it; several may share it.

        Raises ValueError for a relative path and for ``..``.
        """
        key = foreign.split(path).key
        for length in range(len(key), 0, -1):
            if found := self._by_key.get(key[:length]):
                return list(dict.fromkeys(found))
        return []

    def location_of(self, path: str) -> str | None:
        """Return the location that holds ``path``, in the spelling of ``path``; None if none does."""
        whole = foreign.split(path)
        for length in range(len(whole.names), -1, -1):
            top = foreign.Split(whole.root, whole.names[:length])
            if top.key in self._by_key:
                return str(top)
        return None


def libraries_for(server: Server, server_path: str) -> list[Library]:
    """Return the libraries that own one path; for many paths keep a ``Places``."""
    return Places(server).libraries_for(server_path)


Fare = Literal["off", "paused", "unreachable", "unseen", "trouble", "fine"]


def fare(server: Server, now: dt.datetime) -> Fare:
    """Say in a word how a server fares."""
    if not server.enabled:
        return "off"
    if server.paused:
        return "paused"
    if server.cooldown_until is not None and server.cooldown_until > now:
        return "unreachable"
    if server.last_error:
        return "trouble"
    return "unseen" if server.seen_at is None else "fine"


def refused() -> QuerySet[Server]:
    """Return the servers that are paused because of an error: a person must act."""
    return Server.objects.filter(enabled=True, paused=True).exclude(paused_reason=BY_HAND).order_by("name")

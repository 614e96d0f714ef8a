"""What the page for people who are no admins shows: each server and its libraries, in two queries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch
from django_stubs_ext import StrOrPromise

from mediasync.core import clock
from mediasync.servers import selectors
from mediasync.servers.models import Library, Server

from .texts import FARES


@dataclass(frozen=True, slots=True)
class Shown:
    """A server as it is shown; ``tone`` colours its badge."""

    server: Server
    state: StrOrPromise
    tone: str
    libraries: list[Library]


def servers() -> list[Shown]:
    """Return the servers that are switched on, each with the libraries that are used."""
    libraries = Library.objects.filter(enabled=True).order_by("title")
    rows = Server.objects.filter(enabled=True).order_by("name").prefetch_related(Prefetch("libraries", libraries))
    now = clock.system.now()
    return [Shown(row, *FARES[selectors.fare(row, now)], list(row.libraries.all())) for row in rows]

"""Reading: what waits for a server, and when it is due."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from mediasync.core.errors import NotFound
from mediasync.servers.models import Server

from .models import ScanRequest

State = ScanRequest.State
ASKED = (State.SENT, State.VERIFIED, State.GONE, State.NOT_FOUND)  # the server accepted these


def enabled_servers() -> QuerySet[Server]:
    """Return the servers that are told of changes, also those that cannot be asked just now."""
    return Server.objects.filter(enabled=True).order_by("name")


def server_named(word: str) -> Server:
    """Return the server with this name or id; NotFound names those that exist."""
    server = Server.objects.filter(name=word).first()
    if server is None and word.isdecimal():
        server = Server.objects.filter(pk=int(word)).first()
    if server is None:
        names = ", ".join(Server.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise NotFound(f"There is no server {word!r}. There are: {names}.", code="no_server", server=word)
    return server


def lane_of(server_id: int) -> str:
    """Return the lane of a server: only one job at a time sends for it."""
    return f"server:{server_id}"


def waiting(server_id: int) -> QuerySet[ScanRequest]:
    """Return what a server has still to be told."""
    return ScanRequest.objects.filter(server_id=server_id, state=State.WAITING)


def homeless(server_id: int) -> QuerySet[ScanRequest]:
    """Return what was mapped for a server but lies in none of its libraries."""
    return ScanRequest.objects.filter(server_id=server_id, state=State.NO_LIBRARY)


def unlooked(server_id: int, now: dt.datetime) -> QuerySet[ScanRequest]:
    """Return those of them that the delivery has to look at now."""
    return homeless(server_id).filter(Q(next_try_at=None) | Q(next_try_at__lte=now), attempts=0)


def next_time(server_id: int) -> dt.datetime | None:
    """Return when the next request of a server is due; one without a library is, until it was looked at once."""
    later = waiting(server_id).filter(next_try_at__gt=F("due_at")).aggregate(at=Min("next_try_at"))["at"]
    plain = waiting(server_id).exclude(next_try_at__gt=F("due_at")).aggregate(at=Min("due_at"))["at"]
    fresh = homeless(server_id).filter(attempts=0).aggregate(at=Min(Coalesce("next_try_at", "last_at")))["at"]
    return min((at for at in (later, plain, fresh) if at is not None), default=None)


def ripe(server_id: int, now: dt.datetime) -> QuerySet[ScanRequest]:
    """Return the waiting requests that no back-off keeps, oldest first."""
    rows = waiting(server_id).filter(Q(next_try_at=None) | Q(next_try_at__lte=now))
    return rows.select_related("library").order_by("due_at", "id")


def unproved(server_id: int) -> QuerySet[ScanRequest]:
    """Return what a server was told and is still to be asked about."""
    return ScanRequest.objects.filter(server_id=server_id, verify_at__isnull=False)


def next_look(server_id: int) -> dt.datetime | None:
    """Return when a server is to be asked next whether it knows what it was told."""
    at: dt.datetime | None = unproved(server_id).aggregate(at=Min("verify_at"))["at"]
    return at


def counts(server_id: int) -> dict[str, int]:
    """Count the requests of a server by state."""
    rows = ScanRequest.objects.filter(server_id=server_id).values_list("state").annotate(number=Count("id"))
    return dict(rows.order_by())

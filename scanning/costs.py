"""What a request is likely to cost its server.

Emby and Jellyfin go from a path to the nearest item that they know, and look through that
(``Emby.Server.Implementations/IO/FileRefresher.cs``). A folder that they do not know yet leads to the location above.
So may what is new in the folder of a film, or gone from there: a film is known by its file.
"""

from __future__ import annotations

from collections import Counter

from django.db.models import Count

from mediasync.servers.models import Server

from .models import ScanRequest

LOCATION, FOLDER, PERHAPS = "cost_location", "cost_folder", "cost_perhaps"  # codes of texts.py


def cost(kind: str, library_kind: str, update: str, *, is_dir: bool, whole: bool) -> str:
    """Return a code; ``whole`` tells that all of a location is meant, or must be looked through (``top_level``)."""
    if whole:
        return LOCATION
    if kind == Server.Kind.PLEX:
        return FOLDER
    unsure = is_dir or (library_kind == "movies" and update != ScanRequest.Update.MODIFIED)
    return PERHAPS if unsure else FOLDER


def of_row(row: ScanRequest) -> str:
    """Return the code for a request; "" for one that is not sent as things are."""
    if row.library is None or row.state == ScanRequest.State.DROPPED:
        return ""
    return cost(row.server.kind, row.library.kind, row.update, is_dir=row.is_dir, whole=row.top_level)


def waiting(server: Server) -> Counter[str]:
    """Count what waits for a server by what it costs, in one statement."""
    rows = ScanRequest.objects.filter(server=server, state=ScanRequest.State.WAITING, library__isnull=False)
    found: Counter[str] = Counter()
    for library, update, is_dir, whole, number in (
        rows.values_list("library__kind", "update", "is_dir", "top_level").annotate(Count("id")).order_by()
    ):
        found[cost(server.kind, library, update, is_dir=is_dir, whole=whole)] += number
    return found

"""What was mapped for a server and lies in none of its libraries: a state that is seen, never a full scan.

A row is looked at once by the delivery job, after the libraries were read again (one reading for any number of rows),
and again whenever libraries or rules change; ``attempts`` 0 asks for that.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from mediasync.jobs.registry import Context
from mediasync.servers import services as servers
from mediasync.servers.models import Server

from . import selectors
from .facts import again
from .models import ScanRequest
from .requests import CHUNK, Wanted, chunks, request_many
from .telling import Listener

State = ScanRequest.State
LATER = dt.timedelta(minutes=1)
MOST = 2000  # rows looked at in one round


def take_in(rows: QuerySet[ScanRequest]) -> None:
    """Let waiting rows whose library is gone stand here, to be looked at once."""
    for row in rows:
        twin = ScanRequest.objects.filter(server_id=row.server_id, path=row.path, state=State.NO_LIBRARY)
        if twin.update(attempts=0):
            rows.filter(pk=row.pk).update(state=State.DROPPED, answer="joined")
        else:
            rows.filter(pk=row.pk).update(state=State.NO_LIBRARY, library=None, attempts=0)


def settle(server: Server, ctx: Context) -> int:
    """Look at rows that nobody has looked at; return how many of them have a library by now."""
    rows = list(selectors.unlooked(server.pk, ctx.now()).order_by("id")[:MOST])
    if not rows:
        return 0
    if not servers.refresh_libraries_if_stale(server, force_once=True, now=ctx.now()):
        with ctx.transaction():  # it does not answer, and so "no library" proves nothing
            selectors.unlooked(server.pk, ctx.now()).update(next_try_at=ctx.now() + LATER)
        return 0
    listener = Listener(server)
    found: list[Wanted] = []
    settled: list[int] = []
    for row in rows:
        homes = _homes(row, listener)
        if homes:
            found += homes
            settled.append(row.pk)
    with ctx.transaction():
        for chunk in chunks([row.pk for row in rows], CHUNK):
            selectors.homeless(server.pk).filter(pk__in=chunk).update(attempts=1, next_try_at=None)
        request_many(server, found, ctx.now())
        for chunk in chunks(settled, CHUNK):
            ScanRequest.objects.filter(pk__in=chunk).update(state=State.DROPPED, answer="library_found")
    return len(settled)


def _homes(row: ScanRequest, listener: Listener) -> list[Wanted]:
    fact = again(row.local_path or row.path, row.update, row.is_dir, row.change_id)
    return [
        Wanted(each.unit, each.library, row.source, row.change_id, hits=row.hits)
        for each in listener.wanted([fact], row.source)
        if each.library
    ]

"""What may follow a proof, if a person switched it on for a server: items looked at again, trash emptied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from mediasync.core.errors import AccessDenied, Permanent
from mediasync.jobs.choices import Level
from mediasync.servers.clients.base import Again, holds
from mediasync.servers.models import Library
from monitors.models import Root

from .facts import tops_of
from .parcels import Looks
from .telling import Listener

if TYPE_CHECKING:
    from .verifying import Verification

MOST = 200  # items looked at again in one round


def look_again(run: Verification, items: Iterable[str]) -> None:
    """Have the items of replaced files refreshed or analyzed."""
    wanted = sorted(items)
    if not run.server.replaced or not wanted:
        return
    if len(wanted) > MOST:
        run.ctx.log("items_many", Level.WARNING, count=len(wanted), most=MOST)
    try:
        for item in wanted[:MOST]:
            run.turn()
            run.client.look_again(item, cast(Again, run.server.replaced))
    except AccessDenied:
        raise
    except Permanent as error:
        run.ctx.log("follow_up_refused", Level.WARNING, error=str(error))


def empty_trash(run: Verification, library: Library, listener: Listener, sight: Looks) -> None:
    """Have the trash of a library emptied, if all that it shows is here to see and no more lies in it than allowed."""
    most = run.server.trash_limit
    if not most:
        return
    if reason := doubt(library, listener, sight):
        run.ctx.log("trash_in_doubt", Level.WARNING, library=library.title, reason=reason)
        return
    try:
        count = run.client.trash(library.key, run.turn, most)
        if count is None or count == 0:
            return
        if count > most:
            run.ctx.log("trash_too_full", Level.WARNING, library=library.title, most=most)
            return
        run.turn()
        run.client.empty_trash(library.key)
    except AccessDenied:
        raise
    except Permanent as error:
        run.ctx.log("follow_up_refused", Level.WARNING, error=str(error))
        return
    run.ctx.log("trash_emptied", library=library.title, count=count)


def doubt(library: Library, listener: Listener, sight: Looks) -> str:
    """Return why the trash may hold what is only out of sight (a code), or "".

    Each folder of the library must belong to a root, and each such root must be in order.
    """
    for place in library.paths.values_list("path", flat=True):
        tops = list(_tops_at(place, listener))
        if not tops:
            return "no_root"
        for top in tops:
            verdict = sight.verdict(top)
            if not verdict.ok:
                return verdict.code
    return ""


def _tops_at(place: str, listener: Listener) -> Iterator[str]:
    """Yield the tops of roots (and of their links) that a server sees in, or above, a folder of a library."""
    for root in Root.objects.all():
        for top in tops_of(root):
            mapped = listener.rules.translate(top).path
            if mapped is not None and (holds(place, mapped) or holds(mapped, place)):
                yield top

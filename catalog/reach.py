"""What a plug-in is lent, made from the row of its source; the only place that opens the secrets of sources."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from mediasync.core import clock as clocks
from mediasync.core import secrets
from mediasync.core.clock import Clock
from mediasync.core.errors import UsageError
from mediasync.jobs.registry import Context
from mediasync.servers.services import keys

from . import plugins
from .downloads.base import DownloadSource as FileSource
from .models import DownloadSource, Source
from .sources.base import PlaylistSource, Reach

SHORT = 5.0  # seconds that a person waits for a host


def reach_of(
    row: Source | DownloadSource,
    *,
    progress: Callable[[str], None] = lambda text: None,
    stopping: Callable[[], bool] = lambda: False,
    check: Callable[[], None] = lambda: None,
    clock: Clock = clocks.system,
    occasion: Hashable = None,
    patient: bool = True,
) -> Reach:
    """Return what the plug-in of a source is lent; ``http`` is to be closed. Raises secrets.Unreadable.

    Not ``patient``: somebody waits for the answer, so nothing is asked twice, nor long.
    """
    from .http import TIMEOUT, TRIES, Http  # with requests, which no command needs that asks nobody

    return Reach(
        http=Http(
            pace=max(0.0, row.pace),
            relay=str(row.settings.get("relay", "")),
            verify=bool(row.settings.get("verify_tls", True)),
            timeout=TIMEOUT if patient else SHORT,
            tries=TRIES if patient else 1,
            check=check,
            clock=clock,
        ),
        settings=row.settings,
        secret=secrets.unseal(row.secret_sealed, keys()),
        platform=row.name,
        progress=progress,
        stopping=stopping,
        occasion=occasion,
    )


@contextmanager
def playlist_source(row: Source, ctx: Context | None = None, **how: Any) -> Iterator[PlaylistSource]:
    """Lend the plug-in of a source of playlists; UsageError while it is switched off.

    Inside an item (``ctx``), a pause or a cancel ends it between two questions.
    """
    if not row.enabled:
        raise UsageError(f"The source {row.name} is switched off.", code="source_off", name=row.name)
    reach = reach_of(row, **(of_item(ctx) if ctx else {}), **how)
    with reach.http:
        yield plugins.load(plugins.PLAYLISTS, row.plugin)(reach)


@contextmanager
def file_source(row: DownloadSource, ctx: Context | None = None, **how: Any) -> Iterator[FileSource]:
    """Lend the plug-in of a source of files; inside an item (``ctx``) it hears of a pause or a cancel."""
    reach = reach_of(row, **(of_item(ctx) if ctx else {}), **how)
    with reach.http:
        yield plugins.load(plugins.DOWNLOADS, row.plugin)(reach, row.name)


def of_item(ctx: Context) -> dict[str, Any]:
    """Return how an item hears and is heard, as ``reach_of`` takes it."""
    return {"progress": ctx.progress, "stopping": lambda: ctx.stopping, "check": ctx.checkpoint}


def seal(secret: str) -> str:
    """Return a secret as ``secret_sealed`` holds it."""
    return secrets.seal(secret, keys())

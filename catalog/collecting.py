"""Brings the playlists of a pool of a platform into our tables, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from mediasync.jobs.registry import Context

from . import store
from .models import Pool, Source
from .reach import playlist_source
from .sources.base import Page

MOST_PAGES = 10_000  # of a pool: whoever has more never comes to an end
MOST_BARE = 20


@dataclass(slots=True)
class Collected:
    """What a pool had: pages, lists (each once) and those we did not know."""

    pages: int = 0
    playlists: int = 0
    new: int = 0


def collect(source: Source, pool_kind: str, ctx: Context) -> Collected:
    """Write all lists of a pool; each page is a transaction, so that what was found stays whatever comes after."""
    with playlist_source(source, ctx) as plugin:
        done = Collected()
        with ctx.transaction():
            pool = store.save_pool(source.name, pool_kind)
        for page in pages(plugin.collect(pool_kind)):
            with ctx.transaction():
                _ids, new = store.save_playlists(pool, page.playlists)
            done.pages += 1
            done.playlists += len(page.playlists)
            done.new += new
            ctx.progress(f"page {done.pages}: +{len(page.playlists)}, total {done.playlists}")
            ctx.checkpoint()
        with ctx.transaction():
            Pool.objects.filter(pk=pool.pk).update(collected_at=ctx.now())
    return done


def pages(found: Iterable[Page]) -> Iterator[Page]:
    """Yield the pages without lists that came before; end where there is no more, or a whole page came before.

    Some platforms answer every page beyond the last with the last one, or with the first, or with nothing of use.
    """
    seen: set[str] = set()
    bare = 0  # pages in a row without any list
    for page in islice(found, MOST_PAGES):
        fresh = {key: meta for meta in page.playlists if (key := store.remote_id(meta.ref.remote_id)) not in seen}
        if page.playlists and not fresh:
            return
        seen.update(fresh)
        fresh.pop("", None)
        bare = 0 if fresh else bare + 1
        if bare > MOST_BARE:
            return
        yield Page(tuple(fresh.values()), page.has_more, page.total)
        if not page.has_more:
            return

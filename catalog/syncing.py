"""Brings the songs of one playlist into our tables: no file is looked for, and no folder is made."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mediasync.core.errors import NotFound, WorkError
from mediasync.core.texts import plain
from mediasync.jobs.registry import Context

from . import leaving, store
from .errors import ParseError, Private
from .models import Playlist, Source
from .reach import playlist_source
from .sources.base import PlaylistRef, Tracks

Result = Playlist.Result


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of a list: its result, its songs, and how many of them are new, changed or gone from it."""

    result: str
    songs: int = 0
    new: int = 0
    changed: int = 0
    left: int = 0
    leaving: int = 0  # files that are on their way to the trash


def sync(playlist: Playlist, source: Source, ctx: Context) -> Synced:
    """Ask for the songs of a list and write them, with artists and links, in one transaction.

    A list that is private or not understood is a result, not an error; whatever else goes wrong is raised.
    """
    try:
        with playlist_source(source, ctx) as plugin:
            tracks = plugin.tracks(ref_of(playlist), playlist.strategy)
    except Private as error:
        tracks = Tracks("private", note=str(error))
    except ParseError as error:
        tracks = Tracks("parse_error", note=f"{error} {error.params.get('sample', '')}".strip())
    ctx.checkpoint()
    with ctx.transaction():
        return write(playlist, tracks, ctx)


def write(playlist: Playlist, tracks: Tracks, ctx: Context) -> Synced:
    """Write what a source said of a list, inside a transaction."""
    row = Playlist.objects.select_for_update().filter(pk=playlist.pk).first()
    if row is None:
        raise NotFound("The playlist was deleted.", code="playlist_gone")
    whole = _is_whole(row, tracks)
    row.sync_result, row.last_error = tracks.result, plain(tracks.note)[:500]
    if tracks.meta:
        store.update_playlist(row, replace(tracks.meta, ref=ref_of(row)))
    if tracks.result in (Result.PRIVATE, Result.PARSE_ERROR):
        row.save()
        return Synced(tracks.result)
    found = [track for track in tracks.tracks if store.remote_id(track.remote_id)]
    ids, stored = store.save_songs(row.platform, found, ctx.now())
    left = store.save_links(row, [ids[store.remote_id(track.remote_id)] for track in found], complete=whole)
    store.save_pool_artists(row, ids.values())
    marked = leaving.mark(left) if row.mode == Playlist.Mode.MIRROR else 0
    row.collected_song_count = row.playlistsong_set.count()
    row.synced_at = ctx.now()
    row.save()
    return Synced(tracks.result, row.collected_song_count, stored.added, stored.changed, len(left), marked)


def note_failure(playlist: Playlist, error: WorkError, ctx: Context) -> None:
    """Write down at the list why it could not be read; what was known of it stays."""
    with ctx.transaction():
        Playlist.objects.filter(pk=playlist.pk).update(last_error=plain(str(error))[:500])


def ref_of(playlist: Playlist) -> PlaylistRef:
    """Return how its source knows a list."""
    return PlaylistRef(playlist.platform, playlist.remote_id, playlist.kind, playlist.url)


def _is_whole(row: Playlist, tracks: Tracks) -> bool:
    """Tell whether what is not in the answer has left the list: absence is not deletion.

    "Empty" of a list that had songs must be said twice. A feed shows its newest entries only, so it drops none.
    """
    if row.kind == "feed" and row.mode == Playlist.Mode.ADD:
        return False
    if tracks.result == "empty":
        return row.sync_result == Result.EMPTY
    return tracks.result == "ok"

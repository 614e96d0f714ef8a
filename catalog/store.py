"""Writes what sources said: playlists, songs, artists and their links, block by block, each for ever one row.

All functions belong into a transaction. Rows go in the order of their keys, so that two jobs that write the same songs
wait for one another instead of meeting head-on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model

from mediasync.core.texts import plain

from .models import Artist, ArtistPool, ArtistSong, Playlist, PlaylistSong, Pool, PoolArtist, PoolPlaylist, Song
from .songs import JOINT
from .sources.base import PlaylistMeta, TrackMeta
from .tolerant import clean

BLOCK = 500  # rows a statement: below SQLite's limit of variables
MOST = 2**63 - 1
FILE_FIELDS = ("ext", "file_size_bytes", "quality_label")
PLAIN_FIELDS = ("name", "singers", "album", "duration", "isrc", "mbid", "kind", *FILE_FIELDS)
SONG_FIELDS = (*PLAIN_FIELDS, "snapshot")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the songs of a list."""

    added: int = 0
    changed: int = 0


def save_pool(platform: str, kind: str, name: str = "", key: str = "") -> Pool:
    """Return the pool of this kind, and see that it has its pool of artists."""
    label = name or f"{platform} · {Pool.Kind(kind).label}"
    pool, _ = Pool.objects.get_or_create(
        platform=platform, kind=kind, key=key[:200], defaults={"name": plain(label)[:200]}
    )
    ArtistPool.objects.get_or_create(pool=pool)
    return pool


def save_playlists(pool: Pool, found: Iterable[PlaylistMeta]) -> tuple[list[int], int]:
    """Write the lists of a page and their place in the pool; return their ids, in order, and how many are new.

    What the source does not say stays as it was.
    """
    metas = {remote_id(meta.ref.remote_id): meta for meta in found}
    if not metas:
        return [], 0
    known = {row.remote_id: row for row in _playlists(pool.platform, list(metas))}
    new = [_playlist(pool.platform, key, meta) for key, meta in sorted(metas.items()) if key not in known]
    Playlist.objects.bulk_create(
        new,
        batch_size=BLOCK,
        update_conflicts=True,
        unique_fields=["platform", "remote_id"],
        update_fields=["name"],
    )
    changed = [row for key, row in sorted(known.items()) if update_playlist(row, metas[key])]
    Playlist.objects.bulk_update(changed, PLAYLIST_FIELDS, batch_size=BLOCK)
    ids = {row.remote_id: row.pk for row in [*known.values(), *new]}
    _link(PoolPlaylist, ("pool_id", "playlist_id"), [(pool.pk, ids[key]) for key in sorted(metas)])
    return [ids[key] for key in metas], len(new)


PLAYLIST_FIELDS = ("name", "url", "play_count", "track_count", "strategy", "kind")


def update_playlist(row: Playlist, meta: PlaylistMeta) -> bool:
    """Take over what a source says of a list; return whether that changed anything. Saves nothing."""
    said = {
        "name": clip(meta.name, 300),
        "url": plain(meta.ref.url),
        "play_count": number(meta.play_count),
        "track_count": number(meta.track_count, 2**31 - 1),
        "strategy": meta.strategy[:50],
        "kind": meta.ref.kind[:20],
    }
    news = {name: value for name, value in said.items() if value not in (None, "") and getattr(row, name) != value}
    for name, value in news.items():
        setattr(row, name, value)
    return bool(news)


def save_songs(platform: str, tracks: Iterable[TrackMeta], now: dt.datetime) -> tuple[dict[str, int], Stored]:
    """Write songs with their artists; return the ids of all by their remote id. Unchanged rows are not written.

    What a source said once and leaves out today stays.
    """
    said = {remote_id(track.remote_id): track for track in tracks}
    known: dict[str, dict[str, Any]] = {}
    for keys in _blocks(sorted(said)):
        rows = Song.objects.filter(platform=platform, remote_id__in=keys).values(
            "pk", "remote_id", "resolved", *SONG_FIELDS
        )
        known |= {row["remote_id"]: row for row in rows}
    new, changed = {}, {}
    for key in sorted(said):
        values = song_values(said[key])
        if key not in known:
            new[key] = values
        elif news := _news(known[key], values):
            changed[key] = {name: news.get(name, known[key][name]) for name in SONG_FIELDS}
    _write_songs(platform, new | changed, now)
    ids = {key: row["pk"] for key, row in known.items()}
    for keys in _blocks(list(new)):
        ids |= dict(Song.objects.filter(platform=platform, remote_id__in=keys).values_list("remote_id", "pk"))
    artists = {ids[key]: [plain(name) for name in said[key].artists] for key in (*new, *changed)}
    _save_artists(platform, artists, [ids[key] for key in changed])
    return ids, Stored(len(new), len(changed))


def _write_songs(platform: str, songs: Mapping[str, Mapping[str, Any]], now: dt.datetime) -> None:
    columns = ("platform", "remote_id", "resolved", *SONG_FIELDS, "changed_at")
    at = connection.ops.adapt_datetimefield_value(now)
    rows = [
        (platform, key, False, *(values[name] for name in PLAIN_FIELDS), json.dumps(values["snapshot"]), at)
        for key, values in sorted(songs.items())
    ]
    _insert(Song, columns, rows, key=("platform", "remote_id"), update=(*SONG_FIELDS, "changed_at"))


def save_links(playlist: Playlist, ids: Sequence[int], *, complete: bool) -> set[int]:
    """Put songs (ids, in order, the first of doubles counts) into a list; return those that left it.

    Only a ``complete`` list drops what is not in it.
    """
    places = {song: place for place, song in reversed(list(enumerate(ids)))}
    before = dict(PlaylistSong.objects.filter(playlist=playlist).values_list("song_id", "position"))
    links = [(playlist.pk, song, place) for song, place in sorted(places.items()) if before.get(song) != place]
    _link(PlaylistSong, ("playlist_id", "song_id"), links, update="position")
    left = set(before) - set(places) if complete else set()
    for block in _blocks(sorted(left)):
        PlaylistSong.objects.filter(playlist=playlist, song__in=block).delete()
    return left


def save_pool_artists(playlist: Playlist, songs: Iterable[int]) -> None:
    """Put the artists of these songs into the pools of artists of the playlist's pools."""
    pools = list(ArtistPool.objects.filter(pool__poolplaylist__playlist=playlist).values_list("pk", flat=True))
    if not pools:
        return
    artists: set[int] = set()
    for block in _blocks(sorted(songs)):
        artists.update(ArtistSong.objects.filter(song__in=block).values_list("artist_id", flat=True))
    _link(
        PoolArtist,
        ("artist_pool_id", "artist_id"),
        [(pool, each) for pool in sorted(pools) for each in sorted(artists)],
    )


def song_values(track: TrackMeta) -> dict[str, Any]:
    """Return the columns of a song as its source says it, cut to what they hold."""
    names = [name for each in track.artists if (name := plain(each).strip())]
    return {
        "name": clip(track.title, 300) or track.remote_id[:300],
        "singers": clip(JOINT.join(names), 500),
        "album": clip(track.album, 300),
        "duration": float(track.duration) if track.duration and 0 < track.duration < 10**7 else None,
        "isrc": clip(track.isrc, 20),
        "mbid": clip(track.mbid, 40),
        "kind": track.kind if track.kind in Song.Kind.values else Song.Kind.MUSIC,
        "ext": clip(track.ext, 10).lower(),
        "file_size_bytes": number(track.size),
        "quality_label": clip(track.quality, 30),
        "snapshot": clean({**track.snapshot, "artists": names}),
    }


def remote_id(text: str) -> str:
    """Return a source's own id as we keep it: one that is too long by its hash."""
    text = plain(str(text)).strip()
    return text if len(text) <= 200 else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@lru_cache(maxsize=10_000)  # the same few sing most of it
def artist_key(name: str) -> str:
    """Return what all spellings of an artist's name share: width, case and spaces do not count."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", name)).strip().casefold()[:200]


def clip(text: str, most: int) -> str:
    """Return text that a column of ``most`` characters takes."""
    return plain(str(text)).strip()[:most] if text else ""


def number(value: Any, most: int = MOST) -> int | None:
    """Return a count from elsewhere if a column takes it, else None."""
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= most else None


def _news(row: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said and differs from a row. What a file itself said stands."""
    kept = FILE_FIELDS if row["resolved"] else ()
    return {
        name: value
        for name, value in values.items()
        if value not in (None, "", {}) and name not in kept and row[name] != value
    }


def _save_artists(platform: str, artists: Mapping[int, Sequence[str]], changed: Sequence[int]) -> None:
    """Write the artists of songs (by id) and the links; a changed song forgets those it has no more."""
    names = {key: clip(name, 200) for group in artists.values() for name in group if (key := artist_key(name))}
    ids: dict[str, int] = {}
    for keys in _blocks(sorted(names)):
        rows = Artist.objects.filter(platform=platform, normalized_name__in=keys)
        ids |= dict(rows.values_list("normalized_name", "pk"))
    new = [
        Artist(platform=platform, normalized_name=key, name=name)
        for key, name in sorted(names.items())
        if key not in ids
    ]
    Artist.objects.bulk_create(
        new,
        batch_size=BLOCK,
        update_conflicts=True,
        unique_fields=["platform", "normalized_name"],
        update_fields=["name"],
    )
    ids |= {row.normalized_name: row.pk for row in new}
    for block in _blocks(changed):
        ArtistSong.objects.filter(song__in=block).delete()
    pairs = {(ids[key], song) for song, group in artists.items() for name in group if (key := artist_key(name))}
    _link(ArtistSong, ("artist_id", "song_id"), sorted(pairs))


def _link(model: type[Model], key: tuple[str, str], rows: Sequence[tuple[Any, ...]], update: str = "") -> None:
    """Insert rows of two ids (and one more column, which those that are there take over)."""
    more = (update,) if update else ()
    _insert(model, (*key, *more), rows, key=key, update=more)


def _insert(
    model: type[Model],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> None:
    """Insert rows; those whose key is there take over the columns of ``update``."""
    news = ", ".join(f"{name} = excluded.{name}" for name in update)
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
        f" ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {news}' if news else 'NOTHING'}"
    )
    if rows:
        with connection.cursor() as cursor:  # bulk_create takes three times as long for the same
            cursor.executemany(statement, rows)


def _playlist(platform: str, key: str, meta: PlaylistMeta) -> Playlist:
    row = Playlist(platform=platform, remote_id=key, name=key)
    update_playlist(row, meta)
    return row


def _playlists(platform: str, keys: Sequence[str]) -> list[Playlist]:
    rows = (Playlist.objects.filter(platform=platform, remote_id__in=block) for block in _blocks(keys))
    return [row for block in rows for row in block]


def _blocks(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(keys), BLOCK):
        yield keys[start : start + BLOCK]

"""Playlists with songs and files, made in blocks, for tests and benchmarks of pages."""

from __future__ import annotations

from django.utils import timezone

from catalog.models import FileAsset, FileLocation, Playlist, PlaylistSong, Pool, PoolPlaylist, Song, StorageBackend


def local_backend(folder: str = "/music", name: str = "library") -> StorageBackend:
    return StorageBackend.objects.create(name=name, kind="local_fs", plugin="local_fs", container_name=folder)


def make_songs(count: int, platform: str = "netease", **more: object) -> list[Song]:
    """Make songs; their numbers go on from those that are there."""
    start = Song.objects.count()
    numbers = range(start, start + count)
    rows = [
        Song(platform=platform, remote_id=str(n), name=f"Song {n}", singers=f"Singer {n % 7}", **more) for n in numbers
    ]
    return Song.objects.bulk_create(rows, batch_size=1000)


def make_playlist(name: str = "List", songs: list[Song] | None = None, **more: object) -> Playlist:
    """Make a playlist that was synchronised if it is given songs."""
    values = {"platform": "netease", "remote_id": f"{Playlist.objects.count()}", "name": name, **more}
    if songs is not None:
        values |= {"synced_at": timezone.now(), "sync_result": "ok", "collected_song_count": len(songs)}
    playlist = Playlist.objects.create(**values)
    links = [PlaylistSong(playlist=playlist, song=song, position=n) for n, song in enumerate(songs or ())]
    PlaylistSong.objects.bulk_create(links, batch_size=1000)
    return playlist


def put_into_pool(playlist: Playlist, kind: str = "toplist") -> Pool:
    pool, _made = Pool.objects.get_or_create(platform=playlist.platform, kind=kind, defaults={"name": kind})
    PoolPlaylist.objects.create(pool=pool, playlist=playlist)
    return pool


def keep(songs: list[Song], backend: StorageBackend, status: str = "active") -> None:
    """Let files of these songs lie on a backend."""
    rows = [FileAsset(song=song, ext="mp3", file_size_bytes=1000 + song.pk) for song in songs]
    assets = FileAsset.objects.bulk_create(rows, batch_size=1000)
    FileLocation.objects.bulk_create(
        (FileLocation(file_asset=each, backend=backend, locator=f"a/{each.pk}.mp3", status=status) for each in assets),
        batch_size=1000,
    )

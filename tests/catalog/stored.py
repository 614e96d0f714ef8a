"""Songs whose files really lie in a folder, for tests of what is done with files."""

from __future__ import annotations

from pathlib import Path

from catalog.models import FileAsset, FileLocation, Playlist, Song, StorageBackend

from .rows import local_backend, make_playlist, make_songs


def store(song: Song, backend: StorageBackend, locator: str, data: bytes | None = None, **more: object) -> FileLocation:
    """Write a file below a backend and note it; with ``asset`` as one more copy of that version."""
    data = f"music of {song.pk} at {locator}".encode() if data is None else data
    path = Path(backend.container_name, locator)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    asset = more.pop("asset", None) or FileAsset.objects.create(
        song=song, ext=path.suffix.lstrip("."), file_size_bytes=len(data), source="home", **more
    )
    return FileLocation.objects.create(file_asset=asset, backend=backend, locator=locator, is_primary=True)


def library(folder: Path, name: str = "library") -> StorageBackend:
    folder.mkdir(parents=True, exist_ok=True)
    return local_backend(str(folder), name)


def playlist_with_files(backend: StorageBackend, count: int = 3, name: str = "List", here: int = 99) -> Playlist:
    """Make a playlist of which the first ``here`` songs have files."""
    songs = make_songs(count)
    for number, song in enumerate(songs[:here]):
        store(song, backend, f"home/Singer {number}/{song.name}.mp3")
    return make_playlist(name, songs)

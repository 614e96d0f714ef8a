"""Music: where playlists are from, what is in them, which files there are of each song, and where these lie."""

from .files import FileAsset, FileLocation, Presence, StorageBackend, UploadTask
from .playlists import ArtistPool, Playlist, PlaylistSong, Pool, PoolArtist, PoolPlaylist
from .settings import ConfigRevision, DownloadSource, Source
from .songs import Artist, ArtistSong, Review, Song

__all__ = [
    "Artist",
    "ArtistPool",
    "ArtistSong",
    "ConfigRevision",
    "DownloadSource",
    "FileAsset",
    "FileLocation",
    "Playlist",
    "PlaylistSong",
    "Pool",
    "PoolArtist",
    "PoolPlaylist",
    "Presence",
    "Review",
    "Song",
    "Source",
    "StorageBackend",
    "UploadTask",
]

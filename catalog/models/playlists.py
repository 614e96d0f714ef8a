"""Pools, playlists, and the songs in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .songs import Artist, Song


class Pool(models.Model):
    """A place where a platform offers playlists: its square, its toplists, or files that people brought."""

    class Kind(models.TextChoices):
        SQUARE = "playlist_square", _("Playlist square")
        TOPLIST = "toplist", _("Toplists")
        FILE = "manual_file", _("Playlist file")
        FEED = "feed", _("Feeds")
        OWN = "own", _("Own playlists")

    platform = models.CharField(_("platform"), max_length=50)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=200, blank=True)
    name = models.CharField(_("name"), max_length=200)
    collected_at = models.DateTimeField(_("collected"), null=True, blank=True)
    playlists: models.ManyToManyField[Playlist, PoolPlaylist] = models.ManyToManyField(
        "Playlist", through="PoolPlaylist", related_name="pools"
    )

    class Meta:
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        constraints: ClassVar = [models.UniqueConstraint(fields=["platform", "kind", "key"], name="catalog_pool_once")]

    def __str__(self) -> str:
        return self.name


class Playlist(models.Model):
    """One playlist of one platform. ``play_count`` and the rest are as the platform says; states are derived."""

    class Result(models.TextChoices):
        NEVER = "never", _("Never synchronised")
        OK = "ok", _("Complete")
        EMPTY = "empty", _("Empty")
        PRIVATE = "private", _("Private")
        PARTIAL = "partial", _("Not complete")
        PARSE_ERROR = "parse_error", _("Not understood")

    class Mode(models.TextChoices):
        ADD = "add", _("Keep songs that leave it")
        MIRROR = "mirror", _("Put songs that leave it into the trash")

    platform = models.CharField(_("platform"), max_length=50)  # Source.name
    remote_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, default="playlist")  # playlist, toplist, feed
    strategy = models.CharField(max_length=50, blank=True)  # netease_toplist, qq_toplist, kuwo_toplist …
    name = models.CharField(_("name"), max_length=300)
    url = models.TextField(blank=True)
    play_count = models.BigIntegerField(_("plays"), null=True, blank=True)
    track_count = models.IntegerField(_("songs"), null=True, blank=True)  # as the platform says
    collected_song_count = models.IntegerField(_("songs found"), default=0)
    wanted = models.BooleanField(_("wanted"), default=False, db_index=True)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.ADD)
    sync_result = models.CharField(_("result"), max_length=12, choices=Result.choices, default=Result.NEVER)
    last_error = models.CharField(max_length=500, blank=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)
    songs: models.ManyToManyField[Song, PlaylistSong] = models.ManyToManyField(
        Song, through="PlaylistSong", related_name="playlists"
    )

    class Meta:
        verbose_name = _("playlist")
        verbose_name_plural = _("playlists")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "remote_id"], name="catalog_playlist_once"),
        ]

    def __str__(self) -> str:
        return self.name


class PoolPlaylist(models.Model):
    pool = models.ForeignKey(Pool, models.CASCADE, db_index=False)
    playlist = models.ForeignKey(Playlist, models.CASCADE)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pool", "playlist"], name="catalog_pool_playlist_once")
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.playlist_id}"


class PlaylistSong(models.Model):
    """A song stands once in a list, at the first of its positions."""

    playlist = models.ForeignKey(Playlist, models.CASCADE, db_index=False)
    song = models.ForeignKey(Song, models.CASCADE)
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["playlist", "song"], name="catalog_playlist_song_once"),
        ]

    def __str__(self) -> str:
        return f"{self.playlist_id} {self.position}"


class ArtistPool(models.Model):
    """The artists of a pool of playlists: one row a pool, completed when its playlists are synchronised."""

    pool = models.OneToOneField(Pool, models.CASCADE, related_name="artist_pool")
    artists: models.ManyToManyField[Artist, PoolArtist] = models.ManyToManyField(
        Artist, through="PoolArtist", related_name="artist_pools"
    )

    def __str__(self) -> str:
        return str(self.pool)


class PoolArtist(models.Model):
    artist_pool = models.ForeignKey(ArtistPool, models.CASCADE, db_index=False)
    artist = models.ForeignKey(Artist, models.CASCADE)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["artist_pool", "artist"], name="catalog_pool_artist_once"),
        ]

    def __str__(self) -> str:
        return f"{self.artist_pool_id} {self.artist_id}"

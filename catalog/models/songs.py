"""Songs, artists, and candidates that a person has to look at."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Song(models.Model):
    """One song of one platform, for ever one row. ``snapshot`` is all the source said: enough to search again later."""

    class Kind(models.TextChoices):
        MUSIC = "music", _("Music")
        OTHER = "non_music", _("Not music")  # entries of audio-book charts: never downloaded

    platform = models.CharField(_("platform"), max_length=50)
    remote_id = models.CharField(max_length=200)
    name = models.CharField(_("name"), max_length=300)
    singers = models.CharField(_("artists"), max_length=500, blank=True)  # for people, joined by " / "
    album = models.CharField(_("album"), max_length=300, blank=True)
    duration = models.FloatField(_("seconds"), null=True, blank=True)
    isrc = models.CharField(max_length=20, blank=True)
    mbid = models.CharField(max_length=40, blank=True)
    ext = models.CharField(max_length=10, blank=True)
    file_size_bytes = models.BigIntegerField(null=True, blank=True)
    quality_label = models.CharField(max_length=30, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.MUSIC)
    resolved = models.BooleanField(default=False)  # False: a deferred snapshot, no file was looked for yet
    snapshot = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("song")
        verbose_name_plural = _("songs")
        constraints: ClassVar = [models.UniqueConstraint(fields=["platform", "remote_id"], name="catalog_song_once")]

    def __str__(self) -> str:
        return f"{self.name} – {self.singers}" if self.singers else self.name


class Artist(models.Model):
    platform = models.CharField(_("platform"), max_length=50)
    normalized_name = models.CharField(max_length=200)
    name = models.CharField(_("name"), max_length=200)
    songs = models.ManyToManyField(Song, through="ArtistSong", related_name="artists")

    class Meta:
        verbose_name = _("artist")
        verbose_name_plural = _("artists")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "normalized_name"], name="catalog_artist_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ArtistSong(models.Model):
    artist = models.ForeignKey(Artist, models.CASCADE, db_index=False)
    song = models.ForeignKey(Song, models.CASCADE)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["artist", "song"], name="catalog_artist_song_once")]

    def __str__(self) -> str:
        return f"{self.artist_id} {self.song_id}"


class Review(models.Model):
    """A candidate that may be the song (75 to 90 of 100): a person takes it, or says never."""

    class State(models.TextChoices):
        OPEN = "open", _("Needs a look")
        TAKEN = "taken", _("Use this")
        NEVER = "never", _("Never")

    song = models.ForeignKey(Song, models.CASCADE, related_name="reviews")
    source = models.CharField(_("source"), max_length=50)  # DownloadSource.name
    key = models.CharField(max_length=500)  # of the candidate, in its source
    title = models.CharField(_("title"), max_length=300)
    artists = models.CharField(_("artists"), max_length=500, blank=True)
    score = models.FloatField(_("score"))
    candidate = models.JSONField(default=dict)  # downloads.base.Candidate
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN, db_index=True)
    actor = models.CharField(max_length=150, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("weak match")
        verbose_name_plural = _("weak matches")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["song", "source", "key"], name="catalog_review_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} – {self.artists}"

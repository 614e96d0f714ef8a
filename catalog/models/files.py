"""Versions of songs that were really obtained, where they lie, and what is to be uploaded."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .songs import Song


class StorageBackend(models.Model):
    """A place for files. ``config`` holds nothing secret: those come from the environment, by a prefix."""

    class Kind(models.TextChoices):
        LOCAL = "local_fs", _("Local folder")
        OBJECT = "object_storage", _("Object storage (S3)")
        CLOUD = "cloud_drive", _("Cloud drive")

    name = models.SlugField(_("name"), max_length=50, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    plugin = models.CharField(_("plug-in"), max_length=50)  # an entry point of mediasync.storage_backends
    container_name = models.TextField(_("folder, bucket or remote"), blank=True)
    config = models.JSONField(_("settings"), default=dict, blank=True)
    enabled = models.BooleanField(_("switched on"), default=True)
    is_default = models.BooleanField(_("new files go here"), default=False)
    overflow = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("full: new files go on to")
    )  # set by rooms.py when somebody named another folder

    class Meta:
        verbose_name = _("storage backend")
        verbose_name_plural = _("storage backends")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="catalog_one_default"),
        ]

    def __str__(self) -> str:
        return self.name


class FileAsset(models.Model):
    """One version of a song. The values are those of the file, not of the platform that named the song."""

    song = models.ForeignKey(Song, models.CASCADE, related_name="assets", db_index=False)
    quality_label = models.CharField(_("quality"), max_length=30, blank=True)
    ext = models.CharField(max_length=10)
    file_size_bytes = models.BigIntegerField(_("size"))
    checksum = models.CharField(max_length=80, blank=True)  # "sha256:…"
    duration = models.FloatField(null=True, blank=True)
    source = models.CharField(_("from"), max_length=50, blank=True)  # DownloadSource.name
    license = models.CharField(max_length=200, blank=True)
    rights_basis = models.CharField(max_length=20, blank=True)  # own-copy, open-licence, public-domain, user-supplied
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("file version")
        verbose_name_plural = _("file versions")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["song", "quality_label", "ext", "file_size_bytes"], name="catalog_asset_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.song_id} {self.quality_label} {self.ext}"


class FileLocation(models.Model):
    """Where a version lies: ``locator`` is below the backend, with "/" whatever the system; stored text."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("There")
        LEAVING = "leaving", _("On its way to the trash")  # written down before it is moved (leaving.py)
        INACTIVE = "inactive", _("Gone")

    file_asset = models.ForeignKey(FileAsset, models.CASCADE, related_name="locations", db_index=False)
    backend = models.ForeignKey(StorageBackend, models.PROTECT, related_name="locations", db_index=False)
    locator = models.TextField()
    remote_file_id = models.CharField(max_length=300, blank=True)
    public_url = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    is_primary = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file_asset", "backend", "locator"], name="catalog_location_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["backend", "locator"], name="catalog_location_at")]  # whose is it?

    def __str__(self) -> str:
        return self.locator


class Presence(models.Model):
    """Whether a song is on a backend: derived from the locations by ``presence.py``, never the source of truth."""

    song = models.ForeignKey(Song, models.CASCADE, related_name="presences", db_index=False)
    backend = models.ForeignKey(StorageBackend, models.CASCADE, related_name="presences")
    files = models.IntegerField(default=0)
    size = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["song", "backend"], name="catalog_presence_once")]

    def __str__(self) -> str:
        return f"{self.song_id} {self.backend_id}"


class UploadTask(models.Model):
    """One version that is to lie on another backend too; outlives the job that did it."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waits")
        UPLOADING = "uploading", _("Is being uploaded")
        SUCCEEDED = "succeeded", _("Uploaded")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    file_asset = models.ForeignKey(FileAsset, models.CASCADE, related_name="uploads", db_index=False)
    source_location = models.ForeignKey(FileLocation, models.SET_NULL, null=True, related_name="uploads")
    backend = models.ForeignKey(StorageBackend, models.CASCADE, related_name="uploads")
    locator = models.TextField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file_asset", "backend", "locator"], name="catalog_upload_once"),
        ]

    def __str__(self) -> str:
        return self.locator

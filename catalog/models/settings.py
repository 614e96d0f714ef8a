"""Which sources may be asked, in which order, and how the catalog was configured over time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """One source of playlists: a plug-in with its settings. It is asked nothing before somebody has enabled it."""

    name = models.SlugField(_("name"), max_length=50, unique=True)  # also Playlist.platform; "netease", "home" …
    plugin = models.CharField(_("plug-in"), max_length=50)  # an entry point of mediasync.playlist_sources
    enabled = models.BooleanField(_("switched on"), default=False)
    settings = models.JSONField(_("settings"), default=dict, blank=True)  # address, user …
    secret_sealed = models.TextField(blank=True, editable=False)  # core.secrets.seal
    pace = models.FloatField(_("seconds between two questions"), default=1.0)
    last_error = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("playlist source")
        verbose_name_plural = _("playlist sources")

    def __str__(self) -> str:
        return self.name


class DownloadSource(models.Model):
    """One place to get files from; they are tried in this order when two files are equally good."""

    name = models.SlugField(_("name"), max_length=50, unique=True)
    plugin = models.CharField(_("plug-in"), max_length=50)  # an entry point of mediasync.download_sources
    enabled = models.BooleanField(_("switched on"), default=False)
    order = models.PositiveIntegerField(_("order"), default=100)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    secret_sealed = models.TextField(blank=True, editable=False)
    pace = models.FloatField(_("seconds between two questions"), default=0.0)
    last_error = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("download source")
        verbose_name_plural = _("download sources")
        ordering: ClassVar = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class ConfigRevision(models.Model):
    """The configuration as it was: ``content`` has sources, backends and settings, no secrets."""

    content = models.JSONField()
    note = models.CharField(_("note"), max_length=200, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    created = models.DateTimeField(_("saved"), default=timezone.now)
    restored_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("configuration")
        verbose_name_plural = _("configurations")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"#{self.pk} {self.note}"

"""Plex's data folders, the runs of the clean-up and the rows of their plans: nothing happens but what is a row here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mediasync.jobs.models import Job
from mediasync.servers.models import Server

from .choices import Action, Klass, Outcome, Risk, RunState


class ImageHost(models.Model):
    """Where art that has no web address may be put (rule C4). Its settings hold no secret; those are sealed."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=20)  # a module of cleanup.hosts
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    secret_sealed = models.TextField(blank=True, editable=False)  # core.secrets.seal

    class Meta:
        verbose_name = _("image host")
        verbose_name_plural = _("image hosts")

    def __str__(self) -> str:
        return self.name


class PlexFolder(models.Model):
    """One data folder of a Plex server, and what may be done to it. ``policy`` is read by ``policy.of``."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    path = models.TextField(_("data folder"), unique=True)  # holds Metadata, Media, Plug-in Support; may be a link
    cache_path = models.TextField(_("cache folder"), blank=True)  # "" = Cache/PhotoTranscoder below ``path``
    server = models.ForeignKey(
        Server, models.SET_NULL, null=True, blank=True, related_name="plex_folders", verbose_name=_("server")
    )
    policy = models.JSONField(_("policy"), default=dict, blank=True)
    quarantine_path = models.TextField(_("quarantine folder"), blank=True)  # "" = mediasync-quarantine below ``path``
    quarantine_days = models.PositiveIntegerField(_("days in quarantine"), default=14)
    image_host = models.ForeignKey(
        ImageHost, models.SET_NULL, null=True, blank=True, related_name="folders", verbose_name=_("image host")
    )
    last_index = models.JSONField(default=dict, blank=True, editable=False)  # counts, to notice one that shrank

    class Meta:
        verbose_name = _("Plex data folder")
        verbose_name_plural = _("Plex data folders")

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One plan, and what became of it. ``steps`` are names of ``steps.py``; ``filters``: sections, prefixes, limit."""

    folder = models.ForeignKey(PlexFolder, models.CASCADE, related_name="runs", verbose_name=_("folder"))
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("job"))
    state = models.CharField(_("state"), max_length=12, choices=RunState.choices, default=RunState.PLANNING)
    reason = models.CharField(max_length=100, blank=True)  # a code of texts.py; its params are facts["why"]
    steps = models.JSONField(_("steps"), default=list)
    filters = models.JSONField(default=dict, blank=True)
    policy = models.JSONField(default=dict)  # the folder's, as it was when this was planned
    facts = models.JSONField(default=dict, blank=True)  # preflight, snapshot (path, sha256), index counts
    totals = models.JSONField(default=dict, blank=True)  # {class: {outcome: [rows, files, bytes]}}
    coverage = models.JSONField(default=dict, blank=True)  # {"before": …, "after": …} of coverage.py
    report = models.JSONField(default=dict, blank=True)  # of the last apply, restore or purge
    created = models.DateTimeField(_("made"), default=timezone.now)
    actor = models.CharField(max_length=150, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.CharField(max_length=150, blank=True)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)
    expires_at = models.DateTimeField(_("deleted for good from"), null=True, blank=True)  # of its quarantine
    quarantine = models.TextField(blank=True)  # its folder, absolute stored text; "" until something lies there

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"#{self.pk} {self.folder}"


class PlanRow(models.Model):
    """One thing that would be done, and what became of it. Written in blocks by ``store.py``, never one by one.

    ``path`` is below the data folder (``base`` "data") or the cache folder ("cache"). The facts are of ``lstat``; those
    of a tree are sums: ``files``, ``size`` and ``blocks`` (of 512 bytes; a file with several names counts once), the
    newest ``mtime_ns``, and ``mark``: a digest of all names, sizes and times in it.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="rows", db_index=False)
    phase = models.PositiveSmallIntegerField()  # choices.PHASES
    klass = models.CharField(max_length=10, choices=Klass.choices)
    action = models.CharField(max_length=8, choices=Action.choices)
    unit = models.CharField(max_length=60)  # the item of the plan that found it; planned again, its rows are replaced
    base = models.CharField(max_length=5, default="data")
    path = models.TextField(blank=True)  # "" for an update
    bundle = models.CharField(max_length=40, blank=True)  # hash
    dev = models.BigIntegerField(default=0)
    ino = models.BigIntegerField(default=0)  # as 64 bits with a sign
    size = models.BigIntegerField(default=0)
    blocks = models.BigIntegerField(default=0)
    mtime_ns = models.BigIntegerField(default=0)
    nlink = models.IntegerField(default=0)
    files = models.IntegerField(default=0)
    mark = models.CharField(max_length=40, blank=True)
    item = models.BigIntegerField(null=True)  # metadata_items.id
    section = models.BigIntegerField(null=True)  # library_sections.id
    title = models.CharField(max_length=200, blank=True)
    column = models.CharField(max_length=40, blank=True)  # user_thumb_url …
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    proof = models.CharField(max_length=20, blank=True)  # where the address is from: taggings, info_xml, host, journal
    risk = models.CharField(max_length=8, choices=Risk.choices, default=Risk.MEDIUM)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.PLANNED)
    reason = models.CharField(max_length=100, blank=True)  # a code of texts.py, or a short fact
    sha1 = models.CharField(max_length=40, blank=True)  # of the content, where it was copied or asked for
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["run", "phase", "id"], name="cleanup_row_order"),
            models.Index(fields=["run", "klass", "outcome"], name="cleanup_row_class"),
        ]

    def __str__(self) -> str:
        return self.path or f"{self.item}.{self.column}"


class SeenUrl(models.Model):
    """What an address answered when it was last asked, so that it is asked once a while and not once a run."""

    url = models.TextField(unique=True)
    ok = models.BooleanField()
    status = models.IntegerField(default=0)
    content_type = models.CharField(max_length=100, blank=True)
    length = models.BigIntegerField(default=0)  # bytes; 0 = not said
    checked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.url

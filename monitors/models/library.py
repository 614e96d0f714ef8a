"""Watched roots, the snapshot of what lies in them, and what changed.

All paths are *stored text* (``mediasync.core.paths``). ``Root.path`` is absolute and normalised; ``Directory.path`` is
below the root and has no leading slash ("" is the root itself), so a root can be mounted elsewhere and keep its rows.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Root(models.Model):
    """A folder that is kept in step with the servers."""

    class Lister(models.TextChoices):
        LOCAL = "local", _("Local or mounted folder")
        CLOUDDRIVE = "clouddrive", "CloudDrive2"
        RCLONE = "rclone", _("rclone, by its remote control")

    class Feed(models.TextChoices):
        """How it is told of changes between two crawls; each but AUTO is a name in ``feeds.KINDS``."""

        AUTO = "auto", _("What fits best")
        INOTIFY = "inotify", _("The kernel (local disks)")
        POLLING = "polling", _("Polling: folders that change often are looked at more often")
        CLOUDDRIVE = "clouddrive", _("CloudDrive2's push messages")
        DRIVE_CHANGES = "drive_changes", _("Google Drive: changes")
        DRIVE_ACTIVITY = "drive_activity", _("Google Drive: activity")

    class Guard(models.TextChoices):
        OK = "ok", _("OK")
        SUSPECT = "suspect", _("Suspect")
        DOWN = "down", _("Down")

    class Settles(models.TextChoices):
        """How a removal gets its second look."""

        AUTO = "auto", _("By file system")
        AT_ONCE = "at_once", _("At once")
        LATER = "later", _("After a wait")

    name = models.CharField(max_length=100, unique=True)
    path = models.TextField(unique=True)
    lister = models.CharField(max_length=20, choices=Lister.choices, default=Lister.LOCAL)
    account = models.ForeignKey("monitors.Account", models.PROTECT, null=True, blank=True, related_name="roots")
    remote_path = models.TextField(blank=True)  # the same folder as the account names it (its kind says how)
    mounted = models.BooleanField(default=True)  # False: nothing is at ``path`` on this machine, the lister has it all
    enabled = models.BooleanField(default=True)
    watch = models.BooleanField(default=True)
    feed = models.CharField(max_length=20, choices=Feed.choices, default=Feed.AUTO)
    feed_every = models.PositiveIntegerField(default=0)  # seconds between two questions of the feed; 0: as its kind
    poll_budget = models.PositiveIntegerField(default=60)  # folders that polling may look at in a minute

    # When it is looked at.
    every = models.PositiveIntegerField(default=900)  # seconds between incremental crawls; 0 = never by itself
    reconcile_every = models.PositiveIntegerField(default=7 * 24 * 3600)  # seconds; 0 = never by itself
    directory_mtime_moves = models.BooleanField(default=True)  # False: a folder's mtime ignores its children
    parallel = models.PositiveSmallIntegerField(default=0)  # listings at once; 0 = by file system
    two_looks = models.CharField(max_length=10, choices=Settles.choices, default=Settles.AUTO)
    second_look_after = models.PositiveIntegerField(default=300)  # seconds

    # What counts.
    kinds = models.JSONField(default=list, blank=True)  # of filters.KINDS; empty = every file
    include = models.JSONField(default=list, blank=True)  # globs
    exclude = models.JSONField(default=list, blank=True)  # globs; win over include
    hidden = models.BooleanField(default=False)  # dot files too

    # The guard.
    must_be_mount = models.BooleanField(default=False)
    anchor = models.TextField(blank=True)  # below the root; must exist
    minimum_entries = models.PositiveIntegerField(default=1)  # in the root folder
    max_removed_ratio = models.FloatField(default=0.2)  # of the known files, in one crawl
    max_removed_count = models.PositiveIntegerField(default=1000)
    guard = models.CharField(max_length=10, choices=Guard.choices, default=Guard.OK)
    guard_code = models.CharField(max_length=100, blank=True)
    guard_params = models.JSONField(default=dict, blank=True)
    guard_since = models.DateTimeField(null=True, blank=True)
    guard_checked = models.DateTimeField(null=True, blank=True)
    device = models.CharField(max_length=50, blank=True)  # its mount when it was last OK: type@depth, "!" if remote
    mounts = models.JSONField(default=list, blank=True)  # what was mounted below it then: paths below the root
    shown_at = models.TextField(blank=True)  # the mount that showed it, as its account said when it last was there

    # What the last crawls showed.
    baseline_at = models.DateTimeField(null=True, blank=True)  # end of the first complete crawl
    crawled_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)
    directories = models.PositiveIntegerField(default=0)
    files = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Directory(models.Model):
    """A folder as we last saw it."""

    root = models.ForeignKey(Root, models.CASCADE, related_name="directory_rows", db_index=False)
    parent_id = models.BigIntegerField(null=True)  # no constraint: set-based writes, and the root row has none
    path = models.TextField()
    mtime_ns = models.BigIntegerField(default=0)
    signature = models.BigIntegerField(default=0)  # 64-bit hash over names, sizes, mtimes of its entries
    listed_at = models.BigIntegerField(default=0)  # seconds since the epoch; 0 = never completely
    dirty = models.BooleanField(default=True)  # list it in the next crawl whatever its mtime says
    error = models.CharField(max_length=200, blank=True)  # why it could not be listed

    class Meta:
        verbose_name_plural = "directories"
        constraints: ClassVar = [models.UniqueConstraint(fields=["root", "path"], name="monitors_directory_once")]
        indexes: ClassVar = [
            models.Index(fields=["parent_id"], name="monitors_directory_parent"),
            models.Index(fields=["root"], condition=Q(dirty=True), name="monitors_directory_dirty"),
            models.Index(fields=["root"], condition=~Q(error=""), name="monitors_directory_error"),
        ]

    def __str__(self) -> str:
        return self.path


class File(models.Model):
    """A file as we last saw it. The key is (directory, name); one more index would double the time of a first crawl."""

    pk = models.CompositePrimaryKey("directory_id", "name")
    directory = models.ForeignKey(
        Directory, models.DO_NOTHING, related_name="files", db_constraint=False, db_index=False
    )
    name = models.TextField()
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    ident = models.BigIntegerField(null=True)  # 64 bit: (device, inode), or a hash of the cloud's id


class Change(models.Model):
    """What a crawl found, written in the same transaction as the snapshot. Later stages move ``state`` on.

    ::

        (first look) → seen ──second look──▶ new ──link──▶ linked ──scan──▶ told
                        │  └─ it is back ──▶ dropped
                        └─ guard not OK ───▶ held ──release──▶ new      held ──drop──▶ dropped

    Additions, modifications and moves begin as ``new``.
    """

    class Kind(models.TextChoices):
        ADDED = "added", _("Added")
        MODIFIED = "modified", _("Modified")
        REMOVED = "removed", _("Removed")
        MOVED = "moved", _("Moved")

    class State(models.TextChoices):
        SEEN = "seen", _("Waiting for a second look")
        HELD = "held", _("Held")
        NEW = "new", _("New")
        LINKED = "linked", _("Linked")
        TOLD = "told", _("Told")
        DROPPED = "dropped", _("Dropped")

    root = models.ForeignKey(Root, models.CASCADE, related_name="changes", db_index=False)
    job_id = models.BigIntegerField(null=True)  # the job that saw it
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    is_dir = models.BooleanField(default=False)  # a removed or moved folder is one row, not one a file
    path = models.TextField()  # below the root
    old_path = models.TextField(blank=True)  # below the root, of a move
    size = models.BigIntegerField(default=0)
    files = models.PositiveIntegerField(default=1)  # files that the row stands for
    reason = models.CharField(max_length=100, blank=True)  # why it is held: a guard code
    seen_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)  # confirmed, released or dropped
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["root", "state", "id"], name="monitors_change_next"),
            models.Index(fields=["seen_at"], name="monitors_change_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"

"""Where news comes from: accounts with a cloud, feeds, hooks and what they received."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .library import Root


class Account(models.Model):
    """Access to a cloud, or to a program that mounts one, with the limit that all its roots share.

    ``accounts/<kind>.py`` says which options and secrets a kind has, and what ``Root.remote_path`` means for it.
    """

    class Kind(models.TextChoices):
        CLOUDDRIVE = "clouddrive", "CloudDrive2"
        GDRIVE = "gdrive", "Google Drive"
        RCLONE = "rclone", "rclone"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    enabled = models.BooleanField(default=True)
    options = models.JSONField(default=dict, blank=True)
    secrets_sealed = models.TextField(blank=True, editable=False)  # core.secrets.seal of a JSON object
    per_second = models.FloatField(default=0.0)  # requests; 0: as its kind
    per_day = models.PositiveIntegerField(default=0)  # requests; 0: no budget

    # The limit (accounts/limits.py), all by compare-and-set.
    next_at = models.DateTimeField(null=True, blank=True, editable=False)
    cooldown_until = models.DateTimeField(null=True, blank=True, editable=False)
    fails = models.PositiveIntegerField(default=0, editable=False)
    used_on = models.DateField(null=True, blank=True, editable=False)  # the day (UTC) that ``used`` counts
    used = models.PositiveIntegerField(default=0, editable=False)
    paused = models.BooleanField(default=False, editable=False)  # refused: a person must look at the credentials
    last_code = models.CharField(max_length=100, blank=True, editable=False)  # the last error (texts.py)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)  # when it last answered
    facts = models.JSONField(default=dict, blank=True, editable=False)  # what the last look showed: version, user …

    def __str__(self) -> str:
        return self.name


class FeedState(models.Model):
    """The heartbeat of one feed; ``key`` tells the feeds of a kind apart (``root 3``, ``account 1``)."""

    class State(models.TextChoices):
        STARTING = "starting", _("Starting")
        FINE = "fine", _("Works")
        RESTING = "resting", _("Rests")
        TROUBLE = "trouble", _("In trouble")
        OFF = "off", _("Off")

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=100)
    root = models.ForeignKey(Root, models.CASCADE, null=True, blank=True, related_name="feed_states")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="feed_states")
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTING)
    code = models.CharField(max_length=100, blank=True)  # why (texts.py)
    params = models.JSONField(default=dict, blank=True)
    since = models.DateTimeField(null=True, blank=True)  # of the state
    beat_at = models.DateTimeField(null=True, blank=True)  # its supervisor was last there
    ok_at = models.DateTimeField(null=True, blank=True)  # last success
    event_at = models.DateTimeField(null=True, blank=True)  # last event
    events = models.PositiveBigIntegerField(default=0)
    gaps = models.PositiveIntegerField(default=0)  # times that events may have been missed, and its roots were crawled
    starts = models.PositiveIntegerField(default=0)
    facts = models.JSONField(default=dict, blank=True)  # watches, limit …
    cursor = models.JSONField(null=True, blank=True)  # page token, end of the window: written with the hints
    behind = models.JSONField(default=list, blank=True)  # ids of roots that are to be crawled because of a gap
    restart = models.BooleanField(default=False)  # a person asks for it
    heard = models.JSONField(null=True, blank=True)  # the last self-test that it heard of: name, at

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "key"], name="monitors_feed_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class WatchLease(models.Model):
    """The single row (pk 1) that says which ``manage.py watch`` acts; any other waits in reserve."""

    owner = models.CharField(max_length=200, blank=True)  # host/boot/pid
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="monitors_watch_single_row")]

    def __str__(self) -> str:
        return self.owner


class HotFolder(models.Model):
    """A folder of a polled root that changed lately; ``score`` falls with time (feeds/hot.py)."""

    root = models.ForeignKey(Root, models.CASCADE, related_name="hot_folders")
    path = models.TextField()
    score = models.FloatField(default=1.0)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["root", "path"], name="monitors_hot_once")]

    def __str__(self) -> str:
        return self.path


class DriveItem(models.Model):
    """A file or folder of a Google Drive as the change feed last told of it: what paths are built from."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="drive_items")
    drive = models.CharField(max_length=100, blank=True)  # id of a shared drive; "" is My Drive
    ident = models.CharField(max_length=100)
    parent = models.CharField(max_length=100, blank=True)
    name = models.TextField()
    is_dir = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "ident"], name="monitors_drive_item_once")]
        indexes: ClassVar = [models.Index(fields=["account", "parent"], name="monitors_drive_parent")]

    def __str__(self) -> str:
        return self.name


class Hook(models.Model):
    """An endpoint that other programs call: ``/hooks/<name>/<secret>/``, and ``/triggers/<name>`` with a password."""

    class Unmatched(models.TextChoices):
        """What becomes of a path that no source mapping translates."""

        PASS = "pass", _("Take it as it is")
        DROP = "drop", _("Drop it")
        ERROR = "error", _("Report it as an error")

    name = models.SlugField(max_length=50, unique=True)
    kind = models.CharField(max_length=20)  # of triggers.KINDS: sonarr, radarr, clouddrive2, generic …
    enabled = models.BooleanField(default=True)
    secret_sealed = models.TextField(blank=True, editable=False)
    old_secret_sealed = models.TextField(blank=True, editable=False)  # still good until ``old_until``
    old_until = models.DateTimeField(null=True, blank=True, editable=False)
    username = models.CharField(max_length=100, blank=True)  # of Basic auth; "" = any
    password_sealed = models.TextField(blank=True, editable=False)  # of Basic auth; "" = the secret
    open = models.BooleanField(default=False)  # the compatible routes answer without a password
    debounce = models.FloatField(null=True, blank=True)  # seconds; None: as its kind
    max_wait = models.FloatField(null=True, blank=True)  # seconds; None: as its kind
    wait_for_file = models.BooleanField(default=True)  # until it is visible and its size rests
    unmatched = models.CharField(max_length=5, choices=Unmatched.choices, default=Unmatched.PASS)
    received_at = models.DateTimeField(null=True, blank=True, editable=False)
    note = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name


class Payload(models.Model):
    """What a hook received, stored before anything is made of it."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        DONE = "done", _("Followed")
        IGNORED = "ignored", _("Ignored")
        REJECTED = "rejected", _("Rejected")

    hook = models.ForeignKey(Hook, models.CASCADE, related_name="payloads")
    at = models.DateTimeField(default=timezone.now)
    method = models.CharField(max_length=10)
    path = models.TextField()  # without the secret
    query = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)  # without Authorization, Cookie and the like
    body = models.BinaryField(default=bytes, blank=True)
    sender = models.CharField(max_length=100, blank=True)  # its address
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    event = models.CharField(max_length=100, blank=True)  # as the sender calls it
    code = models.CharField(max_length=100, blank=True)  # why it was ignored or rejected (texts.py)
    params = models.JSONField(default=dict, blank=True)
    notices = models.JSONField(default=list, blank=True)  # what it says: path, change, is_dir …
    hints = models.PositiveIntegerField(default=0)  # that came of it
    parsed_at = models.DateTimeField(null=True, blank=True)
    replay_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "id"], name="monitors_payload_state"),
            models.Index(fields=["at"], name="monitors_payload_at"),
        ]

    def __str__(self) -> str:
        return f"{self.hook} {self.event}".strip()

"""Media servers, their libraries and the folders of each, as the server itself names them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .listeners.models import Arrival as Arrival
from .listeners.models import KnownItem as KnownItem
from .listeners.models import Listener as Listener

BY_HAND = "server_paused_by_hand"  # Server.paused_reason: this, or the code of an error


def kinds() -> list[tuple[str, str]]:
    """Return the choices of ``Server.kind``; called, so that a new kind needs no migration."""
    return Server.Kind.choices


class Server(models.Model):
    """One Plex, Emby or Jellyfin. The token is encrypted at rest and never shown again."""

    class Kind(models.TextChoices):
        """Each is the name of its module in ``clients``."""

        PLEX = "plex", "Plex"
        EMBY = "emby", "Emby"
        JELLYFIN = "jellyfin", "Jellyfin"

    class Unmatched(models.TextChoices):
        """What becomes of a path that no mapping rule translates for this server."""

        PASS = "pass", _("Pass it on unchanged")
        DROP = "drop", _("Drop it")
        ERROR = "error", _("Report it as an error")

    class Replaced(models.TextChoices):
        """What follows once a file that was replaced in place is known."""

        NOTHING = "", _("Nothing")
        REFRESH = "refresh", _("Refresh the item")
        ANALYZE = "analyze", _("Analyze the item (Plex)")

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=kinds)
    url = models.CharField(max_length=300)  # checked by core.addresses: "http://plex:32400" is right
    token_sealed = models.TextField(blank=True, editable=False)  # core.secrets.seal
    verify_tls = models.BooleanField(default=True)
    ca_file = models.CharField(max_length=500, blank=True)
    connect_timeout = models.FloatField(default=5.0)  # seconds
    read_timeout = models.FloatField(default=30.0)  # seconds
    pace = models.FloatField(default=1.0)  # seconds between two scans of one library
    debounce = models.FloatField(default=10.0)  # seconds of rest before a scan is due
    max_wait = models.FloatField(default=300.0)  # seconds after which a scan is due without rest
    root_window = models.FloatField(default=300.0)  # seconds over which new top-level folders are collected
    unmatched = models.CharField(max_length=5, choices=Unmatched.choices, default=Unmatched.PASS)
    verify = models.BooleanField(default=True)  # ask whether what was told is known
    replaced = models.CharField(max_length=10, choices=Replaced.choices, blank=True, default=Replaced.NOTHING)
    trash_limit = models.PositiveIntegerField(default=0)  # empty a trash of at most so many items; 0 = never (Plex)
    enabled = models.BooleanField(default=True)
    paused = models.BooleanField(default=False)
    paused_reason = models.CharField(max_length=300, blank=True)

    # The limit of this server: breaker and pace (limits.py).
    next_at = models.DateTimeField(null=True, blank=True, editable=False)
    cooldown_until = models.DateTimeField(null=True, blank=True, editable=False)
    fails = models.PositiveIntegerField(default=0, editable=False)

    # What the last look at it showed.
    version = models.CharField(max_length=100, blank=True, editable=False)
    machine = models.CharField(max_length=100, blank=True, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    libraries_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name


class Library(models.Model):
    """A library (Plex: section) of a server; ``key`` is the server's own id for it."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="libraries")
    key = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=50, blank=True)  # the server's word: movie, show, tvshows …
    enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, blank=True, editable=False)  # pace: not before
    last_scan_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "libraries"
        permissions: ClassVar = [("trigger_update", _("Can trigger updates"))]
        constraints: ClassVar = [models.UniqueConstraint(fields=["server", "key"], name="servers_library_once")]

    def __str__(self) -> str:
        return f"{self.server}: {self.title}"


class LibraryPath(models.Model):
    """A folder of a library in the name space of the server (may be a Windows or UNC path)."""

    library = models.ForeignKey(Library, models.CASCADE, related_name="paths")
    path = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["library", "path"], name="servers_path_once")]

    def __str__(self) -> str:
        return self.path


class ApiToken(models.Model):
    """What another program shows in place of a login. Only its hash is kept: see tokens.py."""

    class Scope(models.TextChoices):
        """What its bearer may do; ``admin`` holds all others, and every token may read."""

        READ = "read", _("Read")
        TRIGGER = "trigger", _("Trigger updates and scans")
        CONTROL = "control", _("Control jobs")
        ADMIN = "admin", _("Everything")

    name = models.CharField(max_length=100, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256: a random token needs no salt
    start = models.CharField(max_length=12, editable=False)  # its first characters, to tell tokens apart
    scopes = models.JSONField(default=list)  # of Scope
    enabled = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the minute
    used_from = models.CharField(max_length=100, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name

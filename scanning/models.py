"""How paths are translated, which links are kept, and what each server is asked to scan."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.servers.models import Library, Server
from monitors.models import Root

from .example_models import MappingExample as MappingExample


class PathMapping(models.Model):
    """One rule between two name spaces. Rules are tried in order; the first that matches wins.

    ``source`` rules turn what a webhook or cloud says into a local path; ``server`` rules turn a local path into the
    path that a server sees (all servers, or one). Plain rules match whole components; regex rules match from the start.
    What no rule matches is dealt with as ``Server.unmatched`` says. See ``mapping.py``.
    """

    class Space(models.TextChoices):
        SOURCE = "source", _("Source → local")
        SERVER = "server", _("Local → server")

    space = models.CharField(max_length=10, choices=Space.choices)
    order = models.PositiveIntegerField(default=100)
    source = models.CharField(max_length=50, blank=True)  # only for this source ("" = every)
    server = models.ForeignKey(Server, models.CASCADE, null=True, blank=True, related_name="mappings")
    pattern = models.TextField()
    replacement = models.TextField()
    regex = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    hits = models.PositiveIntegerField(default=0, editable=False)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["space", "order", "id"]

    def __str__(self) -> str:
        return f"{self.pattern} → {self.replacement}"


class LinkRule(models.Model):
    """Which files of a root get a link (or .strm file), where, and how."""

    class Mode(models.TextChoices):
        ABSOLUTE = "absolute", _("Symbolic link, absolute")
        RELATIVE = "relative", _("Symbolic link, relative")
        STRM = "strm", _(".strm file")

    class Companions(models.TextChoices):
        LINK = "link", _("Link")
        COPY = "copy", _("Copy")
        LEAVE = "leave", _("Leave out")

    class Collision(models.TextChoices):
        KEEP = "keep", _("Keep what is there")
        REPLACE_OURS = "replace_ours", _("Replace it if it is ours")
        NUMBER = "number", _("Make a numbered one beside it")
        ERROR = "error", _("Report an error")

    class Discs(models.TextChoices):
        SKIP = "skip", _("Leave out")
        UNIT = "unit", _("Link the folder as one")

    root = models.OneToOneField(Root, models.CASCADE, related_name="link_rule")
    enabled = models.BooleanField(default=True)
    target = models.TextField()  # absolute
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ABSOLUTE)
    strm_body = models.TextField(default="{path}", blank=True)
    kinds = models.JSONField(default=list, blank=True)  # of monitors.filters.KINDS; empty = video
    minimum_size = models.PositiveBigIntegerField(default=0)  # bytes; companions are exempt
    companions = models.CharField(max_length=10, choices=Companions.choices, default=Companions.LINK)
    collision = models.CharField(max_length=15, choices=Collision.choices, default=Collision.REPLACE_OURS)
    discs = models.CharField(max_length=10, choices=Discs.choices, default=Discs.SKIP)
    trash_days = models.PositiveIntegerField(default=0)  # 0 = remove at once
    built_at = models.DateTimeField(null=True, blank=True, editable=False)  # first complete pass

    def __str__(self) -> str:
        return self.target

    def clean(self) -> None:
        """Refuse a rule that cannot be; the message says what to do."""
        from .link_services import check_rule

        if self.root_id is None:
            return
        try:
            check_rule(self)
        except UsageError as error:
            raise ValidationError(str(error), code=error.code) from None


class LinkFolder(models.Model):
    """A folder of the target that holds links of ours, or that we made on the way to one.

    ``mtime_ns`` and ``proof`` prove that all in it was right when we last looked: a symbolic link cannot be changed
    without moving the time of its folder, so one ``lstat`` does instead of one ``readlink`` a link.
    """

    rule = models.ForeignKey(LinkRule, models.CASCADE, related_name="folders", db_index=False)
    path = models.TextField()  # below LinkRule.target, and the same below Root.path
    made = models.BooleanField(default=False)  # by us: removed again when it is empty
    mtime_ns = models.BigIntegerField(default=0)  # 0 = look into it
    proof = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "path"], name="scanning_link_folder_once")]

    def __str__(self) -> str:
        return self.path


class Link(models.Model):
    """A link, copy or .strm file that we made; nothing else is ever moved or removed."""

    class How(models.TextChoices):
        SYMLINK = "symlink", _("Symbolic link")
        STRM = "strm", _(".strm file")
        COPY = "copy", _("Copy")

    class State(models.TextChoices):
        OK = "ok", _("In place")
        TRASHED = "trashed", _("In the trash")
        REMOVED = "removed", _("Removed")
        CONFLICT = "conflict", _("Something else is there")

    folder = models.ForeignKey(LinkFolder, models.CASCADE, related_name="links", db_index=False)
    name = models.TextField()  # in the folder of the target
    source = models.TextField()  # below the same folder of the root: a name, except for a disc as .strm
    how = models.CharField(max_length=10, choices=How.choices)
    content = models.TextField(blank=True)  # what the link points to; a hash of the body; size:mtime_ns of a copy
    state = models.CharField(max_length=10, choices=State.choices, default=State.OK)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["folder", "name"], name="scanning_link_once")]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        """The path below the target."""
        return f"{self.folder.path}/{self.name}" if self.folder.path else self.name


class ScanRequest(models.Model):
    """One thing to tell one server. Coalesced while it waits; kept, with its answer, after it was sent.

    ``version`` grows with every hint; only the version that was sent is marked sent, so a change during a scan opens
    a new waiting row. A sent row with ``verify_at`` is asked after (verifying.py)::

        waiting → sending → sent ─┬─▶ verified     the server knows it
                                  ├─▶ gone         the server no longer knows it, and that is right
                                  └─▶ not_found    neither, after the last check; ``reason`` guesses why
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        VERIFIED = "verified", _("Verified")
        GONE = "gone", _("Gone, as it should be")
        NOT_FOUND = "not_found", _("Not found")
        FAILED = "failed", _("Failed")
        NO_LIBRARY = "no_library", _("No library")
        DROPPED = "dropped", _("Dropped")

    class Update(models.TextChoices):
        CREATED = "Created", _("Created")
        MODIFIED = "Modified", _("Modified")
        DELETED = "Deleted", _("Deleted")

    server = models.ForeignKey(Server, models.CASCADE, related_name="requests", db_index=False)
    library = models.ForeignKey(Library, models.SET_NULL, null=True, blank=True, related_name="requests")
    path = models.TextField()  # as the server sees it
    local_path = models.TextField(blank=True)  # as we see it; "" if it is nowhere here
    update = models.CharField(max_length=10, choices=Update.choices, default=Update.MODIFIED)
    is_dir = models.BooleanField(default=True)
    top_level = models.BooleanField(default=False)  # a new folder right below a location
    source = models.CharField(max_length=50, blank=True)  # what asked: crawl, sonarr, manual …
    change_id = models.BigIntegerField(null=True, blank=True)  # the last change behind it
    job_id = models.BigIntegerField(null=True, blank=True)  # the job that sent it
    version = models.PositiveIntegerField(default=1)
    hits = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    sent_path = models.TextField(blank=True)  # what was really asked (Plex climbs)
    sent_at = models.DateTimeField(null=True, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=1000, blank=True)
    verify_at = models.DateTimeField(null=True, blank=True)  # when to ask next; null = not (any more)
    checks = models.PositiveSmallIntegerField(default=0)  # how often it was asked
    verified_at = models.DateTimeField(null=True, blank=True)  # when verified, or known to be gone
    changed_at = models.DateTimeField(null=True, blank=True)  # when the first change behind it was seen, if known
    reason = models.CharField(max_length=50, blank=True)  # a code: why it is not, or was not yet, found

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["server", "library", "path"],
                condition=Q(state="waiting"),
                name="scanning_one_waiting_request",
            ),
            models.UniqueConstraint(
                fields=["server", "path"], condition=Q(state="no_library"), name="scanning_one_homeless_request"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["server", "state", "due_at"], name="scanning_request_due"),
            models.Index(fields=["state", "id"], name="scanning_request_state"),
            models.Index(
                fields=["server", "verify_at"], condition=Q(verify_at__isnull=False), name="scanning_request_verify"
            ),
        ]

    def __str__(self) -> str:
        return self.path

"""The words of the clean-up: classes of what may go, what a row of a plan does, and what became of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Klass(models.TextChoices):
    """Why something may go. The order is that of the rules C1 to C10 in the documentation."""

    UNUSED = "unused", _("Images that are not selected")  # C1: come back with the next refresh
    SELECTED = "selected", _("Selected images that have a web address")  # C2
    ANALYSIS = "analysis", _("Thumbnails made by analysis")  # C3
    REHOST = "rehost", _("Art from media, put on an image host")  # C4
    ORPHAN = "orphan", _("Bundles that nothing belongs to")  # C5
    CHILD = "child", _("Bundles of seasons and episodes")  # C6
    UPLOAD = "upload", _("Uploaded images that are not used")  # C7
    BROKEN = "broken", _("Images that were never loaded")  # C8: only reported
    TIDY = "tidy", _("Dangling links and empty folders")  # C9
    CACHE = "cache", _("Cached pictures (PhotoTranscoder)")  # C10


class Action(models.TextChoices):
    """What a row does. ``phase`` orders them: values first, then files, then folders."""

    UPDATE = "update", _("Write an address into the database")
    FILE = "file", _("Put a file away")  # a link is put away itself, never what it leads to
    TREE = "tree", _("Put a whole bundle away")
    FOLDER = "folder", _("Remove an empty folder")
    REPORT = "report", _("Only report")


PHASES = {Action.UPDATE: 0, Action.FILE: 1, Action.TREE: 2, Action.FOLDER: 3, Action.REPORT: 4}


class Outcome(models.TextChoices):
    """What became of a row."""

    PLANNED = "planned", _("Planned")
    SKIPPED = "skipped", _("Skipped")
    URL_FAILED = "url_failed", _("The address did not answer with a picture")
    UPDATED = "updated", _("Written")
    DB_CHANGED = "db_changed", _("The value had changed")
    LOCKED = "locked", _("The database was locked")
    IN_USE = "in_use", _("In use by now")
    CHANGED = "changed", _("Changed since the plan")
    QUARANTINED = "quarantined", _("In quarantine")
    DELETED = "deleted", _("Deleted")
    RESTORED = "restored", _("Restored")
    ERROR = "error", _("Failed")


class RunState(models.TextChoices):
    """How far a run is. ``refused`` says why in ``Run.reason``."""

    PLANNING = "planning", _("Is being planned")
    REFUSED = "refused", _("Refused")
    PLANNED = "planned", _("Waits to be accepted")
    ACCEPTED = "accepted", _("Accepted")
    APPLYING = "applying", _("Is being applied")
    APPLIED = "applied", _("Applied")
    RESTORING = "restoring", _("Is being restored")
    RESTORED = "restored", _("Restored")
    PURGED = "purged", _("Deleted for good")
    DROPPED = "dropped", _("Dropped")


class Risk(models.TextChoices):
    """How much could be missed if the rule were wrong."""

    LOW = "low", _("Comes back by itself")
    MEDIUM = "medium", _("Comes back with a refresh")
    HIGH = "high", _("May not come back")

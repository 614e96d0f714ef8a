"""Hints: "look here"."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .library import Root


class Hint(models.Model):
    """Somebody said "look here". What changed is decided by listing, not by the hint.

    ::

        waiting ──due──▶ taken (by a job)
           │    └─ it lies under no root, but the mappings know it ──▶ passed (to a scan)
           └───── under no root, and no mapping knows it ────────────▶ dropped
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        TAKEN = "taken", _("Taken by a job")
        PASSED = "passed", _("Passed on to a scan")
        DROPPED = "dropped", _("Dropped")

    source = models.CharField(max_length=50)  # watch, crawl, the kind of a feed, the name of a hook
    reference = models.CharField(max_length=100, blank=True)  # what said so there: "payload 12", an activity's id
    raw = models.TextField(blank=True)  # the path as the source said it
    root = models.ForeignKey(Root, models.CASCADE, null=True, blank=True, related_name="hints")
    path = models.TextField()  # directory to list, below the root; absolute if there is no root
    name = models.TextField(blank=True)  # in it: what must be visible, and rest, before the look ("" = just look)
    gone = models.BooleanField(default=False)  # the other way round: ``name`` must be there no more
    group = models.CharField(max_length=40, blank=True)  # both halves of a rename: one job looks at them
    distrusted = models.BooleanField(default=False)  # removals that it leads to are held
    deep = models.BooleanField(default=False)  # look at what is known below too: the sender means all of a folder
    size = models.BigIntegerField(null=True, blank=True)  # of ``name`` at the last look at it
    size_at = models.DateTimeField(null=True, blank=True)  # when it was first seen so
    looks = models.PositiveIntegerField(default=0)  # at ``name`` so far
    hits = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)  # min(last + debounce, first + max wait), then the next look
    latest_at = models.DateTimeField(default=timezone.now)  # first + max wait: news does not put it off beyond
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    job_id = models.BigIntegerField(null=True, blank=True)
    code = models.CharField(max_length=100, blank=True)  # what it waits for, or what came of it (texts.py)
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["root", "path", "name"],
                condition=Q(state="waiting", root__isnull=False),
                name="monitors_one_waiting_hint",
            ),
            models.UniqueConstraint(
                fields=["path", "name"],
                condition=Q(state="waiting", root__isnull=True),
                name="monitors_one_rootless_hint",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="monitors_hint_due")]

    def __str__(self) -> str:
        return self.raw or self.path or "/"

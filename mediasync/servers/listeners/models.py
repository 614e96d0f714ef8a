"""Arrivals, and how the listener of each server fares."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Listener(models.Model):
    """The listener of one server, written by ``manage.py watch``; ``enabled`` and ``restart`` are set by people."""

    class State(models.TextChoices):
        OFF = "off", _("Nobody listens")
        STARTING = "starting", _("Starting")
        LIVE = "live", _("Listens")
        POLLING = "polling", _("Asks now and then")
        TROUBLE = "trouble", _("Trouble")

    server = models.OneToOneField("servers.Server", models.CASCADE, related_name="listener")
    enabled = models.BooleanField(default=True)
    restart = models.BooleanField(default=False, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.OFF)
    code = models.CharField(max_length=60, blank=True)  # why: a sentence in texts.py
    params = models.JSONField(default=dict)
    since = models.DateTimeField(null=True)  # of this state
    begun_at = models.DateTimeField(null=True)  # what came before is no arrival
    asked_until = models.DateTimeField(null=True)  # all that came before has been asked for
    heard_at = models.DateTimeField(null=True)  # the last message
    asked_at = models.DateTimeField(null=True)  # the last question that was answered
    starts = models.PositiveIntegerField(default=0)
    arrivals = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.server)


class Arrival(models.Model):
    """An item that a server newly took in; recorded once, however often the server speaks of it."""

    server = models.ForeignKey("servers.Server", models.CASCADE, related_name="arrivals")
    library = models.ForeignKey("servers.Library", models.SET_NULL, null=True, related_name="arrivals")
    key = models.CharField(max_length=100)  # the server's own id of the item
    kind = models.CharField(max_length=30, blank=True)  # movie, episode, track, photo …
    title = models.CharField(max_length=300)
    show = models.CharField(max_length=300, blank=True)  # of an episode; the artist of a track
    season = models.IntegerField(null=True)
    episode = models.IntegerField(null=True)
    year = models.IntegerField(null=True)
    path = models.TextField(blank=True)  # as the server names it
    picture = models.CharField(max_length=500, blank=True)  # below the server's address, without any token
    added_at = models.DateTimeField(null=True)  # as the server says: its own clock, or the date of the file
    heard_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["server", "key"], name="servers_arrival_once")]

    def __str__(self) -> str:
        if self.kind == "episode" and self.show:
            return f"{self.show} {self.number} {self.title}".replace("  ", " ")
        if self.show:
            return f"{self.show} – {self.title}"
        return f"{self.title} ({self.year})" if self.year else self.title

    @property
    def number(self) -> str:
        """Return "S01E02", as far as it is known."""
        season = "" if self.season is None else f"S{self.season:02}"
        return season + ("" if self.episode is None else f"E{self.episode:02}")

    @property
    def picture_url(self) -> str:
        """Return the address of its picture, "" if it has none; Plex asks who looks for a token there too."""
        return f"{self.server.url}{self.picture}" if self.picture else ""


class KnownItem(models.Model):
    """An item that a server is known to have, where only that tells what is new (docs/servers.md)."""

    server = models.ForeignKey("servers.Server", models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["server", "key"], name="servers_known_once")]

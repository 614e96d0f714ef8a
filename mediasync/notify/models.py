"""Messages to people: where they go, what is wanted there, what happened, and each message that was made of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

ADMINS = "admins"  # Channel.service of the mail to the people in the setting ADMINS


class Channel(models.Model):
    """One address of apprise. It holds tokens and passwords, so it is encrypted and never shown again."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    url_sealed = models.TextField(blank=True, editable=False)  # core.secrets.seal
    service = models.CharField(_("service"), max_length=100, blank=True, editable=False)  # as apprise calls it
    enabled = models.BooleanField(_("switched on"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)  # in TIME_ZONE
    quiet_to = models.TimeField(_("quiet until"), null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)  # the last success
    last_error = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """What a channel is told of. What happens within ``window`` of the first thing becomes one message."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="rules", verbose_name=_("channel"))
    events = models.JSONField(default=list)  # codes of events.EVENTS
    window = models.PositiveIntegerField(_("digest window"), default=300)  # seconds
    urgent = models.BooleanField(_("also in quiet hours"), default=False)
    enabled = models.BooleanField(_("switched on"), default=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """One message: written before it is sent, and it carries what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits")
        SENDING = "sending", _("Is being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNSURE = "unsure", _("May have been sent")

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="messages", verbose_name=_("channel"))
    rule = models.ForeignKey(Rule, models.SET_NULL, null=True, blank=True, related_name="messages")
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"), blank=True)
    tone = models.CharField(max_length=10, default="info")  # info, success, warning, failure
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    created = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now)  # from then on it is tried for a day
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes: ClassVar = [models.Index(fields=["state", "next_try_at"], name="notify_message_due")]

    def __str__(self) -> str:
        return self.subject


class Notice(models.Model):
    """One thing that happened and that one rule wants; without a message it waits for the end of the window."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="notices")
    event = models.CharField(max_length=50)
    key = models.CharField(max_length=200, blank=True)  # not blank: told once
    params = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    message = models.ForeignKey(Message, models.CASCADE, null=True, blank=True, related_name="notices")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "key"], condition=~Q(key=""), name="notify_notice_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["rule", "at"], condition=Q(message=None), name="notify_notice_waiting")
        ]

    def __str__(self) -> str:
        return self.event


class Condition(models.Model):
    """Something that is wrong now (a server is offline …), as the last look showed it; gone when it is well again."""

    event = models.CharField(max_length=50)
    key = models.CharField(max_length=200)
    code = models.CharField(max_length=100)  # in what way it is wrong
    params = models.JSONField(default=dict)
    since = models.DateTimeField()  # of the code
    told_code = models.CharField(max_length=100, blank=True)  # "": nobody was told
    told_rules = models.JSONField(default=list)  # ids of those that heard of it; a rule made later has not

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["event", "key"], name="notify_condition_once")]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"

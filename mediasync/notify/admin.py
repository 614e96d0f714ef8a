"""Channels, rules and messages in the admin."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.ui.admin import ModelAdmin, ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import Tone, age, badge

from . import services
from .events import EVENTS
from .forms import ChannelForm, RuleForm
from .models import ADMINS, Channel, Message, Rule

State = Message.State
TONES: dict[str, Tone] = {
    State.WAITING: "rest",
    State.SENDING: "busy",
    State.SENT: "ok",
    State.FAILED: "bad",
    State.UNSURE: "warn",
}


def fare(channel: Channel) -> tuple[StrOrPromise, Tone]:
    """Say in a word how a channel fares."""
    if not channel.enabled:
        return _("Switched off"), "idle"
    if channel.service == ADMINS and not settings.ADMINS:
        return _("ADMINS names nobody"), "idle"
    if channel.last_error:
        return _("Trouble"), "bad"
    return (_("Works"), "ok") if channel.sent_at else (_("Never used"), "warn")


@admin.register(Channel)
class ChannelAdmin(ModelAdmin[Channel]):
    form = ChannelForm
    list_display = ("name", "kind", "state", "row_buttons", "quiet", "last_sent")
    search_fields = ("name",)
    ordering = ("name",)
    readonly_fields = ("kind", "state", "last_sent")
    only_later = ("kind", "state", "last_sent")
    fields = ("name", "url", "enabled", "quiet_from", "quiet_to", "kind", "state", "last_sent")

    @admin.display(description=_("Service"), ordering="service")
    def kind(self, channel: Channel) -> StrOrPromise:
        return _("Mail to administrators") if channel.service == ADMINS else channel.service

    @admin.display(description=_("State"))
    def state(self, channel: Channel) -> SafeString:
        return format_html("{} <small>{}</small>", badge(*fare(channel)), channel.last_error)

    @admin.display(description=_("Quiet hours"))
    def quiet(self, channel: Channel) -> str:
        if channel.quiet_from is None or channel.quiet_to is None:
            return "–"
        return f"{time_format(channel.quiet_from, 'H:i')}–{time_format(channel.quiet_to, 'H:i')}"

    @admin.display(description=_("Last success"), ordering="sent_at")
    def last_sent(self, channel: Channel) -> SafeString:
        return age(channel.sent_at)

    def save_model(self, request: HttpRequest, obj: Channel, form: forms.ModelForm[Channel], change: bool) -> None:
        columns = ["name", "enabled", "quiet_from", "quiet_to"]
        if url := form.cleaned_data.get("url"):
            services.set_address(obj, url)
            columns += ["url_sealed", "service", "last_error"]
        obj.save(update_fields=columns if change else None)  # what a job writes meanwhile is left alone

    @button(_("Send a test"))
    def send_test(self, request: HttpRequest, channel: Channel) -> None:
        subject, body = gettext("A test from mediasync"), gettext("If you read this, the channel works.")
        sent = services.send_test(channel, subject, body)
        if sent.state == State.SENT:
            messages.success(request, _("%s: the test was sent.") % channel)
        else:
            messages.error(request, f"{channel}: {sent.error}")


@admin.register(Rule)
class RuleAdmin(ModelAdmin[Rule]):
    form = RuleForm
    list_display = ("name", "on", "channel", "what", "gathered")
    list_filter = ("channel",)
    list_select_related = ("channel",)
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        waiting = Count("notices", filter=Q(notices__message=None))
        return super().get_queryset(request).annotate(waiting=waiting)

    @admin.display(description=_("State"))
    def on(self, rule: Rule) -> SafeString:
        return badge(_("On"), "ok") if rule.enabled else badge(_("Off"), "idle")

    @admin.display(description=_("Events"))
    def what(self, rule: Rule) -> str:
        return ", ".join(str(EVENTS[code].label) if code in EVENTS else code for code in rule.events)

    @admin.display(description=_("Gathered"))
    def gathered(self, rule: Rule) -> int:
        return int(getattr(rule, "waiting", 0))


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    list_display = ("subject", "status", "row_buttons", "channel", "made", "attempts")
    list_filter = ("state", "channel")
    list_select_related = ("channel",)
    search_fields = ("subject",)
    ordering = ("-created", "-pk")
    fields = ("subject", "text", "channel", "rule", "status", "made", "attempts", "next_try", "ended")
    readonly_fields = fields

    @admin.display(description=_("State"), ordering="state")
    def status(self, message: Message) -> SafeString:
        return format_html(
            "{} <small>{}</small>", badge(message.get_state_display(), TONES[message.state]), message.error
        )

    @admin.display(description=_("Text"))
    def text(self, message: Message) -> SafeString:
        return format_html('<pre class="ms-json">{}</pre>', message.body)

    @admin.display(description=_("Made"), ordering="created")
    def made(self, message: Message) -> SafeString:
        return age(message.created)

    @admin.display(description=_("Next attempt"))
    def next_try(self, message: Message) -> SafeString:
        return age(message.next_try_at if message.state == State.WAITING else None)

    @admin.display(description=_("Ended"))
    def ended(self, message: Message) -> SafeString:
        return age(message.ended_at)

    @button(_("Send again"), when=lambda row: row.state in (State.FAILED, State.UNSURE, State.WAITING), bulk=True)
    def send_again(self, request: HttpRequest, message: Message) -> Answer:
        services.send_again(message)
        return gettext("“%s” is sent with the next turn.") % message

    @button(_("Give up"), when=lambda row: row.state == State.WAITING, bulk=True)
    def give_up(self, request: HttpRequest, message: Message) -> Answer:
        services.give_up(message)
        return gettext("“%s” is tried no more.") % message

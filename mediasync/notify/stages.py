"""The job that sends what one channel has to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock
from mediasync.core.errors import Permanent, UsageError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import (
    JSON,
    Context,
    Done,
    ItemInfo,
    JobInfo,
    JobKind,
    Lane,
    NewItem,
    Outcome,
    Planned,
    Skipped,
    Stage,
)

from . import postman, selectors, sending, services
from .models import Channel, Message


class Send(Stage):
    """One message an item. What failed for now waits in its row, not in the job."""

    name = "send"
    label = _("Send messages")
    effect = Effect.ONCE

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        due = selectors.due(job.scope["channel"], clock.system.now())
        yield Planned([NewItem(str(pk)) for pk in due])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        with ctx.transaction():
            message = sending.claim(int(item.key), ctx.now())
        if message is None:
            return Skipped("message_elsewhere")
        error = postman.deliver(message)
        with ctx.transaction():
            services.finish(message, error, ctx.now())
        if message.state == Message.State.WAITING:
            return Skipped("message_later", {"error": error})
        if error:
            raise Permanent(error, code="message_failed", error=error)
        return Done({"sent": 1})


def check_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"channel": id}``; UsageError for others."""
    channel = scope.get("channel")
    if not isinstance(channel, int | str) or not str(channel).isdigit():
        raise UsageError("Name a channel by its number.", code="no_channel")
    if not Channel.objects.filter(pk=int(channel)).exists():
        raise UsageError("There is no such channel.", code="no_channel")
    return {"channel": int(channel)}


def title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the title of the job."""
    name = Channel.objects.filter(pk=scope["channel"]).values_list("name", flat=True).first()
    return "send_messages", {"name": name or f"#{scope['channel']}"}


KIND = JobKind(
    name="notify",
    label=_("Send messages"),
    stages=(Send(),),
    lanes=lambda scope: [Lane(f"notify:{scope['channel']}")],
    heavy=True,  # a service that hangs must not hold the last worker
    title=title,
    check_scope=check_scope,
    permission="notify.change_message",
    texts={
        "send_messages": _("Send messages to %(name)s"),
        "message_elsewhere": _("It was sent already, is being sent, or has to wait"),
        "message_later": _("It will be tried again: %(error)s"),
        "message_failed": _("It could not be sent: %(error)s"),
        "channel_address": _("apprise cannot send to this address: see docs/messages.md for examples"),
        "no_channel": _("There is no such channel"),
    },
)

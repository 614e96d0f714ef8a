"""How feeds look in lists and on pages: their kind, their state, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.jobs import registry
from mediasync.jobs.registry import Text
from mediasync.ui.render import Tone, age, badge

from . import feeds
from .feeds.lead import leader
from .models import FeedState, Root

State = FeedState.State
TONES: dict[str, Tone] = {
    State.STARTING: "busy",
    State.FINE: "ok",
    State.RESTING: "rest",
    State.TROUBLE: "bad",
    State.OFF: "idle",
}
KINDS: Mapping[str, Text] = {
    "inotify": _("Kernel"),
    "polling": _("Polling"),
    "clouddrive": "CloudDrive2",
    "drive_changes": _("Google Drive: changes"),
    "drive_activity": _("Google Drive: activity"),
    "rclone_mount": _("rclone's mount"),
}


SILENT = dt.timedelta(seconds=60)  # a feed whose watcher gave no sign for so long has nobody who listens


def listens(row: FeedState) -> bool:
    """Tell whether a watcher keeps this feed."""
    return row.state != State.OFF and row.beat_at is not None and timezone.now() - row.beat_at < SILENT


def kind_name(kind: str) -> Text:
    """Return the name of a kind of feed for people."""
    return KINDS.get(kind, kind)


def state_badge(row: FeedState) -> SafeString:
    """Return the state as icon and word; without a watcher, no feed works."""
    if not listens(row):
        return badge(_("Nobody listens"), "bad")
    if row.state == State.TROUBLE and row.code == "feed_watch_limit":
        return badge(_("In part"), "warn")
    return badge(State(row.state).label, TONES[row.state])


def sentence(row: FeedState) -> str:
    """Return why it is so."""
    if not listens(row):
        return registry.text("feed_nobody")
    return registry.text(row.code, row.params) if row.code else ""


def rows_of(root: Root) -> list[FeedState]:
    """Return the feeds that tell of a root: its own, and that of its account if it is chosen."""
    kind = feeds.choose(root)[0]
    mine = list(root.feed_states.all())
    if root.account is not None:
        mine += [
            row for row in root.account.feed_states.all() if row.kind == kind and row.pk not in {r.pk for r in mine}
        ]
    return sorted(mine, key=lambda row: (row.kind != kind, row.pk))


def hears_by(root: Root) -> SafeString:
    """Return the kind of feed of a root, and its state."""
    kind = feeds.choose(root)[0]
    if not kind:
        return format_html('<span title="{}">{}</span>', feeds.why(root), _("only crawls"))
    row = next((row for row in rows_of(root) if row.kind == kind), None)
    shown = state_badge(row) if row else badge(_("Not yet"), "idle")
    return format_html('<span title="{}">{}</span> {}', feeds.why(root), kind_name(kind), shown)


def heard_now(root: Root) -> SafeString:
    """Return which feed a root has, how it is, and why that one."""
    kind, why = feeds.choose(root)[0], feeds.why(root)
    if not kind:
        return format_html("{}. {}.", _("Only crawls"), why)
    if not leader():
        return format_html("{} {} {}.", kind_name(kind), badge(registry.text("feed_nobody"), "bad"), why)
    shown = ((kind_name(row.kind), state_badge(row), age(row.since), sentence(row)) for row in rows_of(root))
    return format_html("{} {}.", format_html_join("", "{} {} {} {} · ", shown) or f"{kind_name(kind)} · ", why)

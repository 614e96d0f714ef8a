"""How playlists look in lists and on pages: their state, and how much of them is here."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from mediasync.ui.render import Tone, badge, bar

from .selectors import State

TONES: dict[str, Tone] = {
    State.UNSYNCED: "idle",
    State.NOT_DOWNLOADED: "rest",
    State.DOWNLOADING: "busy",
    State.PARTIAL: "warn",
    State.DOWNLOADED: "ok",
}


def state_badge(playlist: Any) -> SafeString:
    """Return the state of a playlist that has its coverage."""
    return badge(State(playlist.status).label, TONES[playlist.status])


def progress_bar(playlist: Any) -> SafeString:
    """Return how many songs of a playlist are here, of how many, and how many are being fetched now."""
    shown = bar(playlist.downloaded_songs, playlist.total_songs)
    if not playlist.running_songs:
        return shown
    now = ngettext("%d running", "%d running", playlist.running_songs) % playlist.running_songs
    return format_html('{} <span class="ms-note">{}</span>', shown, now)

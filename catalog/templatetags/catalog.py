"""What the pages of the catalog say of playlists and songs: ``{% load catalog %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from catalog import admin_cells
from mediasync.jobs import admin_cells as job_cells
from mediasync.jobs.choices import ItemState
from mediasync.ui.render import badge

register = template.Library()
register.simple_tag(admin_cells.state_badge, name="playlist_state")
register.simple_tag(admin_cells.progress_bar, name="playlist_progress")


@register.simple_tag
def song_state(row: dict[str, Any]) -> SafeString:
    """Return the state of a song in a job; what is no music says so."""
    if not row["music"]:
        return badge(_("Not music"), "rest")
    if row["state"] == "absent":
        return badge(_("Not in this job"), "idle")
    return job_cells.state(row["state"], str(ItemState(row["state"]).label))

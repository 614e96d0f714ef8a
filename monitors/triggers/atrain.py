"""A-Train: folders of a Google Drive that appeared and vanished. The address ends with the id of the drive."""

from __future__ import annotations

from typing import Any

from .base import Found, Parsed, Received, Rejected


def parse(received: Received) -> Parsed:
    """Return what a call says; a folder in both lists is one that changed."""
    data = received.data()
    if not isinstance(data, dict):
        raise Rejected("call_not_an_object")
    return follow(data)


def follow(data: dict[str, Any]) -> Parsed:
    """Return what ``{"created": […], "deleted": […]}`` says."""
    found = Found()
    for name, change in (("created", "upsert"), ("deleted", "delete")):
        folders = data.get(name) or []
        for folder in folders if isinstance(folders, list) else [folders]:
            found.add(folder, "delete" if change == "delete" else "upsert", is_dir=True)
    known = "created" in data or "deleted" in data
    return found.parsed("changes", "call_event_without_change" if known else "")

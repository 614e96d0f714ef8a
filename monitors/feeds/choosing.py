"""Which feed tells of a root's changes, and why that one."""

from __future__ import annotations

from typing import Any

from mediasync.core.paths import to_bytes
from mediasync.jobs import registry
from monitors.filesystems import place_of
from monitors.models import Root

BY_ACCOUNT = {"clouddrive": Root.Feed.CLOUDDRIVE, "gdrive": Root.Feed.DRIVE_CHANGES}


def choose(root: Root) -> tuple[str, str]:
    """Return (kind of feed, code of why); the kind is "" where only crawls look."""
    kind, code, _params = reason(root)
    return kind, code


def reason(root: Root) -> tuple[str, str, dict[str, Any]]:
    """Return what ``choose`` does, and the facts of the sentence. No mount is touched."""
    if not (root.enabled and root.watch):
        return "", "feed_off", {}
    if root.feed != Root.Feed.AUTO:
        return root.feed, "feed_chosen", {}
    account = root.account
    if account is not None and account.enabled and account.kind in BY_ACCOUNT:
        return BY_ACCOUNT[account.kind], "feed_by_account", {"account": account.name}
    if not root.mounted:
        return "", "feed_not_mounted", {}
    place = place_of(to_bytes(root.path))
    if place.is_remote:
        return Root.Feed.POLLING, "feed_remote", {"type": place.type}
    return Root.Feed.INOTIFY, "feed_local", {"type": place.type}


def why(root: Root) -> str:
    """Return the sentence of it."""
    _kind, code, params = reason(root)
    return registry.text(code, params)

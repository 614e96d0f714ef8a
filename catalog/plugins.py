"""Which plug-ins there are: our own modules, and what others offer by entry points."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mediasync.core.errors import UsageError

PLAYLISTS = "mediasync.playlist_sources"
DOWNLOADS = "mediasync.download_sources"
STORAGES = "mediasync.storage_backends"
OURS: dict[str, dict[str, str]] = {
    PLAYLISTS: {
        "netease": "catalog.sources.netease:SOURCE",
        "qq": "catalog.sources.qq:SOURCE",
        "kuwo": "catalog.sources.kuwo:SOURCE",
        "file": "catalog.sources.files:SOURCE",
        "subsonic": "catalog.sources.subsonic:SOURCE",
        "listenbrainz": "catalog.sources.listenbrainz:SOURCE",
        "podcast": "catalog.sources.podcast:SOURCE",
    },
    DOWNLOADS: {
        "library": "catalog.downloads.library:SOURCE",
        "subsonic": "catalog.downloads.subsonic:SOURCE",
        "http": "catalog.downloads.url:SOURCE",
        "webdav": "catalog.downloads.webdav:SOURCE",
        "s3": "catalog.downloads.s3:SOURCE",
        "internet_archive": "catalog.downloads.internet_archive:SOURCE",
        "jamendo": "catalog.downloads.jamendo:SOURCE",
        "external_command": "catalog.downloads.external_command:SOURCE",
    },
    STORAGES: {
        "local_fs": "catalog.storage.local:STORAGE",
        "s3": "catalog.storage.s3:STORAGE",
        "rclone": "catalog.storage.rclone:STORAGE",
    },
}  # name → "module:attribute"; a new one is a line here


@cache
def _others(group: str) -> dict[str, Any]:
    return {each.name: each for each in entry_points(group=group)}


def names(group: str) -> list[str]:
    """Return the names of all plug-ins of a group, ours first."""
    return [*OURS[group], *(name for name in sorted(_others(group)) if name not in OURS[group])]


def load(group: str, name: str) -> Any:
    """Return the class of a plug-in; UsageError names those that there are, or what kept it from being loaded."""
    ours = OURS[group].get(name)
    try:
        if ours:
            module, _, attribute = ours.partition(":")
            return getattr(import_module(module), attribute)
        if name in _others(group):
            return _others(group)[name].load()
    except ImportError as error:
        raise UsageError(f"The plug-in {name!r} cannot be loaded: {error}.", code="plugin_broken", name=name) from error
    known = ", ".join(names(group)) or "none"
    raise UsageError(f"There is no plug-in {name!r}; there are: {known}.", code="no_plugin", name=name)

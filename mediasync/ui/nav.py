"""The groups of the navigation, in one place. What is registered but not named here stands under "More"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

GROUPS = (
    (_("Console"), ("jobs.Job", "jobs.Event", "explain")),
    (
        _("Libraries"),
        (
            "monitors.Root",
            "monitors.Change",
            "monitors.Directory",
            "monitors.Hint",
            "monitors.FeedState",
            "scanning.LinkRule",
            "scanning.Link",
            "scanning.ScanRequest",
        ),
    ),
    (_("Sources"), ("monitors.Account", "monitors.Hook", "monitors.Payload")),
    (
        _("Servers"),
        (
            *("servers.Server", "servers.Library", "servers.Listener", "servers.Arrival"),
            *("scanning.PathMapping", "scanning.MappingExample"),
        ),
    ),
    (
        _("Music"),
        (
            *("catalog.Playlist", "catalog.Pool", "catalog.Song", "catalog.Artist", "catalog.Review"),
            *("catalog.UploadTask", "catalog.StorageBackend", "catalog.Source", "catalog.DownloadSource"),
            "catalog.ConfigRevision",
        ),
    ),
    (_("Clean-up"), ("cleanup.PlexFolder", "cleanup.Run", "cleanup.PlanRow", "cleanup.ImageHost")),
    (_("Messages"), ("notify.Channel", "notify.Rule", "notify.Message")),
    (_("More"), ()),
    (
        _("System"),
        (
            "jobs.Schedule",
            "jobs.Worker",
            "jobs.Command",
            "auth.User",
            "auth.Group",
            "servers.ApiToken",
            "django_q.OrmQ",
            "django_q.Failure",
        ),
    ),
)
# Pages that are no model's, by the names of their addresses; shown to who may see rows of these models.
PAGES = {
    "explain": (
        _("Explain a path"),
        {"monitors.Root", "monitors.Change", "scanning.PathMapping", "scanning.ScanRequest"},
    )
}


def grouped(models: Iterable[dict[str, Any]], home: str) -> list[dict[str, Any]]:
    """Return the admin's model entries and our pages in our groups, in the shape of ``AdminSite.get_app_list``."""
    entries = {entry["model"]._meta.label: entry for entry in models}
    seen = {label for label, entry in entries.items() if entry["perms"].get("view")}
    for page, (name, needed) in PAGES.items():
        if needed <= seen:
            entries[page] = {"name": name, "object_name": page, "admin_url": reverse(page), "add_url": None}
    named = {label for _name, labels in GROUPS for label in labels}
    left = sorted(entries.keys() - named)
    groups = []
    for name, labels in GROUPS:
        rows = [entries[label] for label in labels or left if label in entries]
        if rows:
            groups.append(
                {
                    "name": name,
                    "app_label": "ms",
                    "app_url": home,
                    "has_module_perms": True,
                    "models": rows,
                }
            )
    return groups

"""The configuration of the catalog as it was: saved with each change, compared, and brought back.

No secret is in it: those of sources stay sealed where they are, those of storages are in the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction

from mediasync.core.errors import NotFound

from .models import ConfigRevision, DownloadSource, Source, StorageBackend

ROWS: Mapping[str, tuple[type[models.Model], tuple[str, ...]]] = {
    "sources": (Source, ("plugin", "enabled", "settings", "pace")),
    "download_sources": (DownloadSource, ("plugin", "enabled", "order", "settings", "pace")),
    "backends": (StorageBackend, ("kind", "plugin", "container_name", "config", "enabled", "is_default")),
}
SETTINGS = (
    *("LIBRARY_DIR", "DOWNLOAD_LAYOUT", "DOWNLOAD_SOURCES", "DOWNLOAD_WORKERS"),
    *("CATALOG_EXPORT_COMMAND", "CATALOG_EXPORT_WORKDIR"),
    *("UPLOAD_WORKERS", "UPLOAD_SOURCES", "UPLOAD_PLAYLIST_IDS", "UPLOAD_LIMIT", "OBJECT_BACKEND"),
)
"""Of the environment: shown and compared, brought back only by whoever can change the environment."""

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs: where ("sources.netease.pace"), and what it is in either (None = not there)."""

    path: str
    before: Any
    after: Any


def current() -> Content:
    """Return the configuration as it is."""
    content: Content = {
        part: {str(row["name"]): {field: row[field] for field in fields} for row in _rows(model, fields)}
        for part, (model, fields) in ROWS.items()
    }
    content["settings"] = {name: getattr(settings, name) for name in SETTINGS if hasattr(settings, name)}
    return content


def save(note: str = "", actor: str = "", restored_from: ConfigRevision | None = None) -> ConfigRevision | None:
    """Save the configuration as it is; None if the newest revision says the same."""
    content = current()
    with transaction.atomic():
        newest = ConfigRevision.objects.order_by("-pk").first()
        if newest and newest.content == content and restored_from is None:
            return None
        return ConfigRevision.objects.create(
            content=content, note=note[:200], actor=actor[:150], restored_from=restored_from
        )


def compare(before: Content, after: Content) -> list[Difference]:
    """Return what differs between two configurations, in the order of its place."""
    return sorted(_compare("", before, after), key=lambda each: each.path)


def restore(revision: int, actor: str = "") -> list[str]:
    """Make sources and storages as they were in a revision and return what it could not bring back.

    What came since is switched off, not deleted: files may lie there. Secrets and the environment are left alone. The
    state before is saved first, so that a restore can be taken back. NotFound for an unknown revision.
    """
    row = ConfigRevision.objects.filter(pk=revision).first()
    if row is None:
        raise NotFound(f"There is no revision {revision}.", code="no_revision")
    with transaction.atomic():
        save(f"before #{revision} was restored", actor)
        for part, (model, fields) in ROWS.items():
            _restore(model, fields, row.content.get(part) or {})
        save(f"#{revision} restored", actor, restored_from=row)
    now = current()["settings"]
    return [each.path for each in compare({"settings": row.content.get("settings") or {}}, {"settings": now})]


def _restore(model: type[models.Model], fields: tuple[str, ...], wanted: Mapping[str, Mapping[str, Any]]) -> None:
    manager = model._default_manager
    if "is_default" in fields:
        manager.update(is_default=False)  # there is at most one, also between two updates
    manager.exclude(name__in=list(wanted)).update(enabled=False)
    for name, values in wanted.items():
        known = {field: values[field] for field in fields if field in values}
        manager.update_or_create(name=name, defaults=known)


def _rows(model: type[models.Model], fields: tuple[str, ...]) -> Any:
    return model._default_manager.order_by("name").values("name", *fields)


def _compare(path: str, before: Any, after: Any) -> list[Difference]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [Difference(path, before, after)]
    found: list[Difference] = []
    for name in sorted({*before, *after}):
        found += _compare(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    return found

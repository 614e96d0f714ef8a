"""System checks of the catalog's settings: what would fail only in the middle of a job is said at the start."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from .layout import LAYOUTS
from .scopes import NUMBERS

ABOVE_ZERO = ("KEEP_BUNDLES_HOURS", "CATALOG_EXPORT_TIMEOUT")


@register()
def settings_of_music_can_be(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse numbers, a layout, a folder and a command that cannot be."""
    return [Error(f"{name} {text}.", id="catalog.E001") for name, text in _wrong()]


def _wrong() -> Iterator[tuple[str, str]]:
    for name in ABOVE_ZERO:
        if not getattr(settings, name) > 0:
            yield name, "must be above 0"
    for name in ("DOWNLOAD_WORKERS", "UPLOAD_WORKERS"):
        if not 1 <= getattr(settings, name) <= NUMBERS["workers"]:
            yield name, f"must be from 1 to {NUMBERS['workers']}"
    if settings.UPLOAD_LIMIT < 0:
        yield "UPLOAD_LIMIT", "must not be below 0"
    if settings.DOWNLOAD_LAYOUT not in LAYOUTS:
        yield "DOWNLOAD_LAYOUT", f"must be one of: {', '.join(LAYOUTS)}"
    if settings.LIBRARY_DIR and not str(settings.LIBRARY_DIR).startswith("/"):
        yield "LIBRARY_DIR", "must name a folder from its root"
    try:
        shlex.split(settings.CATALOG_EXPORT_COMMAND)
    except ValueError as error:
        yield "CATALOG_EXPORT_COMMAND", f"cannot be read: {error}"

"""Settings of music that cannot be are said at the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


def found() -> list[str]:
    return [message.msg for message in run_checks() if message.id == "catalog.E001"]


def test_settings_as_they_come_are_well() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEP_BUNDLES_HOURS", 0.0),
        ("KEEP_BUNDLES_HOURS", float("nan")),
        ("CATALOG_EXPORT_TIMEOUT", -1.0),
        ("DOWNLOAD_WORKERS", 0),
        ("UPLOAD_WORKERS", 65),
        ("UPLOAD_LIMIT", -1),
        ("DOWNLOAD_LAYOUT", "nonsense"),
        ("LIBRARY_DIR", "music"),
        ("CATALOG_EXPORT_COMMAND", "sh -c 'open"),
    ],
)
def test_what_cannot_be_is_named(settings: Any, name: str, value: Any) -> None:
    setattr(settings, name, value)
    assert [text.split()[0] for text in found()] == [name]

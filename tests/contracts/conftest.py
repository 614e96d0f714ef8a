"""Official documents and recordings, where they lie beside the checkout (or in MEDIASYNC_FIXTURES)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_core import Config, OpenAPI

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder with what others published or recorded."""
    folder = Path(os.environ.get("MEDIASYNC_FIXTURES", BESIDE))
    if not folder.is_dir():
        pytest.skip("no contracts here: set MEDIASYNC_FIXTURES to their folder")
    return folder


def read(file: Path) -> Any:
    """Return a JSON or YAML document."""
    text = file.read_text("utf-8")
    return yaml.load(text, yaml.CSafeLoader) if file.suffix == ".yaml" else json.loads(text)


def only(document: dict[str, Any], *paths: str) -> OpenAPI:
    """Return the document with only some operations: the whole takes 5 s to be checked, a part a moment."""
    kept = {path: document["paths"][path] for path in paths}
    # Recorded servers write ids without dashes, which "format: uuid" would not allow.
    config = Config(extra_format_validators={"uuid": is_uuid})
    return OpenAPI.from_dict({**document, "paths": kept}, config=config)


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}", value.replace("-", "")) is not None


@pytest.fixture(scope="session")
def plex_document(fixtures: Path) -> OpenAPI:
    document = read(fixtures / "plex/openapi-legacy.yaml")
    paths = ["/", "/identity", "/activities", "/library/sections", "/library/metadata/{ratingKey}"]
    sections = [f"/library/sections/{{sectionKey}}/{what}" for what in ("refresh", "all")]
    return only({**document, "servers": [{"url": "http://fake"}]}, *paths, *sections)


@pytest.fixture(scope="session")
def jellyfin_document(fixtures: Path) -> OpenAPI:
    document = read(fixtures / "jellyfin/openapi-10.11.11.json")
    library = ["/Library/VirtualFolders", "/Library/Media/Updated", "/Items/{itemId}/Refresh", "/Items"]
    return only({**document, "servers": [{"url": "http://fake"}]}, "/System/Info", "/ScheduledTasks", *library)


@pytest.fixture(scope="session")
def emby_document(fixtures: Path) -> OpenAPI:
    document = read(fixtures / "emby/openapi-4.8.11.json")
    # The text of the scheme allows the header that we use; the scheme itself only knows the query.
    document["components"]["securitySchemes"]["apikeyauth"] |= {"name": "X-Emby-Token", "in": "header"}
    library = ["/Library/VirtualFolders/Query", "/Library/Media/Updated", "/Items/{Id}/Refresh", "/Items"]
    return only({**document, "servers": [{"url": "http://fake"}]}, "/System/Info", "/ScheduledTasks", *library)

"""What the tests of hooks share: the fixtures, calls, and payloads."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitors.models import Hook, Payload
from monitors.triggers import KINDS, Parsed, Received

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "webhooks"
EXPECTED = "_expected.json"
OWNERS = {"movie": "radarr", "album": "lidarr"}  # of the bodies that ruddarr captured
IS_DIR = {None: "unknown", True: "dir", False: "file"}


def samples() -> list[Any]:
    """Return the names of all bodies, or one that skips where they are missing."""
    if not SAMPLES.is_dir():
        return [pytest.param("", marks=pytest.mark.skip(reason=f"the sample webhooks are not in {SAMPLES}"))]
    return sorted(file.name for file in SAMPLES.glob("*.json") if file.name != EXPECTED)


def expected(name: str) -> list[dict[str, str]]:
    """Return what a right reader makes of a sample."""
    found: list[dict[str, str]] = json.loads((SAMPLES / EXPECTED).read_text())[name]
    return found


def kind_of(name: str) -> str:
    """Return the kind of hook that a sample is sent to."""
    origin, first, *_rest = name.removesuffix(".json").split("__")
    if origin == "ruddarr":
        return OWNERS.get(first.split("-")[0], "sonarr")
    return {"a_train": "atrain"}.get(first, first)


def call_of(name: str) -> Received:
    """Return a sample as it arrives; those of manual triggers describe a request."""
    raw = (SAMPLES / name).read_bytes()
    if "manual_request" in name:
        return Received(query=urlsplit(json.loads(raw)["url"]).query)
    return Received(raw, headers={"Content-Type": "application/json"})


def as_expected(parsed: Parsed) -> list[dict[str, str]]:
    """Return notices in the form of the expectations."""
    return [{"kind": IS_DIR[each.is_dir], "change": each.change, "path": each.path} for each in parsed.notices]


def read(kind: str, body: Any, query: str = "", **headers: str) -> Parsed:
    """Read a body (bytes, text or what becomes JSON) as a kind of hook does."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return KINDS[kind].parse(Received(raw, query, {key.replace("_", "-"): value for key, value in headers.items()}))


def said(parsed: Parsed) -> list[str]:
    """Return notices as short words: ``+/a`` for something there, ``-/b`` for something gone."""
    return [("-" if each.change == "delete" else "+") + each.path for each in parsed.notices]


def payload(hook: Hook, body: Any = b"", **more: Any) -> Payload:
    """Store a payload as a call would."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Payload.objects.create(hook=hook, method="POST", path=f"/hooks/{hook.name}/", body=raw, **more)


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of Basic auth for Django's test client."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

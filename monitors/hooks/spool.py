"""Calls that could not be stored because the database did not answer: files in ``DATA_DIR/spool``, one a call.

The senders do not try again, so this is where a call waits. A file is complete or not there: it is written beside and
renamed. It survives a crash of ours; after a power cut it may be lacking, as may the newest rows of SQLite. A crash
between the row and the removal of its file gives two payloads, and the second changes nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings

from monitors.models import Hook, Payload

logger = logging.getLogger(__name__)

MOST = 10_000  # files: at most 10 GiB
BLOCK = 100


class Full(Exception):
    """There is no room for another call."""


def folder() -> Path:
    """Return the folder; it may not be there yet."""
    return Path(settings.DATA_DIR) / "spool"


def keep(payload: Payload) -> None:
    """Write an unsaved payload to a file. Raises Full or OSError."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.scandir(place) as entries:
        if sum(1 for _ in entries) >= MOST:
            raise Full
    data = {
        **{name: getattr(payload, name) for name in ("hook_id", "method", "path", "query", "headers", "sender")},
        "at": payload.at.isoformat(),
        "body": base64.b64encode(payload.body).decode(),
    }
    name = place / f"{payload.at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    part = name.with_suffix(".part")
    with part.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(json.dumps(data).encode())
    part.rename(name.with_suffix(".json"))


def take() -> int:
    """Store what lies here, oldest first, and return how many calls that were. Raises DatabaseError."""
    try:
        names = sorted(name for name in os.listdir(folder()) if name.endswith(".json"))[:BLOCK]
    except FileNotFoundError:
        return 0
    return sum(_take(folder() / name) for name in names)


def _take(file: Path) -> bool:
    try:
        payload = _read(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return False  # another watcher was faster
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.error("%s cannot be read and was set aside", file)
        file.rename(file.with_suffix(".bad"))
        return False
    if Hook.objects.filter(pk=payload.hook_id).exists():
        payload.save(force_insert=True)
    else:
        logger.warning("%s is for a hook that is no more", file)
    file.unlink(missing_ok=True)
    return True


def _read(data: dict[str, Any]) -> Payload:
    at, body = dt.datetime.fromisoformat(data.pop("at")), base64.b64decode(data.pop("body"))
    return Payload(at=at, body=body, **data)

"""What a place for pictures can do, and what a person has to say so that it can."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from django_stubs_ext import StrOrPromise as Text

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import UsageError

MOST_BYTES = 32 << 20  # of one picture; art that Plex makes has some hundred kB
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}
BEGINNINGS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))
# One black point: what a test puts there.
POINT = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


class Uploads(Protocol):
    """A place for pictures. ``upload`` may be repeated: the same content gets the same address where that can be."""

    def upload(self, data: bytes, content_type: str) -> str:
        """Put a picture there and return its address; raises from ``core.errors`` (Transient: try again later)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a person enters; ``secret`` ones are sealed and never shown again (at most one a kind)."""

    name: str
    label: Text
    help: Text = ""
    default: str = ""
    required: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of host. ``make(settings, secret)`` raises UsageError for what cannot be used."""

    name: str
    label: Text
    fields: tuple[Field, ...]
    make: Callable[[Mapping[str, Any], str], Uploads]
    warning: Text = ""
    own: bool = False  # its addresses may lie in our own network


def type_of(data: bytes) -> str:
    """Return the content type of a picture by its first bytes; "" for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in BEGINNINGS if data.startswith(start)), "")


def name_for(data: bytes, content_type: str) -> str:
    """Return a name that only this content has."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest() + ENDINGS.get(content_type, "")


def words(settings: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, str]:
    """Return the settings as text, with defaults; UsageError names the first that lacks."""
    found = {each.name: str(settings.get(each.name) or each.default).strip() for each in fields if not each.secret}
    for each in fields:
        if each.required and not each.secret and not found[each.name]:
            raise UsageError(f"Enter {each.label}.", code="host_incomplete", name=each.name)
    return found


def base_address(url: str) -> str:
    """Return the address before the names of pictures, without its last slash; UsageError if it is none."""
    return check_base_url(url)


def host_of(url: str) -> str:
    """Return the host of an address in lower case, "" if it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""

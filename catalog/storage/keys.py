"""Keys of object storages: they mirror the local path below a prefix."""

from __future__ import annotations

from urllib.parse import quote

from mediasync.core.paths import for_people


def key(prefix: str, local: str) -> str:
    """Return ``prefix/local``, always with "/", whatever system the locator is from; no empty parts."""
    parts = f"{prefix}/{local}".replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def portable(locator: str) -> str:
    """Return a key that can be said as UTF-8: bytes that are none are written out as ``\\xNN``, without the backslash.

    S3 and rclone take text; two local names that differ only there would meet, which the size check would show.
    """
    return "/".join(for_people(part).replace("\\", "") for part in locator.split("/"))


def public_url(base: str, locator: str) -> str:
    """Return the address at which everybody may read a key; "" without a base."""
    return f"{base.rstrip('/')}/{quote(locator, safe='/~')}" if base else ""

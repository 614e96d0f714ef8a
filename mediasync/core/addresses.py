"""Addresses of servers, as people enter them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from .errors import UsageError


def is_loopback(url: str) -> bool:
    """Tell whether ``url`` names this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_base_url(url: str) -> str:
    """Return ``url`` without a trailing slash, or raise UsageError saying what is wrong with it.

    Names without a dot ("http://plex:32400") are right: containers have such.
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError
    except ValueError:
        raise UsageError("This is not an address.", code="bad_url") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(char.isspace() for char in url):
        raise UsageError("Enter an address like http://192.0.2.10:32400.", code="bad_url")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError("The address must not have a user name, a query or a fragment.", code="bad_url")
    return url

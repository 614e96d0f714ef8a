"""Which addresses lie in our own network: what somebody outside names must not lead us there."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from mediasync.core.errors import Permanent


def may_lead(source: str, target: str) -> None:
    """Raise Permanent if ``target`` is private though ``source``, which named it, is public."""
    if is_private(target) and not is_private(source):
        host = urlsplit(target).hostname or ""
        raise Permanent(f"A public address leads into a private network: {host}.", code="source_private", host=host)


def is_private(url: str) -> bool:
    """Tell whether an address names, in any of its numbers, a machine that the internet does not reach."""
    return any(not each.is_global or each.is_multicast for each in addresses(urlsplit(url).hostname or ""))


def addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the numbers of a host; none if nobody knows it (whoever asks it will be told)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    numbers = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    return [getattr(each, "ipv4_mapped", None) or each for each in numbers]

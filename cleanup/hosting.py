"""The image hosts that people have set up: their secrets, and what is made of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediasync.core import secrets
from mediasync.core.errors import UsageError
from mediasync.servers.services import keys

from . import hosts
from .hosts.base import POINT, Uploads, host_of
from .models import ImageHost


def save(host: ImageHost, secret: str | None = None) -> ImageHost:
    """Check and store what a person entered; a ``secret`` that is not None replaces the sealed one.

    UsageError says what cannot be used.
    """
    kind = hosts.kind(host.kind)
    known = {each.name for each in kind.fields if not each.secret}
    if unknown := sorted(set(host.settings) - known):
        raise UsageError(f"{kind.label} knows no {', '.join(unknown)}.", code="host_setting")
    if secret is not None:
        host.secret_sealed = secrets.seal(secret.strip(), keys())
    open_host(host)
    host.save()
    return host


def open_host(host: ImageHost) -> Uploads:
    """Return the host itself; raises secrets.Unreadable, UsageError or NeedsOperator if it cannot be used."""
    return hosts.kind(host.kind).make(host.settings, secrets.unseal(host.secret_sealed, keys()))


def test(host: ImageHost) -> str:
    """Put a picture of one point there and return its address; raises what the host raises."""
    return open_host(host).upload(POINT, "image/png")


def own_hosts(host: ImageHost | None) -> frozenset[str]:
    """Return the names of hosts whose pictures may lie in our own network: that of an image host of our own."""
    if host is None or host.kind not in hosts.KINDS or not hosts.KINDS[host.kind].own:
        return frozenset()
    settings: Mapping[str, Any] = host.settings
    name = host_of(str(settings.get("url", "")))
    return frozenset({name} if name else ())

"""Hand one message to apprise, or to Django's mail for administrators. The only module that knows apprise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from django.conf import settings
from django.core.mail import mail_admins

from mediasync.core import secrets
from mediasync.core.errors import MediasyncError, UsageError

from .models import ADMINS, Message

if TYPE_CHECKING:
    import apprise

HIDDEN = "…"
SHORTEST = 4  # characters of a part of an address that is taken for a secret
PIECES = re.compile(r"[/@:?&=+,;]+")


def keys() -> list[str]:
    """Return the keys for secrets, the one that seals first (docs/settings.md, FIELD_KEY)."""
    return [key.strip() for key in (*settings.FIELD_KEY.split(","), settings.SECRET_KEY) if key.strip()]


def service_of(url: str) -> str:
    """Return the service that an address leads to; UsageError if apprise knows none for it."""
    if any(ord(char) < 32 for char in url):
        raise UsageError("The address has characters that no address has.", code="channel_address")
    plugin = _plugin(url.strip())
    if plugin is None:
        raise UsageError(
            "apprise cannot send to this address: see docs/messages.md for examples.", code="channel_address"
        )
    return str(plugin.service_name)[:100]


def deliver(message: Message) -> str:
    """Send, and return "" or why it failed (without any part of the secret address). Takes some seconds at most."""
    if message.channel.service == ADMINS:
        return _mail(message)
    try:
        url = secrets.unseal(message.channel.url_sealed, keys())
    except MediasyncError as error:
        return str(error)
    return _send(url, message)


def _mail(message: Message) -> str:
    if not settings.ADMINS:
        return "The setting ADMINS names nobody."
    try:
        mail_admins(message.subject, message.body)
    except Exception as error:  # whatever a mail backend raises, it was not sent
        return f"{type(error).__name__}: {error}"
    return ""


def _send(url: str, message: Message) -> str:
    import apprise

    plugin = _plugin(url)
    if plugin is None:
        return "apprise cannot send to this address."
    postman = apprise.Apprise(asset=_asset())
    postman.add(plugin)
    try:
        result = postman.notify(
            title=message.subject,
            body=message.body or message.subject,
            notify_type=apprise.NotifyType(message.tone),
            body_format=apprise.NotifyFormat.TEXT,
        )
        if result:
            return ""
        said = " ".join(str(entry.message) for entry in result.logs())
    except Exception as error:  # one of a hundred plugins; what it raised is the reason
        said = f"{type(error).__name__}: {error}"
    return _without(said or "The service did not take it.", url, plugin.url(privacy=True))


def _plugin(url: str) -> Any:
    """Return apprise's object for an address, or None."""
    import apprise

    plugin = apprise.Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True) if url else None
    if plugin is not None and "overflow=" not in url:
        # Else Discord refuses what is longer than 2,000 characters. The whole text stands in the admin.
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return plugin


def _asset() -> apprise.AppriseAsset:
    import apprise

    return apprise.AppriseAsset(
        app_id="mediasync", app_desc="mediasync", app_url="", async_mode=False, secure_logging=True
    )


def _without(text: str, url: str, public: str) -> str:
    """Return ``text`` without those parts of an address that are not in its public form."""
    shown = {part for whole in (public, unquote(public)) for part in PIECES.split(whole)}
    hidden = {part for whole in (url, unquote(url)) for part in PIECES.split(whole)} - shown
    for part in sorted((part for part in hidden if len(part) >= SHORTEST), key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return text

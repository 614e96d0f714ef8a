"""What opens a Google Drive: a refresh token of an own client, or a service account; typed in, or of rclone.conf."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from mediasync.core.addresses import check_base_url, is_loopback
from mediasync.core.errors import UsageError

TOKEN_URI = "https://oauth2.googleapis.com/token"
GOOGLE = "googleapis.com"
SCOPES = "https://www.googleapis.com/auth/"
READ_DRIVE, READ_ACTIVITY = SCOPES + "drive.readonly", SCOPES + "drive.activity.readonly"
MAX_KEY_BYTES = 64 * 1024  # a key file of a service account has about 2,400


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials, and which part of the Drive they are for. ``secret`` values never show in a repr."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)  # good until ``expiry``
    expiry: dt.datetime | None = None  # aware
    service_account: Mapping[str, Any] | None = field(default=None, repr=False)
    impersonate: str = ""  # the user for whom a service account acts
    scope: str = READ_DRIVE  # that a service account asks for
    token_uri: str = ""
    drive: str = ""  # id of a shared drive; "" is My Drive
    folder: str = ""  # id of the folder to begin at; "" is the top

    def secrets(self) -> dict[str, str]:
        """Return what must never appear in a message."""
        key = str((self.service_account or {}).get("private_key", ""))
        named = {"client_secret": self.client_secret, "refresh": self.refresh_token, "access": self.access_token}
        return {name: value for name, value in {**named, "key": key}.items() if value}

    def credentials(self, scope: str) -> Any:
        """Return google-auth's credentials; a service account gets just this scope, a refresh token what it has."""
        need_google()
        if self.service_account is not None:
            return self._of_service_account(scope)
        from google.oauth2 import credentials

        refreshing: Any = credentials.Credentials
        token, expiry = (self.access_token, self.expiry) if self.expiry else ("", None)
        return refreshing(
            token or None,
            refresh_token=self.refresh_token,
            token_uri=self.token_uri or TOKEN_URI,
            client_id=self.client_id,
            client_secret=self.client_secret,
            expiry=expiry and expiry.astimezone(dt.UTC).replace(tzinfo=None),  # google-auth wants it naive
        )

    def _of_service_account(self, scope: str) -> Any:
        from google.oauth2 import service_account

        credentials: Any = service_account.Credentials
        info = dict(self.service_account or {})
        info["token_uri"] = self.token_uri or info.get("token_uri") or TOKEN_URI
        try:
            return credentials.from_service_account_info(info, scopes=[scope], subject=self.impersonate or None)
        except (ValueError, TypeError):  # its message may quote the key
            raise UsageError(_("The key of the service account cannot be read."), code="drive_bad_key") from None


def need_google() -> None:
    """Raise UsageError where Google's packages (the extra gdrive) are not installed."""
    try:
        for name in ("google.oauth2", "google_auth_httplib2", "googleapiclient"):
            import_module(name)
    except ImportError:
        text = _("Google Drive needs more packages: make setup EXTRAS=gdrive")
        raise UsageError(text, code="drive_not_installed") from None


def parse_key(text: str) -> Mapping[str, Any]:
    """Return the JSON key of a service account; UsageError if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(found.get(name) for name in ("client_email", "private_key")):
        message = _("This is no key of a service account: it must be the JSON file that Google's console gives.")
        raise UsageError(message, code="drive_bad_key")
    return found


def read_key(path: str) -> Mapping[str, Any]:
    """Return the key in a file; ``~`` and variables are expanded, as rclone does."""
    return parse_key(read_text(os.path.expandvars(os.path.expanduser(path)), MAX_KEY_BYTES))


def read_text(path: str, most: int) -> str:
    """Return the text of a small file; UsageError says why it cannot be had."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise UsageError(_("%(path)s is too big to be right.") % {"path": path}, code="drive_bad_file")
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or _("it is no text")
        text = _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": why}
        raise UsageError(text, code="drive_bad_file") from None


def check_address(url: str) -> str:
    """Return an address that tokens may be sent to: https, or this machine."""
    url = check_base_url(url)
    if not url.startswith("https://") and not is_loopback(url):
        raise UsageError(_("Tokens go only to https addresses."), code="drive_insecure")
    return url


def check_override(url: str) -> str:
    """Return an address to ask in place of Google's usual one: another of Google's, or on this machine.

    Whoever may edit an account could else have what stands in rclone.conf sent anywhere.
    """
    url = check_address(url)
    host = urlsplit(url).hostname or ""
    if not (is_loopback(url) or host == GOOGLE or host.endswith(f".{GOOGLE}")):
        raise UsageError(_("Only addresses of Google and of this machine can be asked."), code="drive_address")
    return url

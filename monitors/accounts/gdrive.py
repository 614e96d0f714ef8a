"""Google Drive. Feeds hear of its changes; what lies in it is listed through the mount that rclone (or another) makes.

``Root.remote_path`` is a folder's id, or ``/its/path`` from where the account begins; empty: where it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Permanent, Transient, UsageError
from monitors.models import Account

from .base import AccountKind, Field
from .gdrive_access import check_override
from .gdrive_client import Drive, access_of
from .gdrive_mount import keeper_named, mount_state, nudge

PER_SECOND = 8.0  # Google allows 12,000 a minute and user; rclone's mount wants its part of the same project's

FIELDS = (
    Field(
        "rclone_config",
        _("rclone.conf"),
        _("Path of an existing rclone.conf. It is only read; or fill in the fields below."),
        kind="path",
    ),
    Field("rclone_remote", _("Remote"), _("Name of its Google Drive remote.")),
    Field("client_id", _("Client id"), _("Of your own OAuth client in Google's console.")),
    Field("client_secret", _("Client secret"), secret=True),
    Field("refresh_token", _("Refresh token"), secret=True),
    Field("service_account_file", _("Service account file"), _("Path of its JSON key."), kind="path"),
    Field("service_account", _("Service account key"), _("The JSON key itself."), kind="long", secret=True),
    Field("impersonate", _("Impersonate"), _("The user for whom the service account acts.")),
    Field("drive", _("Shared drive"), _("Its id; empty: My Drive, or as the remote says.")),
    Field("folder", _("Root folder"), _("Id of the folder at which the mount begins; empty: as the remote says.")),
    Field(
        "mounted_by",
        _("rclone account"),
        _("Name of the account for the rclone that mounts it: its cache is refreshed, and its mount watched."),
    ),
    Field("endpoint", _("API address"), _("Empty: Google's."), place=True),
    Field("token_uri", _("Token address"), _("Empty: Google's."), place=True),
)
NAMES = tuple(field.name for field in FIELDS)


def check(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return cleaned options and secrets; UsageError says what is missing or cannot be read."""
    cleaned = {**values, **{name: str(values.get(name) or "").strip() for name in NAMES}}
    if cleaned["endpoint"]:
        cleaned["endpoint"] = check_override(cleaned["endpoint"])
    access = access_of({name: cleaned[name] for name in NAMES}, {})
    access.credentials(access.scope)  # reads a key
    if cleaned["mounted_by"] and keeper_named(cleaned["mounted_by"]) is None:
        raise UsageError(_t("There is no rclone account of this name."), code="drive_no_keeper")
    return cleaned


def probe(account: Account) -> Mapping[str, Any]:
    """Return user, storage, and the drive and folder that it shows; raises what is wrong."""
    with closing(Drive(account)) as client:
        try:
            return _facts(client)
        except (TypeError, ValueError, AttributeError):
            raise Transient("Google's answer cannot be read.", code="drive_unreadable") from None


def _facts(client: Drive) -> Mapping[str, Any]:
    about = client.ask("drive", lambda c: c.about().get(fields="user(displayName,emailAddress),storageQuota"))
    user, quota = about.get("user") or {}, about.get("storageQuota") or {}
    facts = {
        "user": user.get("emailAddress") or user.get("displayName") or "",
        "used": int(quota.get("usage") or 0),
        "limit": int(quota.get("limit") or 0),  # 0: none
        "top": client.top(),
        "drive": _drive_name(client),
    }
    if client.access.folder:
        facts["folder"] = str(client.ask_file(client.access.folder, "id,name").get("name") or "")
    return facts


def _drive_name(client: Drive) -> str:
    if not client.drive:
        return "My Drive"
    try:
        found = client.ask("drive", lambda c: c.drives().get(driveId=client.drive, fields="id,name"))
    except Permanent as error:
        if error.code == "drive_not_found":
            raise
        return client.drive  # the name needs a scope that listing does not
    return str(found.get("name") or client.drive)


GDRIVE = AccountKind(
    name="gdrive",
    fields=FIELDS,
    per_second=PER_SECOND,
    probe=probe,
    check=check,
    nudge=nudge,
    remembers=True,
    mount_state=mount_state,
)

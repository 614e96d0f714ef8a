"""A Google Drive remote of an existing rclone.conf, read and never written.

Source of the facts: ``rclone help backend drive`` of 1.75.2. Its own client id is refused: rclone retires it in 2026,
and its tokens are not for other programs.
"""

from __future__ import annotations

import configparser
import datetime as dt
import json
import os
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mediasync.core.errors import UsageError

from .gdrive_access import READ_DRIVE, SCOPES, Access, check_address, parse_key, read_key, read_text

MAX_BYTES = 1024 * 1024
ENCRYPTED = "RCLONE_ENCRYPT_V"
OTHER_VIEWS = ("shared_with_me", "trashed_only", "starred_only")  # they show something else than a tree
HELP = "https://rclone.org/drive/#making-your-own-client-id"


def read_remote(path: str, name: str) -> Access:
    """Return what the remote ``name`` of the file gives; UsageError says what is wrong with it."""
    remote = _section(read_text(os.path.expanduser(path), MAX_BYTES), name.strip().rstrip(":"))
    if view := next((view for view in OTHER_VIEWS if remote.get(view, "").lower() in ("true", "1")), None):
        raise _refuse(_("The remote has “%(view)s” set: what it shows is no tree that can be followed."), view=view)
    common: dict[str, Any] = {
        "impersonate": remote.get("impersonate", ""),
        "drive": remote.get("team_drive", ""),
        "folder": remote.get("root_folder_id", ""),
        "token_uri": check_address(remote["token_url"]) if remote.get("token_url") else "",
    }
    if remote.get("service_account_credentials"):
        key = parse_key(remote["service_account_credentials"])
        return Access(service_account=key, scope=_scope(remote), **common)
    if remote.get("service_account_file"):
        return Access(service_account=read_key(remote["service_account_file"]), scope=_scope(remote), **common)
    if not remote.get("client_id") or not remote.get("client_secret"):
        text = _("The remote uses rclone's own client id, whose tokens are only for rclone. Give it your own: %(help)s")
        raise _refuse(text, help=HELP)
    return Access(
        client_id=remote["client_id"],
        client_secret=remote["client_secret"],
        **_token(remote.get("token", "")),
        **common,
    )


def _section(text: str, name: str) -> Mapping[str, str]:
    if ENCRYPTED in text[:1000]:
        raise _refuse(_("This rclone.conf is encrypted: give the credentials in the other fields, or a file in clear."))
    # No interpolation: a secret may hold "%". Not strict: rclone takes the last of two lines.
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#", ";"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:  # its message quotes the line
        raise _refuse(_("This is no rclone.conf.")) from None
    if not parser.has_section(name):
        names = ", ".join(each for each in parser.sections() if parser[each].get("type") == "drive") or "–"
        raise _refuse(
            _("There is no remote “%(name)s” in it. Of Google Drive there are: %(names)s"), name=name, names=names
        )
    found = {key: value.strip() for key, value in parser[name].items()}
    if found.get("type") != "drive":
        text = _("The remote “%(name)s” is of type %(type)s. Name the Google Drive remote that it stands on.")
        raise _refuse(text, name=name, type=found.get("type") or "–")
    return found


def _token(text: str) -> dict[str, Any]:
    try:
        token = json.loads(text)
        refresh = str(token["refresh_token"])
    except (ValueError, TypeError, KeyError, RecursionError):
        refresh, token = "", {}
    if not refresh:
        raise _refuse(_("The remote has no refresh token: run “rclone config reconnect” for it."))
    try:
        expiry = dt.datetime.fromisoformat(str(token.get("expiry", "")))
    except ValueError:
        expiry = None
    good = expiry is not None and expiry.tzinfo is not None
    access = str(token.get("access_token") or "") if good else ""
    return {"refresh_token": refresh, "access_token": access, "expiry": expiry if good else None}


def _scope(remote: Mapping[str, str]) -> str:
    """Return the first scope of the remote: an impersonating account gets only what it was granted by name."""
    first = remote.get("scope", "").replace(",", " ").split()
    return SCOPES + first[0] if first else READ_DRIVE


def _refuse(text: str, **params: str) -> UsageError:
    return UsageError(text % params if params else text, code="drive_bad_remote")

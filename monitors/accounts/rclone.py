"""Accounts of the kind ``rclone``: a running rclone with its remote control, and perhaps a mount.

``Root.remote_path`` is what rclone calls the folder: ``remote:path``.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import UsageError, WorkError
from mediasync.core.paths import is_within, normalise
from monitors.models import Account, Root

from .base import AccountKind, Field
from .rclone_client import Remote, strings
from .rclone_vfs import active, nudge

if TYPE_CHECKING:
    from monitors.guards import Verdict

ADDRESS = "http://127.0.0.1:5572"
MOUNT_PARAMETERS = frozenset({"fs", "mountType", "mountOpt", "vfsOpt"})

FIELDS = (
    Field(
        "address",
        gettext_lazy("Address"),
        gettext_lazy("Of the remote control (--rc-addr)."),
        default=ADDRESS,
        place=True,
    ),
    Field("user", gettext_lazy("User"), gettext_lazy("As given to rclone with --rc-user; empty with --rc-no-auth.")),
    Field("password", gettext_lazy("Password"), secret=True),
    Field(
        "ca_file",
        gettext_lazy("CA file"),
        gettext_lazy("Only for https with a certificate of your own."),
        "path",
        place=True,
    ),
    Field(
        "fs",
        gettext_lazy("VFS"),
        gettext_lazy("Name of the mounted remote as vfs/list shows it. Needed only if rclone has mounted several."),
    ),
    Field(
        "mount_point",
        gettext_lazy("Mount point"),
        gettext_lazy("Where rclone is mounted here. Empty: the mount under its roots."),
        "path",
    ),
    Field(
        "remount",
        gettext_lazy("A lost mount"),
        gettext_lazy("What to do when nothing is mounted there any more."),
        "choice",
        choices=(
            ("", gettext_lazy("only say so")),
            ("command", gettext_lazy("run the command")),
            ("rc", gettext_lazy("ask rclone to mount it (mount/mount)")),
        ),
    ),
    Field(
        "command",
        gettext_lazy("Command"),
        gettext_lazy("One that mounts it and ends: no shell, quotes as in one. It runs with mediasync's rights."),
    ),
    Field(
        "mount_options",
        gettext_lazy("Parameters of mount/mount"),
        gettext_lazy('JSON: {"fs": "remote:", "vfsOpt": {…}, "mountOpt": {…}}. The same as at first, or it forgets.'),
        "long",
    ),
    Field(
        "unmount_stale",
        gettext_lazy("Clear a dead mount away first"),
        gettext_lazy("fusermount3 -uz, when rclone has died and left its mount behind."),
        "bool",
        default=True,
    ),
)


def check(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options cleaned; UsageError says what is wrong."""
    cleaned = dict(values)
    for name in values.keys() - {"password"}:  # a password may end in a space
        cleaned[name] = values[name].strip() if isinstance(values[name], str) else values[name]
    cleaned["address"] = check_base_url(cleaned.get("address") or ADDRESS)
    if point := cleaned.get("mount_point"):
        try:
            cleaned["mount_point"] = normalise(point)
        except ValueError as error:
            raise UsageError(_("The mount point: %(error)s.") % {"error": error}, code="bad_account") from None
    remount = cleaned.get("remount")
    if remount and not point:
        raise UsageError(_("To mount it again, the mount point must be known."), code="bad_account")
    if remount == "command" and not command_of(cleaned):
        raise UsageError(_("Enter the command that mounts it."), code="bad_account")
    if mount_options_of(cleaned).get("fs", "") == "" and remount == "rc":
        raise UsageError(_("Enter what to mount: the VFS, or “fs” in the parameters."), code="bad_account")
    return cleaned


def command_of(options: Mapping[str, Any]) -> list[str]:
    """Return the command as a list; UsageError where a quote is open."""
    try:
        return shlex.split(options.get("command") or "")
    except ValueError as error:
        raise UsageError(_("The command: %(error)s.") % {"error": error}, code="bad_account") from None


def mount_options_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of mount/mount without the mount point."""
    try:
        found = json.loads(options.get("mount_options") or "{}")
    except ValueError as error:
        raise UsageError(_("The parameters are no JSON: %(error)s.") % {"error": error}, code="bad_account") from None
    if not isinstance(found, dict) or set(found) - MOUNT_PARAMETERS:
        text = _("The parameters are an object with %(names)s.")
        raise UsageError(text % {"names": ", ".join(sorted(MOUNT_PARAMETERS))}, code="bad_account")
    return {"fs": options.get("fs") or "", **found}


def probe(account: Account) -> Mapping[str, Any]:
    """Ask rclone what it is and what it has mounted."""
    remote = Remote(account)
    try:
        version = remote.call("core/version")
        points, vfses = active(remote)
        remotes = strings(remote.call("config/listremotes"), "remotes")
    finally:
        remote.close()
    return {"version": str(version.get("version", ""))[:50], "remotes": remotes, "vfs": vfses, "mounts": points}


def mount_state(root: Root) -> Verdict | None:
    """Return DOWN when the mount that the account names is not there, or rclone answers and has nothing mounted at all.

    What it has mounted may be named otherwise than here (aliases, containers), so anything at all is enough.
    """
    from monitors.guards import down

    from .rclone_mounts import state_of

    if root.account is None or not root.mounted:
        return None
    point = root.account.options.get("mount_point", "")
    if point and not is_within(root.path, point) and (state := state_of(point)) != "there":
        return down(f"rclone_{state}", point=point)  # a union of file systems lies over it, and looks well without it
    try:
        remote = Remote(root.account)
        try:
            points, names = active(remote)
        finally:
            remote.close()
    except (WorkError, UsageError):
        return None
    return None if points or names else down("rclone_not_mounted")


RCLONE = AccountKind(
    name="rclone",
    fields=FIELDS,
    per_second=20.0,
    probe=probe,
    check=check,
    nudge=nudge,
    remembers=True,
    mount_state=mount_state,
)

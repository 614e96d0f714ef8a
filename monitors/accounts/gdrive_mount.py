"""The mount of a Google Drive: rclone's, whose remote control is an account of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mediasync.core.errors import Permanent
from monitors.models import Account, Root

from . import rclone, rclone_vfs

if TYPE_CHECKING:
    from monitors.guards import Verdict


def nudge(root: Root, below: str) -> None:
    """Have rclone read a folder anew; nothing is done where no rclone account is named."""
    if not (name := keeper_name(root)):
        return
    if (seen := _as_rclone_sees_it(root)) is None:
        raise Permanent(f"There is no rclone account {name}.", code="drive_no_keeper", account=name)
    rclone_vfs.nudge(seen, below)


def mount_state(root: Root) -> Verdict | None:
    """Return what rclone says of the mount; nothing where its account is switched off or gone."""
    seen = _as_rclone_sees_it(root)
    return None if seen is None else rclone.mount_state(seen)


def keeper_name(root: Root) -> str:
    """Return the name of the rclone account that mounts a root of a Drive; "" if none is named."""
    account = root.account
    named = account.options.get("mounted_by") if account and account.kind == Account.Kind.GDRIVE else ""
    return str(named or "")


def keeper_named(name: str) -> Account | None:
    """Return the rclone account of this name."""
    return Account.objects.filter(kind=Account.Kind.RCLONE, name=name, enabled=True).first()


def _as_rclone_sees_it(root: Root) -> Root | None:
    """Return the root as if it belonged to the rclone account that the Drive account names; None if there is none."""
    keeper = keeper_named(name) if (name := keeper_name(root)) else None
    if keeper is None:
        return None
    seen = copy.copy(root)
    seen.account = keeper
    return seen

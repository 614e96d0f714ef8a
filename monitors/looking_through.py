"""Look at a root through its account: whether it is there where nothing of it lies on this machine, and whether what
serves its mount still does."""

from __future__ import annotations

import copy
import errno
import os
from typing import Any

from mediasync.core.errors import MediasyncError, Snooze
from mediasync.core.paths import to_bytes

from . import guards
from .accounts import KINDS, limits
from .guards import Verdict
from .keep import make_keep
from .listers import Lister, lister_of
from .models import Root
from .probe import EVERYTHING

ASK_AGAIN = frozenset({limits.THROTTLED, limits.QUOTA_SPENT})  # it is there, but wants a rest


def at_root(root: Root) -> Verdict:
    """Judge a root by the listing of its folder.

    Raises Snooze if that may not be asked for just now, unless the root was DOWN: then it stays so.
    """
    try:
        seen = look(root)
    except Snooze as error:
        return _not_asked(root, error)
    except MediasyncError as error:
        return guards.down("guard_account", error=str(error)[:200])
    return guards.judge(root, seen)


def look(root: Root) -> dict[str, Any]:
    """Return what ``probe.look`` returns, of a root that is read through its account."""
    lister = lister_of(unfiltered(root), fresh=False)
    seen: dict[str, Any] = {"error": "", "errno": 0, "entries": 0, "anchor": True}
    keep = make_keep(EVERYTHING)
    try:
        _mtime, _mark, folders, files, error, _skipped = lister.listing(b"")
        names = [(name, True) for name in folders] + [(row[0], False) for row in files]
        seen["entries"] = sum(keep(name, is_dir, b"") for name, is_dir in names)
        if root.anchor:
            seen["anchor"] = _holds(lister, to_bytes(root.anchor), {name for name, _ in names})
        if error:
            seen |= {"error": error, "errno": errno.EIO}
    except OSError as caught:
        seen |= {"error": caught.strerror or os.strerror(caught.errno or 0), "errno": caught.errno or errno.EIO}
    return seen


def unfiltered(root: Root) -> Root:
    """Return a copy of a root for which everything but junk counts."""
    twin = copy.copy(root)
    twin.kinds, twin.include, twin.exclude, twin.hidden = [], [], [], True
    return twin


def _holds(lister: Lister, anchor: bytes, top: set[bytes]) -> bool:
    parent, _, name = anchor.rpartition(b"/")
    if not parent:
        return name in top
    try:
        _mtime, _mark, folders, files, _error, _skipped = lister.listing(parent)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return name in folders or any(row[0] == name for row in files)


def _not_asked(root: Root, error: Snooze) -> Verdict:
    """Say what holds of a root that may not be asked for: throttling is no sign that it is gone."""
    account = root.account
    if root.guard == Root.Guard.DOWN:
        return Verdict(root.guard, root.guard_code, root.guard_params)
    refused = error.code in ("account_paused", "account_off", "clouddrive_refused", "clouddrive_login")
    gone = error.code == "account_rests" and account is not None and account.last_code not in ASK_AGAIN
    if refused or gone:
        said = account.last_error if gone and account is not None else ""
        return guards.down("guard_account", error=(said or str(error))[:200])
    raise error


def at_mount(root: Root) -> Verdict | None:
    """Return what the program that serves the mount of a root says against it; None: nothing."""
    account = root.account
    kind = KINDS.get(account.kind) if account is not None else None
    if kind is None or kind.mount_state is None:
        return None
    return kind.mount_state(root)

"""Kinds of accounts, by the name that ``Account.kind`` holds."""

from __future__ import annotations

from .base import AccountKind, Field
from .clouddrive import CLOUDDRIVE
from .gdrive import GDRIVE
from .rclone import RCLONE

__all__ = ["KINDS", "AccountKind", "Field"]

KINDS: dict[str, AccountKind] = {kind.name: kind for kind in (CLOUDDRIVE, GDRIVE, RCLONE)}

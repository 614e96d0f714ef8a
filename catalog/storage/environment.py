"""Secrets of storages: from the environment, by a prefix, and never from the database."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from mediasync.core.errors import NeedsOperator, UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked(prefix: str) -> str:
    """Return a prefix that names of variables can begin with; UsageError for any other."""
    if not _NAME.fullmatch(prefix):
        raise UsageError("Name the prefix of the keys in the environment, as MAIN_S3.", code="no_key_prefix")
    return prefix


def from_environment(prefix: str, needed: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
    """Return the values of ``<prefix>_<name>``; "" for those of ``others`` that are not set.

    Raises UsageError for a prefix that cannot be one, NeedsOperator that names (not quotes) what is missing.
    """
    checked(prefix)
    found = {name: os.environ.get(f"{prefix}_{name}", "").strip() for name in (*needed, *others)}
    missing = [f"{prefix}_{name}" for name in needed if not found[name]]
    if missing:
        names = ", ".join(missing)
        raise NeedsOperator(f"Not set in the environment: {names}.", code="storage_keys_missing", names=names)
    return found


def present(prefix: str, names: Sequence[str]) -> dict[str, bool]:
    """Tell which variables are set: all that a page may show of them."""
    return {f"{prefix}_{name}": bool(os.environ.get(f"{prefix}_{name}", "").strip()) for name in names if prefix}

"""Kinds of accounts, by the name that ``Account.kind`` holds."""

from __future__ import annotations

from .base import AccountKind, Field

__all__ = ["KINDS", "AccountKind", "Field"]

KINDS: dict[str, AccountKind] = {}
